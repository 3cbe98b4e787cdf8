import type { Clock } from '../lib/clock.ts'

/** The rate is taken over so long. */
const WINDOW_MS = 3000

/** Bytes per second over the last seconds. */
export class RecentRate {
  readonly #clock: Clock
  readonly #samples: { at: number; bytes: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes how many bytes there are in all, and gives the rate. */
  note(bytes: number): number {
    const at = this.#clock.monotonicMs()
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - this.#samples[1]!.at > WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0]!
    return at > first.at ? ((bytes - first.bytes) * 1000) / (at - first.at) : 0
  }
}
