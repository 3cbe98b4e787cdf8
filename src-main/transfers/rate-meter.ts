import type { Clock } from '../lib/clock.ts'

const BUCKET_MS = 500
const WINDOW_BUCKETS = 10

/** Bytes per second over the last five seconds, in buckets so that its memory does not grow with the traffic. */
export class RateMeter {
  readonly #clock: Clock
  readonly #buckets = new Float64Array(WINDOW_BUCKETS)
  readonly #startedMs: number
  #slot: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
    this.#slot = this.#currentSlot()
  }

  add(bytes: number): void {
    this.#roll()
    this.#buckets[this.#slot % WINDOW_BUCKETS]! += bytes
  }

  get bytesPerSecond(): number {
    this.#roll()
    const sum = this.#buckets.reduce((a, b) => a + b, 0)
    const spanMs = Math.min(
      BUCKET_MS * WINDOW_BUCKETS,
      Math.max(BUCKET_MS, this.#clock.monotonicMs() - this.#startedMs)
    )
    return (sum * 1000) / spanMs
  }

  #currentSlot(): number {
    return Math.floor(this.#clock.monotonicMs() / BUCKET_MS)
  }

  #roll(): void {
    const now = this.#currentSlot()
    for (let steps = Math.min(now - this.#slot, WINDOW_BUCKETS); steps > 0; steps--)
      this.#buckets[(now - steps + 1) % WINDOW_BUCKETS] = 0
    this.#slot = now
  }
}
