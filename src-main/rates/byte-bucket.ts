import type { Clock } from '../lib/clock.ts'

/** So much time's worth of bytes may pass at once. */
const BURST_MS = 250
const LEAST_BURST_BYTES = 32 * 1024

/**
 * Bytes per second in the long run, a short burst at once. Bytes are taken when they are there already, so a lot larger than the
 * burst passes as well and whoever comes next waits for it.
 *
 * Two counters that only grow: what was taken, and what was allowed by now. A taker may go on once `allowed` has reached its mark,
 * so takers go on in the order they came.
 */
export class ByteBucket {
  readonly #clock: Clock
  #bytesPerSecond: number | null
  #taken = 0
  #allowed = 0
  #atMs: number

  constructor(clock: Clock, bytesPerSecond: number | null = null) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#atMs = clock.monotonicMs()
    this.#allowed = this.#burstBytes
  }

  /** Null: no limit. */
  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond
  }

  set bytesPerSecond(rate: number | null) {
    if (rate === this.#bytesPerSecond) return
    this.#refill()
    // What passed without a limit is not a debt.
    if (this.#bytesPerSecond === null) this.#allowed = this.#taken
    this.#bytesPerSecond = rate
  }

  /** Notes bytes that went through. @returns the mark to ask {@link waitMs} for */
  take(bytes: number): number {
    this.#refill()
    this.#taken += bytes
    return this.#taken
  }

  /** Milliseconds until whoever got this mark may go on, as things are now; 0 at once. */
  waitMs(mark: number): number {
    this.#refill()
    if (this.#bytesPerSecond === null) return 0
    return Math.max(0, Math.ceil(((mark - this.#allowed) / this.#bytesPerSecond) * 1000))
  }

  get #burstBytes(): number {
    return Math.max(LEAST_BURST_BYTES, ((this.#bytesPerSecond ?? 0) * BURST_MS) / 1000)
  }

  #refill(): void {
    const now = this.#clock.monotonicMs()
    const grown = this.#allowed + ((this.#bytesPerSecond ?? 0) * (now - this.#atMs)) / 1000
    this.#allowed = Math.min(grown, this.#taken + this.#burstBytes)
    this.#atMs = now
  }
}
