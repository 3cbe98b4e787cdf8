// Why it is like this: docs/decisions/0070-a-hub-may-introduce-pcs-of-one-site.md
import { Coordinator } from '../claims/coordinator.ts'
import type { ClaimSettings, ElectedInfo } from '../claims/claims.ts'
import { MAX_SITE_HOLDERS, type FromHub, type HubCards, type ToHub } from '../contract/hub-messages.ts'
import type { HubContentView } from '../contract/hub-view.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimDecision, ClaimMessage } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { ApartSubnets } from './apart-subnets.ts'
import type { HolderRegistry } from './registry.ts'

/** Cards that one member was sent: not more than an agent keeps. */
const MAX_SENT = 128

/** The deposit of this hub as a holder of contents: the last to be named. */
export interface DeskDeposit {
  readonly id: PeerId
  stateOf(key: ContentKey): { readonly pieces: number; readonly complete: boolean } | null
  /** It can be asked by this one. */
  isFor(id: PeerId): boolean
}

export interface SiteDeskWorld {
  readonly self: PeerId
  readonly clock: Clock
  readonly settings: ClaimSettings
  readonly registry: HolderRegistry
  /** Base64url; undefined: it cannot be reached by others. */
  cardOf(id: PeerId): string | undefined
  /** By its card; null: not known. */
  subnetOf(id: PeerId): string | null
  /** What this hub keeps itself; absent: nothing. */
  readonly deposit?: DeskDeposit
  send(to: PeerId, message: FromHub): void
  /** Whoever asks for too much; told each time. */
  onFlood(id: PeerId): void
  onElected(info: ElectedInfo): void
}

/** What an agent says about contents. */
export type DeskMessage = Exclude<
  ToHub,
  { t: 'hub.card' | 'hub.totals' | 'hub.wan' | 'hub.offer' | 'hub.moves' | 'hub.ask' }
>

/** The claims of one site at its hub: which subnet downloads what, and who has it already. */
export class SiteDesk {
  readonly #world: SiteDeskWorld
  readonly #live = new Set<PeerId>()
  readonly #coordinator: Coordinator
  /** Cards that each member has been sent, and whether as apart. */
  readonly #sent = new Map<PeerId, Map<PeerId, string>>()
  readonly #apart: ApartSubnets
  #wentAlone = 0

