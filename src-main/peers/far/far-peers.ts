import type { PeerId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { keepLatest } from '../../lib/keep-latest.ts'
import { subnetOf } from '../../lib/subnet.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'
import type { Introduced } from '../network.ts'
import type { CardAddress, ContactCard } from './contact-card.ts'
import { readCard } from './contact-card.ts'
import type { Reach } from './reach.ts'

/** Dials to where nobody has proved itself as the named one yet; a hub that lies can cause no more. */
export const NEW_DIALS = { burst: 16, perSecond: 8 / 60 }
const MAX_PROVED = 1024
/** A far connection over which nothing of a content went for this long is ended. */
export const IDLE_MS = 60_000
const SWEEP_MS = 10_000
/** A peer that was mentioned for a content this recently needs no ping. */
const FRESH_MS = 2000
/** Two subnets between which no connection came about are not tried again for this long; nor is one PC that did not answer. */
export const APART_MS = 600_000
/** So many different PCs of a subnet did not answer, and none did: one alone may be off. */
const SILENT_PCS = 2
const MAX_APART = 256
const MAX_CARDS = 256

interface OffPeer {
  readonly subnets: ReadonlySet<string>
  readonly untilMs: number
  readonly counter: number
}

export interface FarPeersWorld {
  readonly clock: Clock
  readonly reach: Reach
  readonly isConnected: (id: PeerId) => boolean
  /** Whether one that is connected answers a ping. */
  readonly answersNow: (id: PeerId) => Promise<boolean>
  /** Connects to this very member, at one of the addresses. */
  readonly dial: (id: PeerId, addresses: readonly CardAddress[], signal: AbortSignal) => Promise<string>
  /** Far members that are connected now. */
  readonly connected: () => readonly PeerId[]
  readonly part: (id: PeerId) => void
}

/** Members of other subnets: who was named by a hub, and how long a connection to them lasts. */
export class FarPeers {
  readonly #world: FarPeersWorld
  readonly #dials: TokenBucket
  readonly #cards = new Map<PeerId, ContactCard>()
  readonly #dialling = new Map<PeerId, Promise<Introduced>>()
  readonly #usedMs = new Map<PeerId, number>()
  /** Subnets that cannot be reached; monotonic ms until when they are left alone. */
  readonly #apart = new Map<string, number>()
  /** PCs that did not answer: where, until when they are left alone, and by which card. One that is back has a newer card. */
  readonly #off = new Map<PeerId, OffPeer>()
  /** `id address`: there was the one that was named. */
  readonly #proved = new Set<string>()
  readonly #stop = new AbortController()
  #sweep: Timer | undefined

  constructor(world: FarPeersWorld) {
    this.#world = world
    this.#dials = new TokenBucket(world.clock, NEW_DIALS)
  }

  start(): void {
    this.#sweep = this.#world.clock.every(SWEEP_MS, () => this.#partFromIdle())
  }

  stop(): void {
    this.#sweep?.cancel()
    this.#stop.abort()
  }

  /** A hub gave this card with that id. @returns false when the card is not what it is said to be */
  learn(id: PeerId, bytes: Uint8Array): boolean {
    const card = readCard(bytes)
    if (card?.id !== id) return false
    if ((this.#cards.get(id)?.counter ?? -1) > card.counter) return true
    this.#cards.delete(id)
    this.#cards.set(id, card)
    if (this.#cards.size > MAX_CARDS) this.#cards.delete(this.#cards.keys().next().value!)
    return true
  }

  /** Others of this subnet could not connect to that one's. */
  noteApart(id: PeerId): void {
    for (const { address } of this.#cards.get(id)?.addresses ?? []) this.#noteApart(subnetOf(address))
  }

  /** Connects to a member whose card is known. */
  introduce(id: PeerId): Promise<Introduced> {
    const under = this.#dialling.get(id)
    if (under) return under
    const dialling = this.#introduce(id).finally(() => this.#dialling.delete(id))
    this.#dialling.set(id, dialling)
    return dialling
  }

  /** Something of a content went to or came from this one. */
  used(id: PeerId): void {
    this.#usedMs.set(id, this.#world.clock.monotonicMs())
  }

  async #introduce(id: PeerId): Promise<Introduced> {
    const { clock, reach, dial } = this.#world
    if (await this.#isThere(id)) return 'connected'
    const card = this.#cards.get(id)
    const allowed = (card?.addresses ?? []).filter(({ address }) => reach(address) === null)
    if (allowed.length === 0) return 'outside'
    const nowMs = clock.monotonicMs()
    const likely = allowed.filter(({ address }) => (this.#apart.get(subnetOf(address)) ?? 0) <= nowMs)
    if (likely.length === 0 || this.#isOff(id)) return 'apart'
    const isKnown = likely.every(({ address, port }) => this.#proved.has(`${id} ${address} ${port}`))
    if (!isKnown && !this.#dials.take()) return 'not-now'
    this.used(id)
    const outcome = await dial(id, likely, this.#stop.signal)
    if (outcome === 'proven' || outcome === 'duplicate') {
      for (const { address, port } of likely) this.#noteProved(`${id} ${address} ${port}`)
      this.#noteAnswered(id, new Set(likely.map(({ address }) => subnetOf(address))))
      return 'connected'
    }
    if (outcome === 'later') return 'not-now'
    if (outcome !== 'unreachable') return 'refused'
    this.#noteOff(id, new Set(likely.map(({ address }) => subnetOf(address))))
    return 'unreachable'
  }

  #isOff(id: PeerId): boolean {
    const off = this.#off.get(id)
    const is = off !== undefined && off.untilMs > this.#world.clock.monotonicMs()
    return is && off.counter === this.#cards.get(id)?.counter
  }

  #noteOff(id: PeerId, subnets: ReadonlySet<string>): void {
    const nowMs = this.#world.clock.monotonicMs()
    const counter = this.#cards.get(id)?.counter ?? 0
    keepLatest(this.#off, id, { subnets, untilMs: nowMs + APART_MS, counter }, MAX_CARDS)
    for (const subnet of subnets) {
      const off = [...this.#off.values()].filter((one) => one.untilMs > nowMs && one.subnets.has(subnet))
      if (off.length >= SILENT_PCS) this.#noteApart(subnet)
    }
  }

  /** Whoever did not answer there was off. */
  #noteAnswered(id: PeerId, subnets: ReadonlySet<string>): void {
    this.#off.delete(id)
    for (const [other, off] of this.#off)
      this.#off.set(other, { ...off, subnets: new Set([...off.subnets].filter((subnet) => !subnets.has(subnet))) })
  }

  /** Connections last while nothing goes over them: a wall that has come since shows only when something is to. */
  async #isThere(id: PeerId): Promise<boolean> {
    const { clock, isConnected, answersNow, part } = this.#world
    if (!isConnected(id)) return false
    if (clock.monotonicMs() - (this.#usedMs.get(id) ?? -Infinity) < FRESH_MS || (await answersNow(id))) return true
    part(id)
    return false
  }

  #noteProved(where: string): void {
    this.#proved.delete(where)
    this.#proved.add(where)
    if (this.#proved.size > MAX_PROVED) this.#proved.delete(this.#proved.keys().next().value!)
  }

  #noteApart(subnet: string): void {
    keepLatest(this.#apart, subnet, this.#world.clock.monotonicMs() + APART_MS, MAX_APART)
  }

  /** The network has changed: what could not be reached before may be reached now. */
  networkChanged(): void {
    this.#apart.clear()
    this.#off.clear()
  }

  #partFromIdle(): void {
    const { clock, connected, part } = this.#world
    const nowMs = clock.monotonicMs()
    const there = new Set(connected())
    for (const id of this.#usedMs.keys()) if (!there.has(id)) this.#usedMs.delete(id)
    for (const id of there) {
      const usedMs = this.#usedMs.get(id)
      if (usedMs === undefined) this.used(id)
      else if (nowMs - usedMs >= IDLE_MS) part(id)
    }
  }
}
