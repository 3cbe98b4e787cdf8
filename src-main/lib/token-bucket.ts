import type { Clock } from './clock.ts'

/** Lets `burst` things happen at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(clock: Clock, { burst, perSecond }: { burst: number; perSecond: number }) {
    this.#clock = clock
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = clock.monotonicMs()
  }

  /** True when one more may happen now; nothing is taken. */
  get open(): boolean {
    const now = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    return this.#tokens >= 1
  }

  /** Takes one, or this many, if they are there. */
  take(count = 1): boolean {
    if (!this.open || this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Time until there is one again. */
  get waitMs(): number {
    return this.open ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000)
  }
}

/** A bucket per source; the least recently used source is forgotten beyond `capacity`. */
export class KeyedBuckets {
  readonly #clock: Clock
  readonly #rate: { burst: number; perSecond: number }
  readonly #capacity: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(clock: Clock, rate: { burst: number; perSecond: number }, capacity: number) {
    this.#clock = clock
    this.#rate = rate
    this.#capacity = capacity
  }

  get size(): number {
    return this.#buckets.size
  }

  of(source: string): TokenBucket {
    const bucket = this.#buckets.get(source) ?? new TokenBucket(this.#clock, this.#rate)
    this.#buckets.delete(source)
    this.#buckets.set(source, bucket)
    if (this.#buckets.size > this.#capacity) this.#buckets.delete(this.#buckets.keys().next().value!)
    return bucket
  }
}
