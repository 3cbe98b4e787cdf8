import { GIVEN_UP_MS, type ClaimSettings, type ElectedInfo } from '../claims/claims.ts'
import type { FromHub, HubHello, ToHub } from '../contract/hub-messages.ts'
import type { HubContentView, HubMemberView, HubSiteView, HubTotalsView } from '../contract/hub-view.ts'
import type { SiteEntry } from '../contract/hub-settings.ts'
import type { PeerId } from '../contract/ids.ts'
import type { Standstill } from '../lib/awake-clock.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { subnetOf } from '../lib/subnet.ts'
import { readCard, type ContactCard } from '../peers/far/contact-card.ts'
import { Cluster } from './cluster.ts'
import { DepositDesk, type DepositDeskWorld } from './deposit-desk.ts'
import { HolderRegistry } from './registry.ts'
import type { HubStore } from './store.ts'
import { noTotals, totalsBySite } from './site-totals.ts'
import { SiteBudget } from './site-budget.ts'
import { siteTable, type SiteOf } from './site-table.ts'
import { SiteDesk } from './site-desk.ts'

/** A decision is worth a short wait only: the subnets ask within a few milliseconds of each other, or much later. */
export const SITE_WINDOW_MS = 50

/** The budgets of sites are divided again this often. */
const DIVIDE_MS = 1000

/** Sites with a desk; PCs of further ones share with nobody by way of this hub. */
const MAX_SITES = 1000

/** What a deposit is made of. `id`: of it as a source of pieces. */
export type HubDepositParts = { readonly id: PeerId } & Pick<
  DepositDeskWorld,
  'store' | 'always' | 'records' | 'network' | 'onOffence' | 'changed'
>

export interface HubOptions {
  readonly self: PeerId
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly election: Pick<ClaimSettings, 'leaseMs' | 'settleMs'>
  readonly sites: readonly SiteEntry[]
  readonly maxConnections: number
  readonly maxContents: number
  /** Bytes per second from origins that each site has; null: no limit. */
  readonly wanSite?: () => number | null
  /** What the PC of this hub got itself, as it is now. */
  readonly ownTotals?: () => HubTotalsView
  /** What it keeps for others; absent: nothing. */
  readonly deposit?: HubDepositParts
  /** What this hub shares with others behind the same address; absent: it is alone. */
  readonly store?: HubStore
  send(to: PeerId, message: FromHub): void
  standstill?(): Standstill | null
  onFlood(id: PeerId): void
  onElected(site: string, info: ElectedInfo): void
}

interface Member {
  readonly id: PeerId
  readonly address: string
  readonly sinceMs: number
  name: string
  site: string | null
  greeted: boolean
  version: string | null
  totals: HubTotalsView | null
  /** It knows about deposits, and reaches this one. */
  deposit: boolean
  /** From its subnet nobody in another one can be reached. */
  apart: boolean
}

/** This agent as hub of others: who is there, in which site, and one desk per site. Knows contents by their site keys only. */
export class Hub {
  readonly #o: HubOptions
  readonly #siteOf: SiteOf
  readonly #members = new Map<PeerId, Member>()
  readonly #cards = new Map<PeerId, { text: string; counter: number; subnet: string | null }>()
  readonly #desks = new Map<string, { desk: SiteDesk; registry: HolderRegistry; budget: SiteBudget }>()
  readonly #division: Timer
  readonly #cluster: Cluster | null
  readonly #deposit: DepositDesk | null
  #known: Standstill | null

  constructor(options: HubOptions) {
    this.#o = options
    this.#siteOf = siteTable(options.sites)
    this.#known = options.standstill?.() ?? null
    const { self, clock, store, send } = options
    this.#cluster =
      store === undefined
        ? null
        : new Cluster({
            self,
            clock,
            store,
            desk: (site) => this.#deskOf(site),
            takes: (site) => this.#takes(site),
            used: (site, id, bytesPerSecond) => this.#used(site, id, bytesPerSecond),
            isOwn: (site, id) => this.#members.get(id)?.site === site,
            cardOf: (id) => this.#cards.get(id)?.text,
            learnCard: (id, card) => this.#learnCard(id, card),
            tell: send
          })
    this.#deposit = options.deposit ? this.#makeDeposit(options.deposit) : null
    // Agents are to know who belongs together.
    store?.on('up', () => {
      for (const member of this.#members.values()) if (member.greeted) this.#greet(member)
    })
    this.#cluster?.start()
    this.#division = clock.every(DIVIDE_MS, () => {
      for (const { budget } of this.#desks.values()) budget.beat()
      this.#tellCutOff()
    })
  }