  constructor(world: SiteDeskWorld) {
    const { self, clock, settings, registry, deposit } = world
    this.#world = world
    this.#apart = new ApartSubnets(clock)
    const startedMs = clock.monotonicMs()
    this.#coordinator = new Coordinator({
      self,
      clock,
      settings,
      live: this.#live,
      elsewhere: () => null,
      isRightful: () => true,
      isBanned: () => false,
      settledAtMs: () => startedMs + settings.settleMs,
      send: (to, message) => this.#send(to, message),
      registered: (key) => [
        ...registry.holders(key).filter((id) => world.cardOf(id) !== undefined || this.#canBring(id)),
        ...(deposit?.stateOf(key)?.complete ? [deposit.id] : [])
      ],
      onElected: (info) => world.onElected(info),
      onFlood: (id) => world.onFlood(id)
    })
  }

  /** Members that can reach nobody in another subnet, neither PCs nor what is kept here; this hub's own PC aside. */
  cutOff(): Set<PeerId> {
    const { self, subnetOf, deposit } = this.#world
    if (this.#apart.isEmpty) return new Set()
    const bySubnet = Map.groupBy(
      [...this.#live].filter((id) => id !== self),
      subnetOf
    )
    const subnets = [...bySubnet.keys()]
    const reaches = (from: string | null) =>
      subnets.length < 2 || subnets.some((to) => to !== from && !this.#apart.are(from, to))
    const alone = [...bySubnet].filter(([subnet]) => !reaches(subnet)).flatMap(([, ids]) => ids)
    return new Set(alone.filter((id) => !deposit?.isFor(id)))
  }

  get memberCount(): number {
    return this.#live.size
  }

  get contentCount(): number {
    return this.#coordinator.tableCount
  }

  /** Those that download something for the site. */
  masters(): Set<PeerId> {
    return this.#coordinator.masters()
  }

  contents(nameOf: (id: PeerId) => string): Omit<HubContentView, 'site'>[] {
    const { registry } = this.#world
    return this.#coordinator.view(nameOf).map(({ key, master, since, members }) => ({
      key,
      master: master === null ? null : nameOf(master),
      claimants: members,
      holders: registry.holders(key).length,
      since
    }))
  }

  /** Downloads that a subnet went on with by itself although another one had or got the content. */
  get wentAlone(): number {
    return this.#wentAlone
  }

  joined(id: PeerId): void {
    this.#live.add(id)
    this.#sent.delete(id)
  }

  /** A member of another hub that speaks by way of it. */
  joinedElsewhere(id: PeerId): void {
    if (!this.#live.has(id)) this.joined(id)
  }

  /** Who downloads it, and who said that it has it all, the newest first. */
  sourcesOf(key: ContentKey): { master: PeerId | null; holders: PeerId[] } {
    return { master: this.#coordinator.masterOf(key), holders: this.#world.registry.holders(key) }
  }

  /** Nothing of it is in the deposit any more. */
  depositGone(key: ContentKey): void {
    const { deposit } = this.#world
    if (deposit) this.#coordinator.holderGone(deposit.id, key)
  }

  /** The table of this content is open. */
  has(key: ContentKey): boolean {
    return this.#coordinator.hosts(key)
  }

  /** Another hub keeps the table of this content. */
  forget(key: ContentKey): void {
    this.#coordinator.forget(key)
  }

  /**
   * Who has all of it by what other hubs and earlier runs know, the newest first: nobody else has it any more.
   * @param isOwn it tells this hub itself
   */
  heldBy(
    key: ContentKey,
    holders: readonly { readonly id: PeerId; readonly forMs: number }[],
    isOwn: (id: PeerId) => boolean
  ): void {
    const { registry } = this.#world
    const known = new Set(holders.map(({ id }) => id))
    for (const id of registry.holders(key)) if (!known.has(id) && !isOwn(id)) registry.drop(key, id)
    for (const { id, forMs } of holders.toReversed()) registry.hold(key, id, forMs / 3_600_000)
  }

  lost(id: PeerId): void {
    this.#sent.delete(id)
    if (this.#live.delete(id)) this.#coordinator.memberLost(id)
  }

  message(from: PeerId, message: DeskMessage): void {
    const { registry } = this.#world
    switch (message.t) {
      case 'hub.hold':
        return registry.hold(message.key, from, message.hours)
      case 'hub.drop':
        for (const key of message.keys) {
          registry.drop(key, from)
          this.#coordinator.holderGone(from, key)
        }
        return
      case 'hub.failed':
        // One that this hub does not reach either is off, whatever lies between the two subnets.
        if (message.problem === 'unreachable' && this.#live.has(message.id))
          this.#apart.said(from, this.#world.subnetOf(from), this.#world.subnetOf(message.id))
        return registry.failed(message.key, message.id, from)
      case 'hub.alone':
        if (message.why !== 'nobody') this.#wentAlone++
        return
      default:
        return this.#coordinator.message(from, message)
    }
  }

  /** After a standstill others may have gone on without this hub. */
  standBack(untilMs: number): void {
    this.#coordinator.standBack(untilMs)
  }

  stop(): void {
    this.#coordinator.stop()
  }

  #send(to: PeerId, message: ClaimMessage): void {
    if (message.t !== 'claim.decision') return
    const holders = this.#namedTo(to, message)
    const named = [...new Set([...(message.master === null ? [] : [message.master]), ...holders.map(({ id }) => id)])]
    const cards = this.#unsentCards(to, named)
    if (cards.length > 0) this.#world.send(to, { t: 'hub.cards', cards })
    this.#world.send(to, { ...message, holders, candidates: message.candidates.map(({ about: _, ...c }) => c) })
  }

  /** Few, so that little crosses the router; those that have it all first. */
  #namedTo(to: PeerId, { key, holders, master }: ClaimDecision): ClaimDecision['holders'] {
    const { registry, cardOf, deposit } = this.#world
    const kept = deposit?.isFor(to) ? { id: deposit.id, complete: false, ...deposit.stateOf(key) } : null
    const isPromised = holders.some(({ id, complete }) => complete && id !== to && this.#canBring(id))
    // Where there is another way nobody tries PCs that are off.
    const mayBeOn = (id: PeerId) => !kept?.complete || this.#live.has(id)
    const usable = holders.filter(
      ({ id }) => cardOf(id) !== undefined && !registry.isUseless(key, id, to) && mayBeOn(id)
    )
    const rank = ({ id, complete }: { id: PeerId; complete: boolean }) => (complete ? 0 : id === master ? 1 : 2)
    const named = usable.toSorted((a, b) => rank(a) - rank(b))
    if (kept === null) return named.slice(0, MAX_SITE_HOLDERS)
    return [...named.slice(0, MAX_SITE_HOLDERS - 1), { id: kept.id, complete: kept.complete || isPromised }]
  }

  /** What it has comes into the deposit when somebody asks for it there. */
  #canBring(id: PeerId): boolean {
    return this.#live.has(id) && (this.#world.deposit?.isFor(id) ?? false)
  }

  #unsentCards(to: PeerId, named: readonly PeerId[]): HubCards['cards'] {
    const sent = this.#sent.get(to) ?? new Map<PeerId, string>()
    this.#sent.set(to, sent)
    const cards: HubCards['cards'] = []
    const { cardOf, subnetOf } = this.#world
    for (const id of named) {
      const card = id === to ? undefined : cardOf(id)
      if (card === undefined) continue
      const apart = this.#apart.are(subnetOf(to), subnetOf(id))
      const said = apart ? `${card} apart` : card
      if (sent.get(id) === said) continue
      keepLatest(sent, id, said, MAX_SENT)
      cards.push({ id, card, ...(apart && { apart }) })
    }
    return cards
  }
}
