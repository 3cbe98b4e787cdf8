import { createClaims } from '../claims/claims-service.ts'
import type { Claims } from '../claims/claims.ts'
import type { Settings } from '../contract/settings.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { MemberMemory } from '../cache/members-table.ts'
import type { AwakeClock } from '../lib/awake-clock.ts'
import { createPeerNetwork } from '../peers/create-network.ts'
import type { KnownMembersStore } from '../peers/control/known-members.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { PartStack } from '../lib/part-stack.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import type { Rates } from '../rates/rates.ts'
import type { Transfers } from '../transfers/transfers.ts'
import type { Distrust } from '../transfers/verify/distrust.ts'
import type { AgentHost } from './agent.ts'
import { NetworkClaimLink } from './claim-link.ts'
import type { EventLog } from './event-log.ts'
import type { MachineWatch } from '../machine/machine-watch.ts'
import type { Serving } from './serving.ts'

export interface PeersWorld extends Pick<AgentHost, 'log' | 'systemProxy'> {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: AwakeClock
  readonly dataDir: string
  readonly name: string
  readonly settings: Settings
  readonly machine: MachineWatch
  readonly serving: Serving
  readonly rates: Rates
  readonly buffers: PieceBuffers
  readonly distrust: Pick<Distrust, 'has'>
  /** Members that were of use. */
  readonly members: () => MemberMemory
  /** What peers may get; not asked before the network is started. */
  readonly shared: () => Pick<Transfers, 'openServed' | 'isSmall' | 'holdings' | 'knowledge'>
}

/** The other agents, and who among them is master of what. */
export interface Peers {
  readonly network: PeerNetwork
  /** What claims hear of the network. */
  readonly link: NetworkClaimLink
  readonly claims: Claims
}

/** Makes the two; starting them is left to the caller. @throws the codes of {@link createPeerNetwork} */
export async function openPeers(world: PeersWorld, stack: PartStack): Promise<Peers> {
  const { dataDir, name, settings, machine, serving, rates, buffers, distrust, shared, clock, log, env, systemProxy } =
    world
  const { fleet, ports, discovery, transfers, election, hub } = settings
  const network = await stack.own(
    'peer network',
    () =>
      createPeerNetwork({
        dataDir,
        name,
        version: LARDER_VERSION,
        weight: () => serving.weight.value,
        links: machine.links,
        settings: { fleet, ports, discovery, uploadSlots: transfers.uploadSlots, hub },
        clock,
        log,
        buffers,
        rates,
        knownMembers: membersIn(world),
        outerAgent: async (url) =>
          (await import('../origin/tunnel-agent.ts')).tunnelAgent(url, {
            settings: settings.origin,
            env,
            systemProxy,
            clock
          }),
        distrusts: (id) => distrust.has(id),
        source: {
          openServed: async (key) => (rates.mayUpload ? shared().openServed(key) : undefined),
          isSmall: (key) => shared().isSmall(key)
        },
        knowledge: (key) => shared().knowledge(key)
      }),
    (n) => n.stop()
  )
  const link = new NetworkClaimLink(network)
  const claims = await stack.own(
    'claims',
    () =>
      createClaims({
        link,
        clock,
        // Without a fleet there is nobody to wait for.
        settings: network.fleet().member ? election : { ...election, settleMs: 0 },
        holdings: (key) => (rates.mayUpload ? shared().holdings(key) : undefined),
        standstill: () => clock.standstill(),
        onFlood: (id) => network.noteFlood(id, 'asks for more contents than its share; what is above that waits'),
        nameOf: (id) => network.nameOf(id)
      }),
    (c) => c.stop()
  )
  return { network, link, claims }
}

/** Members that were of use, in the index. A disk that is full, or gone, costs the memory of them. */
function membersIn({ members, clock, log }: Pick<PeersWorld, 'members' | 'clock' | 'log'>): KnownMembersStore {
  const attempt = <T>(work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch (error) {
      log.warn({ err: error }, 'Which PCs were of use before could not be read or kept.')
      return otherwise
    }
  }
  return {
    all: () => attempt(() => members().all(), []),
    note: (id) => attempt(() => members().note(id, clock.wallMs()), undefined)
  }
}

/** Hands what the network hears to those whom it concerns. */
export function passOn({ network, link }: Peers, transfers: Transfers): void {
  network.on('message', (from, message) => {
    // The prefix of `t` says whose message it is; the rest is checked by its type.
    if (message.t.startsWith('claim.')) {
      // Who is master here is decided here.
      if (!network.peer(from)?.far) link.emit('message', from, message as Parameters<typeof link.send>[1])
    } else if (message.t !== 'evidence' && message.t !== 'check')
      transfers.handle(from, message as Parameters<typeof transfers.handle>[1])
  })
  network.on('connected', ({ id, far }) => {
    if (!far) link.emit('joined', id)
  })
  network.on('near', ({ id }) => link.emit('joined', id))
  network.on('lost', ({ id }) => {
    transfers.memberLost(id)
    link.emit('lost', id)
  })
  network.on('banned', (id, key) => link.emit('banned', id, key))
}

/** Says who comes, goes and is refused. */
export function tellPeerEvents(network: PeerNetwork, events: EventLog): void {
  network.on('connected', ({ id }) => {
    const peerName = network.nameOf(id)
    events.add('peerConnected', `${peerName} is connected.`, { peer: id, peerName })
  })
  network.on('lost', ({ id }, reason) => {
    const peerName = network.nameOf(id)
    events.add('peerLost', `${peerName} is gone: ${reason}`, { peer: id, peerName })
  })
  network.on('refused', ({ address, id, reason }) =>
    events.add('peerRefused', `${address}: ${reason}`, id ? { peer: id } : {})
  )
  network.on('notice', (text) => events.add('warning', text))
}
