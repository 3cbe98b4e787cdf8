import type { Clock } from '../lib/clock.ts'
import { KeyedBuckets } from './token-bucket.ts'

/** TLS handshakes with strangers: each costs about a millisecond of CPU. */
const STRANGERS = { burst: 64, perSecond: 8 }
/** Wrong proofs from one address before it has to wait. */
const FREE_FAILURES = 3
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
const MAX_ADDRESSES = 1024

/** Counts wrong proofs per address, and makes addresses with many of them wait longer and longer. */
export class AddressGuard {
  readonly #clock: Clock
  readonly #strangers: KeyedBuckets
  readonly #failures = new Map<string, { count: number; untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#strangers = new KeyedBuckets(clock, STRANGERS, MAX_ADDRESSES)
  }

  /** May this address, where no member is connected, start a TLS handshake now? */
  admits(address: string): boolean {
    const failed = this.#failures.get(address)
    if (failed && failed.untilMs > this.#clock.monotonicMs()) return false
    return this.#strangers.of(address).take()
  }

  /** Notes a wrong proof. @returns how many in a row by now */
  failed(address: string): number {
    const count = (this.#failures.get(address)?.count ?? 0) + 1
    const waitMs = count <= FREE_FAILURES ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(count - FREE_FAILURES - 1, 10))
    this.#failures.delete(address)
    this.#failures.set(address, { count, untilMs: this.#clock.monotonicMs() + waitMs })
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    return count
  }

  /** A member proved itself from this address. */
  proved(address: string): void {
    this.#failures.delete(address)
  }
}
