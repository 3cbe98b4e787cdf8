// Why it is like this: docs/decisions/0071-the-word-of-a-member-has-a-budget.md
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { KeyedBuckets, TokenBucket } from '../../lib/token-bucket.ts'

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S
/** Accusations whose signatures are looked at. */
const HEARD = { burst: 64, perSecond: 1 }
/** Pieces asked of the origin to see whether an accusation is true: for one place, and for all. */
const CHECKS = { burst: 8, perSecond: 8 / HOUR_S }
const ALL_CHECKS = { burst: 64, perSecond: 64 / HOUR_S }
/** Members that are checked with the full budget because somebody says so whom this PC cannot check. */
const SUSPICIONS = { burst: 4, perSecond: 4 / DAY_S }
const ALL_SUSPICIONS = { burst: 16, perSecond: 16 / DAY_S }
const MAX_PLACES = 1024

/** What the word of others may cost this PC. Counted by place: identities cost nothing, addresses do. */
export class Accusers {
  readonly #placeOf: (id: PeerId) => string | null
  readonly #heard: KeyedBuckets
  readonly #checks: readonly [KeyedBuckets, TokenBucket]
  readonly #suspicions: readonly [KeyedBuckets, TokenBucket]

  constructor(clock: Clock, placeOf: (id: PeerId) => string | null) {
    this.#placeOf = placeOf
    this.#heard = new KeyedBuckets(clock, HEARD, MAX_PLACES)
    this.#checks = [new KeyedBuckets(clock, CHECKS, MAX_PLACES), new TokenBucket(clock, ALL_CHECKS)]
    this.#suspicions = [new KeyedBuckets(clock, SUSPICIONS, MAX_PLACES), new TokenBucket(clock, ALL_SUSPICIONS)]
  }

  /** May it accuse somebody (again)? Who does so too often is not heard. */
  mayAccuse(from: PeerId): boolean {
    return this.#heard.of(this.#placeOf(from) ?? from).take()
  }

  /** May the origin be asked on its word? */
  mayCheck(from: PeerId): boolean {
    return this.#take(from, this.#checks)
  }

  /** May somebody be suspected on its word? */
  maySuspect(from: PeerId): boolean {
    return this.#take(from, this.#suspicions)
  }

  #take(from: PeerId, [each, all]: readonly [KeyedBuckets, TokenBucket]): boolean {
    return each.of(this.#placeOf(from) ?? from).take() && all.take()
  }
}
