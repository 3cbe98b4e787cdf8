import type { PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'

/** A hub that gave no decision in time is not waited for again before this time is over, or it says something. */
export const SILENT_FOR_MS = 30_000

/** Hubs that are connected and do not decide: the next request must not wait for them too. */
export class SilentHubs {
  readonly #clock: Clock
  readonly #untilMs = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(hub: PeerId): boolean {
    const untilMs = this.#untilMs.get(hub)
    if (untilMs === undefined) return false
    if (this.#clock.monotonicMs() < untilMs) return true
    this.#untilMs.delete(hub)
    return false
  }

  /** @returns true when that is news */
  noteSilent(hub: PeerId): boolean {
    if (this.has(hub)) return false
    this.#untilMs.set(hub, this.#clock.monotonicMs() + SILENT_FOR_MS)
    return true
  }

  /** It has said something, or is connected again. @returns true when that is news */
  noteHeard(hub: PeerId): boolean {
    const was = this.has(hub)
    this.#untilMs.delete(hub)
    return was
  }
}
