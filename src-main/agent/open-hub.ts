import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createSiteClaims, type SiteClaims } from '../claims/site-claims.ts'
import type { HubTotals } from '../contract/hub-messages.ts'
import type { PeerId } from '../contract/ids.ts'
import type { HubView } from '../contract/hub-view.ts'
import type { Settings } from '../contract/settings.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { MAX_CONTENTS } from '../hub/deposit.ts'
import { DepositStore } from '../hub/deposit-store.ts'
import { Hub } from '../hub/hub.ts'
import type { HubStore } from '../hub/store.ts'
import type { AwakeClock } from '../lib/awake-clock.ts'
import type { PartStack } from '../lib/part-stack.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import { createRecordVerifier } from '../pieces/record.ts'
import type { Rates } from '../rates/rates.ts'
import type { Transfers } from '../transfers/transfers.ts'
import { AgentSite } from './agent-site.ts'
import { Depositor } from './depositor.ts'
import type { EventLog } from './event-log.ts'
import { HubClaimLink, learnCards, OwnHub } from './hub-claim-link.ts'
import { WanShare } from './wan-share.ts'

const TOTALS_EVERY_MS = 300_000

export interface HubWorld {
  readonly rates: Rates
  readonly clock: AwakeClock
  readonly network: PeerNetwork
  readonly settings: () => Settings
  readonly events: EventLog
  readonly changed: () => void
  /** What hubs are told of this PC's savings. */
  readonly totals: () => Omit<HubTotals, 't'>
  /** What this PC may give to others; not asked before the network is started. */
  readonly shared: () => Pick<Transfers, 'openServed' | 'signersOf' | 'receivedOf'>
  readonly keeping: { readonly hashes: HashPool; readonly buffers: PieceBuffers; readonly dataDir: string }
}

/** What this agent has to do with hubs: as one of their agents, as a hub itself, or both. */
export interface OpenHub {
  readonly site: AgentSite
  readonly claims: SiteClaims
  /** Null: this agent is not a hub. */
  readonly hub: Hub | null
}

export async function openHub(world: HubWorld, stack: PartStack): Promise<OpenHub> {
  const { clock, network, settings } = world
  const own = new OwnHub(network.self)
  const store = network.door === null ? undefined : await openStore(world)
  const deposit = await openDeposit({ ...world, isHub: network.door !== null }, stack)
  const hub =
    network.door === null
      ? null
      : await stack.own(
          'hub',
          () => makeHub(world, own, { store, deposit }),
          (h) => h.stop()
        )
  const share = await stack.own(
    'share of the WAN',
    () => new WanShare({ clock, rates: world.rates, send: (to, message) => void link.send(to, message) }),
    (s) => s.stop()
  )
  const link = new HubClaimLink(network, hub === null ? null : own, () => store?.cluster ?? null, {
    clock,
    budget: (from, budget) => share.heard(from, budget),
    deposit: (from, message) => site.heardDeposit(from, message)
  })
  const claims = await stack.own(
    'site claims',
    () =>
      createSiteClaims({
        link,
        clock,
        random: Math.random,
        settings: settings().election,
        standstill: () => clock.standstill()
      }),
    (c) => c.stop()
  )
  const depositor = await stack.own(
    'depositor',
    () =>
      new Depositor({
        clock,
        network,
        open: (key) => world.shared().openServed(key),
        signersOf: (key) => world.shared().signersOf(key),
        progressOf: (key) => world.shared().receivedOf(key),
        send: (to, message) => void link.send(to, message)
      }),
    (d) => d.stop()
  )
  const site: AgentSite = await stack.own(
    'other subnets',
    () => new AgentSite({ ...world, depositor }, claims, link),
    (s) => s.stop()
  )
  network.on('pathsChanged', () => own.announce())
  network.hubs.on('changed', world.changed)
  network.hubs.on('up', ({ id, hello: { name, site: of } }) =>
    world.events.add(
      'hubConnected',
      of === null
        ? `The hub ${name} takes this PC to be in no site: its subnet downloads by itself.`
        : `The hub ${name} is connected; this PC is in ${of}.`,
      { peer: id, peerName: name }
    )
  )
  network.hubs.on('down', ({ id, hello: { name } }, reason) =>
    world.events.add(
      'hubLost',
      `The hub ${name} is gone: it ${reason}. Each subnet downloads by itself until it is back.`,
      {
        peer: id,
        peerName: name,
        reason: 'hub-unreachable'
      }
    )
  )
  const tell = (id: PeerId) => network.hubs.send(id, { t: 'hub.totals', ...world.totals() })
  await stack.own(
    'totals for hubs',
    () =>
      clock.every(TOTALS_EVERY_MS, () => {
        for (const { id, hello } of network.hubs.connected()) if (hello.totals) tell(id)
      }),
    (timer) => timer.cancel()
  )
  network.hubs.on('up', ({ id, hello }) => hello.totals && tell(id))
  claims.start()
  return { site, claims, hub }
}

