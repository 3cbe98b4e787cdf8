import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'

/** A refused peer comes back within a second; one that does not has given up. */
const WAITS_MS = 2000
/** A peer that had to yield for being slow comes after all others for this long. */
const SLOW_FOR_MS = 60_000
const MAX_PEERS = 2048

/** Peers that were told to come back for a slot, in the order in which they came; slow ones after all others. */
export class SlotQueue {
  readonly #clock: Clock
  /** Last time each asked, in the order of the first. */
  readonly #waiting = new Map<PeerId, number>()
  readonly #slow = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** This peer asks and there is no free slot. @returns true when nobody who still waits comes before it */
  isNext(peer: PeerId): boolean {
    const nowMs = this.#clock.monotonicMs()
    for (const [id, askedMs] of this.#waiting) if (nowMs - askedMs > WAITS_MS) this.#waiting.delete(id)
    if (this.#waiting.has(peer) || this.#waiting.size < MAX_PEERS) this.#waiting.set(peer, nowMs)
    const ids = [...this.#waiting.keys()]
    const first = ids.find((id) => !this.#isSlow(id, nowMs)) ?? ids[0]
    return first === peer
  }

  /** It has what it waited for. */
  served(peer: PeerId): void {
    this.#waiting.delete(peer)
  }

  wasSlow(peer: PeerId): void {
    this.#slow.delete(peer)
    this.#slow.set(peer, this.#clock.monotonicMs())
    if (this.#slow.size > MAX_PEERS) this.#slow.delete(this.#slow.keys().next().value!)
  }

  #isSlow(peer: PeerId, nowMs: number): boolean {
    const sinceMs = this.#slow.get(peer)
    return sinceMs !== undefined && nowMs - sinceMs < SLOW_FOR_MS
  }
}
