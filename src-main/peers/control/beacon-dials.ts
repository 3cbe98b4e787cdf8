import type { BootId, PeerId } from '../../contract/ids.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import type { Clock } from '../../lib/clock.ts'
import { AnnouncedAddresses } from '../discovery/announced-addresses.ts'
import type { HeardBeacon } from '../discovery/beacon.ts'
import type { Membership } from '../fleet/membership.ts'
import type { AttemptResult } from './dial-loop.ts'
import type { DialOutcome } from './dial.ts'
import type { Link, Links } from './links.ts'
import type { OwnDials } from './own-dials.ts'
import type { PeerTable } from './peer-table.ts'
import type { Refusals } from './refusals.ts'
import type { Twins } from './twins.ts'

/** Both ends hear of each other at the same time; the higher id leaves the first try to the lower one. */
const HIGHER_ID_WAITS_MS = 250

export interface BeaconDialsOptions {
  readonly clock: Clock
  readonly self: PeerId
  readonly bootId: BootId
  readonly membership: Membership
  readonly table: PeerTable
  readonly refusals: Refusals
  readonly links: Links
  readonly dials: OwnDials
  readonly twins: Twins
  readonly isRunning: () => boolean
  /** One that is connected has been heard in this subnet. */
  readonly isNear: (link: Link) => void
}

/** What beacons set in motion: greets those who announce themselves and are not connected. */
export class BeaconDials {
  readonly #o: BeaconDialsOptions
  readonly #announced: AnnouncedAddresses

  constructor(options: BeaconDialsOptions) {
    this.#o = options
    this.#announced = new AnnouncedAddresses(options.clock)
  }

  /** True when an authentic beacon came from this address recently. */
  isAnnounced(address: string): boolean {
    return this.#announced.has(address)
  }

  /** @returns true when the beacon is to be answered */
  heard({ message, address }: HeardBeacon): boolean {
    const { self, bootId, clock, table, membership, links, twins } = this.#o
    if (membership.denies(message.id)) {
      table.set(message.id, 'refused', `${table.nameOf(message.id)} was removed from the fleet.`, { address })
      return false
    }
    if (message.id === self) {
      if (message.bootId === bootId || message.goodbye) return false
      void twins.announced(address, message.port)
      // So that the twin learns of it as well.
      return message.replyWanted
    }
    const nowMs = clock.monotonicMs()
    const known = links.get(message.id)
    if (message.goodbye) {
      if (known?.heardBoot === message.bootId) known.addresses.clear()
      return false
    }
    this.#announced.note(address)
    const link = known ?? links.getOrAdd(message.id)
    if (!link) return false
    const news = link.heardBoot !== message.bootId && link.bootId !== message.bootId
    if (link.heardBoot !== message.bootId) link.addresses.clear()
    const moved = !link.addresses.has(address, nowMs)
    link.heardBoot = message.bootId
    link.addresses.note(address, message.port, nowMs)
    if (link.channel) {
      // Where it is connected from may be gone.
      if (news || (moved && link.peer?.address !== address)) link.channel.probe()
      this.#o.isNear(link)
      return news
    }
    if (news || message.replyWanted) link.loop.encourage()
    if (!known) table.set(link.id, 'seen', null, { address })
    if (news || message.replyWanted || link.loop.idle) link.loop.soon(self < link.id ? 0 : HIGHER_ID_WAITS_MS)
    return news || message.replyWanted
  }

  /** A beacon of this fleet in a version of the protocol that this agent does not speak. */
  otherVersion(address: string, version: number): void {
    this.#o.refusals.stranger(
      address,
      null,
      `speaks version ${version} of the protocol, this agent version ${PEER_PROTOCOL}`
    )
  }

  async attempt(link: Link, signal: AbortSignal): Promise<AttemptResult> {
    const { clock, table, refusals, links, dials, isRunning } = this.#o
    const { id } = link
    if (link.channel || !links.hasFreshBeacon(link)) return 'done'
    if (refusals.isPenalised(id)) return 'retry'
    let outcome: DialOutcome | undefined
    let failure: string | undefined
    for (const { address, port } of link.addresses.inOrder(clock.monotonicMs())) {
      table.set(id, 'connecting', null, { address })
      const tried = await dials.dial(address, port, id, signal)
      if (link.channel || !isRunning()) return 'done'
      if (tried.kind === 'unreachable') failure ??= `${table.nameOf(id)} at ${address}:${port} ${tried.reason}.`
      // Somebody else at an address that was announced: the peer may be at another one.
      if (outcome?.kind !== 'refused' || tried.kind !== 'unreachable') outcome = tried
      if (tried.kind !== 'unreachable' && tried.kind !== 'refused') break
    }
    if (outcome?.kind === 'refused') refusals.member(id, outcome.address, outcome.reason)
    else if (outcome?.kind === 'unreachable') table.set(id, 'lost', failure ?? null)
    else table.set(id, 'seen', null)
    return outcome?.kind === 'proven' ? 'done' : 'retry'
  }
}
