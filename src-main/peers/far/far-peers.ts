import type { PeerId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
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
/** Two subnets between which no connection came about are not tried again for this long. */
export const APART_MS = 600_000
const MAX_APART = 256
const MAX_CARDS = 256

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
  /** Subnets that did not answer; monotonic ms until when they are left alone. */
  readonly #apart = new Map<string, number>()
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
    for (const { address } of this.#cards.get(id)?.addresses ?? []) this.#noteApart(address)
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
    if (likely.length === 0) return 'apart'
    const isKnown = likely.every(({ address, port }) => this.#proved.has(`${id} ${address} ${port}`))
    if (!isKnown && !this.#dials.take()) return 'not-now'
    this.used(id)
    const outcome = await dial(id, likely, this.#stop.signal)
    if (outcome === 'proven' || outcome === 'duplicate') {
      for (const { address, port } of likely) this.#noteProved(`${id} ${address} ${port}`)
      return 'connected'
    }
    if (outcome === 'later') return 'not-now'
    if (outcome === 'unreachable') for (const { address } of likely) this.#noteApart(address)
    return outcome === 'unreachable' ? 'unreachable' : 'refused'
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

  #noteApart(address: string): void {
    const subnet = subnetOf(address)
    this.#apart.delete(subnet)
    this.#apart.set(subnet, this.#world.clock.monotonicMs() + APART_MS)
    if (this.#apart.size > MAX_APART) this.#apart.delete(this.#apart.keys().next().value!)
  }

  /** The network has changed: what could not be reached before may be reached now. */
  networkChanged(): void {
    this.#apart.clear()
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
