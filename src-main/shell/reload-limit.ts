import type { Clock } from '../lib/clock.ts'

const MOST = 3
const WITHIN_MS = 60_000

/** A page that crashes is drawn again, but not without end: one that crashes at each start would keep the PC busy. */
export class ReloadLimit {
  readonly #clock: Clock
  #atMs: number[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it may be loaded once more now; that counts. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs()
    this.#atMs = this.#atMs.filter((at) => at > nowMs - WITHIN_MS)
    if (this.#atMs.length >= MOST) return false
    this.#atMs.push(nowMs)
    return true
  }
}