  joined(id: PeerId, address: string): void {
    this.lost(id)
    const member = {
      id,
      address,
      sinceMs: this.#o.clock.wallMs(),
      name: id.slice(0, 8),
      site: null,
      greeted: false,
      version: null,
      totals: null,
      deposit: false,
      apart: false
    }
    this.#members.set(id, member)
  }

  lost(id: PeerId): void {
    const member = this.#members.get(id)
    if (!member) return
    this.#members.delete(id)
    this.#deposit?.lost(id)
    if (member.site !== null) this.#gone(member.site, id)
  }

  message(from: PeerId, message: ToHub): void {
    this.#lookBack()
    const member = this.#members.get(from)
    if (!member) return
    if (message.t === 'hub.card') return this.#carded(member, message)
    if (message.t === 'hub.wan') {
      const { to = this.#o.self } = message
      if (member.site === null) return
      if (to === this.#o.self) this.#used(member.site, from, message.bytesPerSecond)
      else this.#cluster?.passOn(to, member.site, from, message)
      return
    }
    if (message.t === 'hub.totals') {
      const { t: _, ...totals } = message
      member.totals = totals
      return
    }
    if (message.t === 'hub.offer' || message.t === 'hub.moves' || message.t === 'hub.ask')
      return this.#deposit?.message(from, message)
    const desk = member.site === null ? undefined : this.#desks.get(member.site)?.desk
    if (desk && this.#cluster) this.#cluster.message(member.site!, from, message)
    else if (desk) desk.message(from, message)
    else if (message.t === 'claim.put') this.#o.send(from, { t: 'hub.busy', key: message.key, retryMs: 60_000 })
    if (desk && message.t === 'hub.hold') this.#deposit?.noteSource(member.site!, message.key, from)
  }

  /** What this hub keeps; null: nothing. */
  get deposit(): DepositDesk | null {
    return this.#deposit
  }

  get memberCount(): number {
    return this.#members.size
  }

  get store(): 'none' | 'connected' | 'lost' {
    if (this.#o.store === undefined) return 'none'
    return this.#o.store.isUp ? 'connected' : 'lost'
  }

  members(): HubMemberView[] {
    return [...this.#members.values()].map((member) => {
      const { id, name, address, site, version, sinceMs } = member
      return { id, name, address, site, version, since: sinceMs, totals: this.#totalsOf(member) }
    })
  }

  sites(): HubSiteView[] {
    const totals = totalsBySite(this.members())
    return [...this.#desks].map(([name, { desk, registry }]) => ({
      name,
      members: desk.memberCount,
      contents: desk.contentCount,
      remembered: registry.contentCount,
      wentAlone: desk.wentAlone,
      totals: totals.get(name) ?? noTotals
    }))
  }

  contents(): HubContentView[] {
    const nameOf = (id: PeerId) => this.#members.get(id)?.name ?? id.slice(0, 8)
    return [...this.#desks].flatMap(([site, { desk }]) => desk.contents(nameOf).map((one) => ({ site, ...one })))
  }

  /** Others say theirs now and then. */
  #totalsOf({ id, totals }: Member): HubTotalsView | null {
    return id === this.#o.self ? (this.#o.ownTotals?.() ?? null) : totals
  }

  async stop(): Promise<void> {
    this.#division.cancel()
    await this.#cluster?.stop()
    for (const { desk } of this.#desks.values()) desk.stop()
    this.#desks.clear()
    this.#members.clear()
  }

  #carded(member: Member, { card, site, name, version, deposit = false }: Extract<ToHub, { t: 'hub.card' }>): void {
    const read = card === null ? undefined : readCard(Buffer.from(card, 'base64url'))
    const addresses = read?.id === member.id ? read.addresses.map(({ address }) => address) : []
    if (card !== null && read?.id === member.id) this.#keepCard(member.id, card, read)
    member.name = name || member.id.slice(0, 8)
    member.version = version ?? null
    member.deposit = deposit && member.id !== this.#o.self
    const named = this.#siteOf({ addresses: addresses.length > 0 ? addresses : [member.address], stated: site })
    const where = named !== null && this.#takes(named) ? named : null
    const moves = where !== member.site
    if (moves && member.site !== null) this.#gone(member.site, member.id)
    member.site = where
    if (where !== null && read?.id === member.id && card !== null) this.#cluster?.carded(where, member.id, card)
    if (where !== null && moves) this.#deskOf(where).joined(member.id)
    if (moves || !member.greeted) this.#greet(member)
    member.greeted = true
  }

  /** Without a table members name their sites themselves, and other hubs those of theirs. */
  #takes(site: string): boolean {
    const { sites } = this.#o
    if (sites.length > 0 && !sites.some(({ name }) => name === site)) return false
    return this.#desks.has(site) || this.#desks.size < MAX_SITES
  }

  /** A hub of several does not see all members of a site: it says nothing. */
  #tellCutOff(): void {
    if (this.#cluster) return
    const cutOff = new Set([...this.#desks.values()].flatMap(({ desk }) => [...desk.cutOff()]))
    for (const member of this.#members.values()) {
      if (member.apart === cutOff.has(member.id)) continue
      member.apart = !member.apart
      this.#greet(member)
    }
  }

  #greet({ id, site, deposit, apart }: Member): void {
    const { name, version, election } = this.#o
    const hello: HubHello = {
      t: 'hub.hello',
      name: name.slice(0, 64),
      site,
      version,
      leaseMs: election.leaseMs,
      cluster: this.#o.store?.cluster ?? undefined,
      totals: true,
      wallMs: this.#o.clock.wallMs(),
      ...(deposit && this.#deposit && { deposit: true }),
      ...(apart && { apart })
    }
    this.#o.send(id, hello)
  }

  #used(site: string, id: PeerId, bytesPerSecond: number): void {
    this.#desks.get(site)?.budget.used(id, bytesPerSecond)
  }

  #gone(site: string, id: PeerId): void {
    this.#desks.get(site)?.budget.lost(id)
    if (this.#cluster) this.#cluster.lost(site, id)
    else this.#desks.get(site)?.desk.lost(id)
  }

  /** As another hub has it. */
  #learnCard(id: PeerId, text: string): void {
    const read = readCard(Buffer.from(text, 'base64url'))
    if (read?.id === id) this.#keepCard(id, text, read)
  }

  #keepCard(id: PeerId, text: string, { counter, addresses: [first] }: ContactCard): void {
    const known = this.#cards.get(id)
    if (known && known.counter > counter) return
    const subnet = first === undefined ? null : subnetOf(first.address)
    keepLatest(this.#cards, id, { text, counter, subnet }, 2 * this.#o.maxConnections)
  }

  #deskOf(site: string): SiteDesk {
    const known = this.#desks.get(site)
    if (known) return known.desk
    const { self, clock, election, maxContents, store, send, onFlood, onElected, deposit } = this.#o
    const registry = new HolderRegistry(clock, maxContents)
    const tell = (to: PeerId, message: FromHub) =>
      this.#cluster ? this.#cluster.told(site, to, message) : send(to, message)
    const desk = new SiteDesk({
      self,
      clock,
      settings: { windowMs: SITE_WINDOW_MS, leaseMs: election.leaseMs, settleMs: Math.min(1000, election.settleMs) },
      registry,
      cardOf: (id) => this.#cards.get(id)?.text,
      subnetOf: (id) => this.#cards.get(id)?.subnet ?? null,
      ...(deposit && {
        deposit: {
          id: deposit.id,
          stateOf: (key) => this.#deposit?.stateOf(site, key) ?? null,
          isFor: (id) => this.#depositSiteOf(id) === site
        }
      }),
      send: tell,
      onFlood,
      onElected: (info) => {
        budget.beat()
        onElected(site, info)
        this.#deposit?.noteSource(site, info.key, info.master)
      }
    })
    const budget = new SiteBudget({
      clock,
      budget: () => this.#o.wanSite?.() ?? null,
      masters: () => desk.masters(),
      tell: (to, bytesPerSecond) => tell(to, { t: 'hub.budget', bytesPerSecond, ...(store && { by: self }) }),
      ...(store && { exchange: (own) => store.wanUsers(site, own) })
    })
    this.#desks.set(site, { desk, registry, budget })
    return desk
  }

  #makeDeposit(parts: HubDepositParts): DepositDesk {
    const { clock, send } = this.#o
    const deskOf = (site: string) => this.#desks.get(site)?.desk
    return new DepositDesk({
      ...parts,
      clock,
      siteOf: (id) => this.#depositSiteOf(id),
      placeOf: (id) => this.#members.get(id)?.address ?? id,
      sourcesOf: (site, key) => deskOf(site)?.sourcesOf(key) ?? { master: null, holders: [] },
      isClaimed: (site, key) => deskOf(site)?.has(key) ?? false,
      send,
      gone: (site, key) => deskOf(site)?.depositGone(key)
    })
  }

  #depositSiteOf(id: PeerId): string | null {
    const member = this.#members.get(id)
    return member?.deposit ? member.site : null
  }

  /** After a standstill nothing is decided before everybody has had the time to be back. */
  #lookBack(): void {
    const last = this.#o.standstill?.() ?? null
    if (last === this.#known) return
    this.#known = last
    if (last === null || last.ms < GIVEN_UP_MS) return
    for (const { desk } of this.#desks.values()) desk.standBack(last.endedMs + this.#o.election.leaseMs)
  }
}
