import { GIVEN_UP_MS, type ClaimSettings, type ElectedInfo } from '../claims/claims.ts'
import type { FromHub, HubHello, ToHub } from '../contract/hub-messages.ts'
import type { HubSiteView } from '../contract/hub-view.ts'
import type { SiteEntry } from '../contract/hub-settings.ts'
import type { PeerId } from '../contract/ids.ts'
import type { Standstill } from '../lib/awake-clock.ts'
import type { Clock } from '../lib/clock.ts'
import { readCard } from '../peers/far/contact-card.ts'
import { HolderRegistry } from './registry.ts'
import { siteTable, type SiteOf } from './site-table.ts'
import { SiteDesk } from './site-desk.ts'

/** A decision is worth a short wait only: the subnets ask within a few milliseconds of each other, or much later. */
export const SITE_WINDOW_MS = 50

/** Sites with a desk; PCs of further ones share with nobody by way of this hub. */
const MAX_SITES = 1000

export interface HubOptions {
  readonly self: PeerId
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly election: Pick<ClaimSettings, 'leaseMs' | 'settleMs'>
  readonly sites: readonly SiteEntry[]
  readonly maxConnections: number
  readonly maxContents: number
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
}

/** One member as people see it. */
export interface HubMemberView {
  readonly id: PeerId
  readonly name: string
  readonly address: string
  readonly site: string | null
  readonly sinceMs: number
}

/** This agent as hub of others: who is there, in which site, and one desk per site. Knows contents by their site keys only. */
export class Hub {
  readonly #o: HubOptions
  readonly #siteOf: SiteOf
  readonly #members = new Map<PeerId, Member>()
  readonly #cards = new Map<PeerId, { text: string; counter: number }>()
  readonly #desks = new Map<string, { desk: SiteDesk; registry: HolderRegistry }>()
  #known: Standstill | null

  constructor(options: HubOptions) {
    this.#o = options
    this.#siteOf = siteTable(options.sites)
    this.#known = options.standstill?.() ?? null
  }

  joined(id: PeerId, address: string): void {
    this.lost(id)
    const member = { id, address, sinceMs: this.#o.clock.wallMs(), name: id.slice(0, 8), site: null, greeted: false }
    this.#members.set(id, member)
  }

  lost(id: PeerId): void {
    const member = this.#members.get(id)
    if (!member) return
    this.#members.delete(id)
    if (member.site !== null) this.#desks.get(member.site)?.desk.lost(id)
  }

  message(from: PeerId, message: ToHub): void {
    this.#lookBack()
    const member = this.#members.get(from)
    if (!member) return
    if (message.t === 'hub.card') return this.#carded(member, message)
    const desk = member.site === null ? undefined : this.#desks.get(member.site)?.desk
    if (desk) desk.message(from, message)
    else if (message.t === 'claim.put') this.#o.send(from, { t: 'hub.busy', key: message.key, retryMs: 60_000 })
  }

  members(): HubMemberView[] {
    return [...this.#members.values()].map(({ id, name, address, site, sinceMs }) => ({
      id,
      name,
      address,
      site,
      sinceMs
    }))
  }

  sites(): HubSiteView[] {
    return [...this.#desks].map(([name, { desk, registry }]) => ({
      name,
      members: desk.memberCount,
      contents: desk.contentCount,
      remembered: registry.contentCount,
      wentAlone: desk.wentAlone
    }))
  }

  stop(): void {
    for (const { desk } of this.#desks.values()) desk.stop()
    this.#desks.clear()
    this.#members.clear()
  }

  #carded(member: Member, { card, site, name }: Extract<ToHub, { t: 'hub.card' }>): void {
    const read = card === null ? undefined : readCard(Buffer.from(card, 'base64url'))
    const addresses = read?.id === member.id ? read.addresses.map(({ address }) => address) : []
    if (card !== null && read?.id === member.id) this.#keepCard(member.id, card, read.counter)
    member.name = name || member.id.slice(0, 8)
    const named = this.#siteOf({ addresses: addresses.length > 0 ? addresses : [member.address], stated: site })
    // Without a table members name their sites themselves.
    const where = named !== null && (this.#desks.has(named) || this.#desks.size < MAX_SITES) ? named : null
    const moves = where !== member.site
    if (moves && member.site !== null) this.#desks.get(member.site)?.desk.lost(member.id)
    member.site = where
    if (where !== null && moves) this.#deskOf(where).joined(member.id)
    if (moves || !member.greeted) this.#greet(member)
    member.greeted = true
  }

  #greet({ id, site }: Member): void {
    const { name, version, election } = this.#o
    const hello: HubHello = { t: 'hub.hello', name: name.slice(0, 64), site, version, leaseMs: election.leaseMs }
    this.#o.send(id, hello)
  }

  #keepCard(id: PeerId, text: string, counter: number): void {
    const known = this.#cards.get(id)
    if (known && known.counter > counter) return
    this.#cards.delete(id)
    this.#cards.set(id, { text, counter })
    if (this.#cards.size > 2 * this.#o.maxConnections) this.#cards.delete(this.#cards.keys().next().value!)
  }

  #deskOf(site: string): SiteDesk {
    const known = this.#desks.get(site)
    if (known) return known.desk
    const { self, clock, election, maxContents, send, onFlood, onElected } = this.#o
    const registry = new HolderRegistry(clock, maxContents)
    const desk = new SiteDesk({
      self,
      clock,
      settings: { windowMs: SITE_WINDOW_MS, leaseMs: election.leaseMs, settleMs: Math.min(1000, election.settleMs) },
      registry,
      cardOf: (id) => this.#cards.get(id)?.text,
      send,
      onFlood,
      onElected: (info) => onElected(site, info)
    })
    this.#desks.set(site, { desk, registry })
    return desk
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
