import type { Clock } from '../lib/clock.ts'

const BUCKET_MS = 5 * 60_000
const BUCKETS = 12

/** Evictions of the last hour, in buckets, so that the memory does not grow with them: how hard the limits press. */
export class EvictionPressure {
  readonly #clock: Clock
  readonly #buckets = Array.from({ length: BUCKETS }, () => ({ span: -1, contents: 0, bytes: 0 }))

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(bytes: number): void {
    const span = this.#span()
    const bucket = this.#buckets[span % BUCKETS]!
    if (bucket.span !== span) Object.assign(bucket, { span, contents: 0, bytes: 0 })
    bucket.contents++
    bucket.bytes += bytes
  }

  get lastHour(): { contents: number; bytes: number } {
    const oldest = this.#span() - BUCKETS + 1
    const recent = this.#buckets.filter(({ span }) => span >= oldest)
    return {
      contents: recent.reduce((sum, one) => sum + one.contents, 0),
      bytes: recent.reduce((sum, one) => sum + one.bytes, 0)
    }
  }

  #span(): number {
    return Math.floor(this.#clock.monotonicMs() / BUCKET_MS)
  }
}