/** What this hub keeps for others. */
export async function openDeposit(
  {
    clock,
    settings,
    keeping: { hashes, buffers, dataDir },
    isHub
  }: Pick<HubWorld, 'clock' | 'settings' | 'keeping'> & { readonly isHub: boolean },
  stack: PartStack
): Promise<DepositStore | undefined> {
  const { deposit, depositMaxBytes, depositHours } = settings().hub
  const dir = join(dataDir, 'deposit')
  // What was kept while it was on is not left lying about.
  if (!isHub || deposit === 'off') return void (await rm(dir, { recursive: true, force: true }).catch(() => {}))
  return stack.own(
    'deposit',
    () =>
      DepositStore.open({
        dir,
        limits: { maxBytes: depositMaxBytes, maxContents: MAX_CONTENTS, keepMs: depositHours * 3_600_000 },
        clock,
        hashes,
        buffers,
        minFreeBytes: () => settings().cache.minFreeBytes
      }),
    (d) => d.stop()
  )
}

/** What this hub shares with others; the library of a store that is not used is not loaded. */
async function openStore({ clock, network, settings, events, changed }: HubWorld): Promise<HubStore | undefined> {
  const url = settings().hub.store
  if (url === 'memory') return undefined
  const { RedisStore } = await import('../hub/redis-store.ts')
  const store = new RedisStore({ url, fleet: network.fleet().tag ?? 'none', self: network.self, clock })
  store.on('up', () => {
    events.add('hubStore', 'As hub: the store is connected; hubs that share it are one.')
    changed()
  })
  store.on('down', (reason) => {
    events.add('hubStore', `As hub: the store ${reason}. Until it is back this hub decides by itself.`)
    changed()
  })
  return store
}

function makeHub(
  { clock, network, settings, events, changed, totals }: HubWorld,
  own: OwnHub,
  { store, deposit }: { store: HubStore | undefined; deposit: DepositStore | undefined }
): Hub {
  const { election, hub: rules } = settings()
  const hub: Hub = new Hub({
    self: network.self,
    name: network.nameOf(network.self),
    version: LARDER_VERSION,
    clock,
    election,
    sites: rules.sites,
    maxConnections: rules.maxConnections,
    maxContents: rules.maxContents,
    wanSite: () => settings().rates.wanSite,
    ownTotals: totals,
    ...(store && { store }),
    ...(deposit && {
      deposit: {
        id: network.deposits.idOf(network.self),
        store: deposit,
        always: rules.deposit === 'always',
        records: createRecordVerifier(),
        network,
        onOffence: (id, reason) => {
          const peerName = nameAt(hub, id)
          events.add('peerBanned', `As hub: nothing more is kept of what ${peerName} brings: it ${reason}.`, {
            peer: id,
            peerName
          })
        },
        changed
      }
    }),
    send: (to, message) => {
      if (to !== network.self) network.door!.send(to, message)
      else if (message.t === 'hub.cards') learnCards(network, message.cards)
      else if (message.t !== 'hub.hello') own.told(message)
    },
    standstill: () => clock.standstill(),
    onFlood: (id) => network.noteFlood(id, 'asks this hub for more contents than its share; what is above that waits'),
    onElected: (site, { master }) => {
      const peerName = nameAt(hub, master)
      events.add('wanLease', `As hub: ${peerName} may download a content for ${site}.`, { peer: master, peerName })
    }
  })
  const door = network.door!
  if (hub.deposit) door.shelve(hub.deposit)
  hub.joined(network.self, '')
  own.serve(hub, () => network.far.introduction())
  door.on('joined', ({ id, address }) => {
    hub.joined(id, address)
    changed()
  })
  door.on('lost', (id) => {
    hub.lost(id)
    changed()
  })
  door.on('message', (from, message) => hub.message(from, message))
  return hub
}

const nameAt = (hub: Hub, id: PeerId): string => hub.members().find((m) => m.id === id)?.name ?? id.slice(0, 8)

/** As a snapshot shows it. */
export function hubView({ network, hub: { hub } }: { readonly network: PeerNetwork; readonly hub: OpenHub }): HubView {
  return {
    hubs: network.hubs.view().map(({ sinceMs, ...state }) => ({ ...state, since: sinceMs })),
    serving:
      hub === null
        ? null
        : { members: hub.memberCount, sites: hub.sites(), store: hub.store, deposit: hub.deposit?.view() ?? null }
  }
}
