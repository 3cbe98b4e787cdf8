import type { Clock } from '../../lib/clock.ts'
import { sourceOf } from '../discovery/address-source.ts'
import { KeyedBuckets, TokenBucket } from '../../lib/token-bucket.ts'

/** TLS handshakes with one stranger: each costs about a millisecond of CPU. */
const STRANGER = { burst: 64, perSecond: 8 }
/** With all strangers together, however many addresses they have. */
const STRANGERS = { burst: 512, perSecond: 64 }
/**
 * With the members at one address, after which a connection for pieces is kept as a rule: a peer that takes connections and drops them again
 * must not take all of the time of this agent.
 */
const MEMBERS = { burst: 64, perSecond: 4 }
/** Wrong proofs from one source before it has to wait. */
const FREE_FAILURES = 3
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
const MAX_SOURCES = 1024

/** Counts wrong proofs per source, and makes sources with many of them wait longer and longer. */
export class AddressGuard {
  readonly #clock: Clock
  readonly #each: KeyedBuckets
  readonly #all: TokenBucket
  readonly #members: KeyedBuckets
  readonly #failures = new Map<string, { count: number; untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#each = new KeyedBuckets(clock, STRANGER, MAX_SOURCES)
    this.#all = new TokenBucket(clock, STRANGERS)
    this.#members = new KeyedBuckets(clock, MEMBERS, MAX_SOURCES)
  }

  /**
   * May this address, where no member is connected, start a TLS handshake now?
   *
   * @param announced a member's beacon came from exactly there: it does not have to queue with strangers, nor pay for its neighbours
   */
  admits(address: string, announced = false): boolean {
    const source = announced ? address : sourceOf(address)
    const failed = this.#failures.get(source)
    if (failed && failed.untilMs > this.#clock.monotonicMs()) return false
    return this.#each.of(source).take() && (announced || this.#all.take())
  }

  /** May this address, where members are connected, start one more TLS handshake now? */
  admitsMembers(address: string): boolean {
    return this.#members.of(address).take()
  }

  /** Notes a wrong proof. @returns how many in a row by now */
  failed(address: string, announced = false): number {
    const source = announced ? address : sourceOf(address)
    const count = (this.#failures.get(source)?.count ?? 0) + 1
    const waitMs =
      count <= FREE_FAILURES
        ? 0
        : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(count - FREE_FAILURES - 1, 10))
    this.#failures.delete(source)
    this.#failures.set(source, { count, untilMs: this.#clock.monotonicMs() + waitMs })
    if (this.#failures.size > MAX_SOURCES) this.#failures.delete(this.#failures.keys().next().value!)
    return count
  }

  /** A member proved itself from this address. */
  proved(address: string): void {
    this.#failures.delete(address)
    this.#failures.delete(sourceOf(address))
  }
}
