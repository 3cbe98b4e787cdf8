// Why it is like this: docs/decisions/0073-hubs-behind-one-address-share-a-store.md
import type { FromHub, ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { InOrder } from './in-order.ts'
import { OwnPuts } from './own-puts.ts'
import type { DeskMessage, SiteDesk } from './site-desk.ts'
import { AgentsElsewhere, type AgentElsewhere } from './agents-elsewhere.ts'
import { EXTEND_MS, nameOf, readEnvelope, type Envelope, type HubStore, type Owner, type SiteContent } from './store.ts'

/** Contents of which it is remembered who owns them, and with which fence. */
const MAX_REMEMBERED = 20_000
/** Agents of other hubs that are remembered. */
const MAX_ELSEWHERE = 20_000
/** What another hub was said to own is asked again after this time. */
const OWNER_FRESH_MS = 2000

export interface ClusterWorld {
  readonly self: PeerId
  readonly clock: Clock
  readonly store: HubStore
  desk(site: string): SiteDesk
  /** It is a site of this hub, or may become one. Others may have heard of more. */
  takes(site: string): boolean
  /** An agent of another hub says what it gets from origins. */
  used(site: string, id: PeerId, bytesPerSecond: number): void
  /** An agent of this hub, in this site. */
  isOwn(site: string, id: PeerId): boolean
  cardOf(id: PeerId): string | undefined
  learnCard(id: PeerId, card: string): void
  tell(to: PeerId, message: FromHub): void
}

/** What is about one content and belongs to its owner. */
type ClaimTalk = Extract<
  DeskMessage,
  { t: 'claim.put' | 'claim.close' | 'claim.report' | 'claim.resign' | 'hub.failed' }
>

/**
 * One of several hubs on one store. Each content has one hub that keeps its table, the others pass on what their agents say and are
 * told. Without the store this hub is an island: it keeps the tables of whatever its agents ask for, and one that another
 * hub keeps, too, is given up when the store is back.
 */
export class Cluster {
  readonly #w: ClusterWorld
  /** Tables that are kept here. Fence 0: without the store's word. */
  readonly #owned = new Map<string, SiteContent & { fence: number }>()
  readonly #elsewhere = new Map<string, SiteContent & { owner: Owner; untilMs: number }>()
  readonly #puts = new OwnPuts(MAX_REMEMBERED)
  readonly #via = new AgentsElsewhere(MAX_ELSEWHERE)
  /** Highest fence heard of a content: a hub that stood still does not speak for the one that went on. */
  readonly #fences = new Map<string, number>()
  readonly #chains = new InOrder()
  #beat: Timer | null = null

  constructor(world: ClusterWorld) {
    this.#w = world
  }

  start(): void {
    const { store, clock } = this.#w
    store.on('message', (from, text) => this.#heard(from, text))
    store.on('up', () => void this.#joinAgain())
    this.#beat = clock.every(EXTEND_MS, () => void this.#lookAround())
    store.start()
  }

  async stop(): Promise<void> {
    this.#beat?.cancel()
    const { store } = this.#w
    if (store.isUp)
      await Promise.allSettled([...this.#owned.values()].map((owned) => store.release(owned, owned.fence)))
    await store.stop()
  }

  /** Tables kept here without the store's word; people are to know. */
  get isIsland(): boolean {
    return !this.#w.store.isUp
  }

  /** An agent of this hub says this. */
  message(site: string, from: PeerId, message: DeskMessage): void {
    const { store, clock } = this.#w
    switch (message.t) {
      case 'hub.alone':
        return this.#w.desk(site).message(from, message)
      case 'hub.hold':
        this.#inOrder({ site, key: message.key }, () => this.#w.desk(site).message(from, message))
        this.#try(() => store.hold({ site, key: message.key }, from, clock.wallMs() + message.hours * 3_600_000))
        return
      case 'hub.drop':
        this.#drop(site, from, message.keys)
        this.#try(() => this.#dropElsewhere(site, from, message.keys))
        return
      default: {
        const content = { site, key: message.key }
        this.#via.forget(site, from)
        this.#puts.note(content, from, message)
        this.#inOrder(content, () => this.#route(content, from, message))
      }
    }
  }

  /** An agent of this hub says this to another one. */
  passOn(to: PeerId, site: string, by: PeerId, message: ToHub): void {
    this.#say(to, { t: 'said', site, by, card: null, message })
  }

  /** Where an agent of this hub can be reached. */
  carded(site: string, id: PeerId, card: string): void {
    this.#try(() => this.#w.store.keepCard(site, id, card))
  }

  /** The connection of an agent to this hub is gone. It may speak by way of another one by now. */
  lost(site: string, id: PeerId): void {
    if (!this.#via.of(site, id)) this.#w.desk(site).lost(id)
    const owners = new Set<PeerId>()
    for (const name of this.#puts.lost(site, id)) {
      const owner = this.#elsewhere.get(name)?.owner.hub
      if (owner) owners.add(owner)
    }
    for (const hub of owners) this.#say(hub, { t: 'lost', site, id })
  }

  /** A desk of this hub tells an agent this, which may be another hub's. */
  told(site: string, to: PeerId, message: FromHub): void {
    const via = this.#via.of(site, to)
    if (!via) {
      if (this.#w.isOwn(site, to)) this.#w.tell(to, message)
      return
    }
    const key = 'key' in message ? message.key : null
    const fence = key === null ? 0 : (this.#owned.get(nameOf({ site, key }))?.fence ?? 0)
    this.#say(via.hub, { t: 'told', site, to, key, fence, message }, () => this.#hubGone(via.hub))
  }

  /** The hubs that keep tables of these contents name this holder until they hear of it. */
  async #dropElsewhere(site: string, by: PeerId, keys: readonly ContentKey[]): Promise<void> {
    const { store, self } = this.#w
    const owners = await Promise.all(keys.map((key) => store.drop({ site, key }, by)))
    for (const [hub, of] of Map.groupBy(keys.entries(), ([i]) => owners[i]!)) {
      if (hub === null || hub === self) continue
      this.passOn(hub, site, by, { t: 'hub.drop', keys: of.map(([, key]) => key) })
    }
  }

  /** In order: a table that is being opened may have learnt of this holder just before. */
  #drop(site: string, by: PeerId, keys: readonly ContentKey[]): void {
    for (const key of keys)
      this.#inOrder({ site, key }, () => this.#w.desk(site).message(by, { t: 'hub.drop', keys: [key] }))
  }

  #inOrder(content: SiteContent, act: () => Promise<void> | void): void {
    this.#chains.run(nameOf(content), act)
  }

  #route(content: SiteContent, from: PeerId, message: ClaimTalk): Promise<void> | void {
    const name = nameOf(content)
    if (this.#owned.has(name) && this.#w.desk(content.site).has(content.key))
      return this.#w.desk(content.site).message(from, message)
    if (!this.#w.store.isUp) return this.#asIsland(content, from, message)
    return this.#routeByStore(content, from, message).catch(() => this.#asIsland(content, from, message))
  }

  async #routeByStore(content: SiteContent, from: PeerId, message: ClaimTalk): Promise<void> {
    const owner = await this.#ownerOf(content)
    if (owner.hub === this.#w.self) return this.#deliver(content, from, message)
    const { site } = content
    const said: Envelope = { t: 'said', site, by: from, card: this.#w.cardOf(from) ?? null, message }
    if (await this.#w.store.say(owner.hub, JSON.stringify(said))) return
    this.#elsewhere.delete(nameOf(content))
    const next = await this.#own(content, owner)
    if (next.hub === this.#w.self) await this.#deliver(content, from, message)
    else await this.#w.store.say(next.hub, JSON.stringify(said))
  }

  async #ownerOf(content: SiteContent): Promise<Owner> {
    const name = nameOf(content)
    const owned = this.#owned.get(name)
    if (owned) return { hub: this.#w.self, fence: owned.fence }
    const known = this.#elsewhere.get(name)
    if (known && known.untilMs > this.#w.clock.monotonicMs()) return known.owner
    return this.#own(content)
  }

  async #own(content: SiteContent, gone?: Owner): Promise<Owner> {
    const name = nameOf(content)
    const owner = await this.#w.store.own(content, gone)
    this.#raise(name, owner.fence)
    if (owner.hub === this.#w.self) {
      this.#elsewhere.delete(name)
      this.#owned.set(name, { ...content, fence: owner.fence })
    } else {
      this.#owned.delete(name)
      const untilMs = this.#w.clock.monotonicMs() + OWNER_FRESH_MS
      keepLatest(this.#elsewhere, name, { ...content, owner, untilMs }, MAX_REMEMBERED)
    }
    return owner
  }

  /** To the own table; before it is opened the store is asked who has the content. */
  async #deliver({ site, key }: SiteContent, from: PeerId, message: ClaimTalk): Promise<void> {
    const desk = this.#w.desk(site)
    if (message.t === 'claim.put' && !desk.has(key)) {
      const nowMs = this.#w.clock.wallMs()
      const holders = await this.#w.store.holders({ site, key })
      for (const { id, card } of holders)
        if (card !== null && this.#w.cardOf(id) === undefined) this.#w.learnCard(id, card)
      // What agents of this hub said themselves, the store may have missed.
      desk.heldBy(
        key,
        holders.map(({ id, untilWallMs }) => ({ id, forMs: untilWallMs - nowMs })),
        (id) => this.#w.isOwn(site, id)
      )
    }
    desk.message(from, message)
  }

  #asIsland(content: SiteContent, from: PeerId, message: ClaimTalk): void {
    const name = nameOf(content)
    if (!this.#owned.has(name)) this.#owned.set(name, { ...content, fence: 0 })
    this.#w.desk(content.site).message(from, message)
  }

  #heard(from: PeerId, text: string): void {
    const envelope = readEnvelope(text)
    if (!envelope) return
    const { site } = envelope
    switch (envelope.t) {
      case 'said': {
        const { by, card, message } = envelope
        if (message.t === 'hub.wan') return this.#w.used(site, by, message.bytesPerSecond)
        if (!this.#w.takes(site)) return
        if (message.t === 'hub.drop') return this.#drop(site, by, message.keys)
        if (!isClaimTalk(message)) return
        const forgotten = this.#via.heard({ site, id: by, hub: from })
        if (forgotten) this.#lostElsewhere(forgotten)
        if (card !== null) this.#w.learnCard(by, card)
        this.#w.desk(site).joinedElsewhere(by)
        const content = { site, key: message.key }
        // Whoever is not the owner is silent: the sender asks the store again soon.
        return this.#inOrder(content, async () => {
          if ((await this.#ownerOf(content)).hub === this.#w.self) await this.#deliver(content, by, message)
        })
      }
      case 'told': {
        const { to, key, fence, message } = envelope
        if (key !== null) {
          const name = nameOf({ site, key })
          if (fence < (this.#fences.get(name) ?? 0)) return
          this.#raise(name, fence)
        }
        if (this.#w.isOwn(site, to) && message.t !== 'hub.hello') this.#w.tell(to, message)
        return
      }
      case 'lost': {
        const via = this.#via.of(site, envelope.id)
        // It may have come here, or gone to a third one, meanwhile.
        if (via?.hub === from) this.#lostElsewhere(via)
      }
    }
  }

  #lostElsewhere({ site, id }: AgentElsewhere): void {
    this.#via.forget(site, id)
    if (!this.#w.isOwn(site, id)) this.#w.desk(site).lost(id)
  }

  /** A hub is gone: its agents are lost, and what it owned belongs to anyone who asks first. */
  #hubGone(hub: PeerId): void {
    for (const via of this.#via.at(hub)) this.#lostElsewhere(via)
    for (const [name, { owner, untilMs: _, ...content }] of [...this.#elsewhere]) {
      if (owner.hub !== hub) continue
      this.#elsewhere.delete(name)
      this.#inOrder(content, async () => {
        await this.#own(content, owner)
        this.#sayAgain(content)
      })
    }
  }

  #sayAgain(content: SiteContent): void {
    for (const [by, put] of this.#puts.of(content)) this.#inOrder(content, () => this.#route(content, by, put))
  }

  /** The store is there again, or for the first time. */
  async #joinAgain(): Promise<void> {
    this.#elsewhere.clear()
    for (const [name, owned] of [...this.#owned]) {
      if (owned.fence > 0) continue
      const { site, key } = owned
      this.#owned.delete(name)
      this.#inOrder({ site, key }, async () => {
        const owner = await this.#own({ site, key })
        if (owner.hub !== this.#w.self) this.#giveUp({ site, key })
      })
    }
  }

  /** Another hub keeps this table: the own agents are claimants there. */
  #giveUp(content: SiteContent): void {
    this.#owned.delete(nameOf(content))
    this.#w.desk(content.site).forget(content.key)
    this.#sayAgain(content)
  }

  async #lookAround(): Promise<void> {
    const { store } = this.#w
    for (const [name, owned] of [...this.#owned]) {
      if (this.#w.desk(owned.site).has(owned.key) || this.#chains.isBusy(name)) continue
      this.#owned.delete(name)
      if (owned.fence > 0) this.#try(() => store.release(owned, owned.fence))
    }
    if (!store.isUp) return
    try {
      const owned = [...this.#owned.values()].filter(({ fence }) => fence > 0)
      const kept = await store.extend(owned)
      for (const [i, content] of owned.entries()) {
        if (kept[i] !== false || this.#owned.get(nameOf(content)) !== content) continue
        this.#inOrder(content, async () => {
          const owner = await this.#own(content)
          if (owner.hub !== this.#w.self) this.#giveUp(content)
        })
      }
      const hubs = this.#via.hubs()
      for (const [name, { owner }] of this.#elsewhere)
        if (this.#puts.has(name)) hubs.add(owner.hub)
        else this.#elsewhere.delete(name)
      const alive = await store.alive([...hubs])
      for (const hub of hubs) if (!alive.has(hub)) this.#hubGone(hub)
    } catch {
      // The store says itself that it is down.
    }
  }

  #raise(name: string, fence: number): void {
    keepLatest(this.#fences, name, Math.max(fence, this.#fences.get(name) ?? 0), MAX_REMEMBERED)
  }

  #say(to: PeerId, envelope: Envelope, gone?: () => void): void {
    this.#try(async () => {
      if (!(await this.#w.store.say(to, JSON.stringify(envelope)))) gone?.()
    })
  }

  #try(act: () => Promise<void>): void {
    if (this.#w.store.isUp) void act().catch(() => {})
  }
}

function isClaimTalk(message: { readonly t: string }): message is ClaimTalk {
  return ['claim.put', 'claim.close', 'claim.report', 'claim.resign', 'hub.failed'].includes(message.t)
}
