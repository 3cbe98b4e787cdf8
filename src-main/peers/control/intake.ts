import type { Clock } from '../../lib/clock.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'

/** Messages that are taken from one peer. An honest agent sends half as many (`SEND_RATE`). */
export const MESSAGE_RATE = { burst: 2000, perSecond: 2000 }
/** Messages of all peers together. */
export const ALL_MESSAGES_RATE = { burst: 10_000, perSecond: 5000 }
/** What each peer may send beyond that, however much others do: an idle one sends a message in some seconds. */
const OWN_SHARE = { burst: 100, perSecond: 5 }

/**
 *     take      it is taken
 *     crowded   it is taken, and its sender is not read for a while: all together send too much, and it more than its share
 *     drop      its sender alone sends more than is taken from anybody
 */
export type Verdict = 'take' | 'crowded' | 'drop'

/** How much of all peers is listened to, so that none of them, nor many together, keep this agent from the others. */
export class Intake {
  readonly #clock: Clock
  readonly #all: TokenBucket

  constructor(clock: Clock) {
    this.#clock = clock
    this.#all = new TokenBucket(clock, ALL_MESSAGES_RATE)
  }

  /** For the messages of one peer. */
  ofPeer(): { take(): Verdict } {
    const rate = new TokenBucket(this.#clock, MESSAGE_RATE)
    const share = new TokenBucket(this.#clock, OWN_SHARE)
    return {
      take: () => {
        if (!rate.take()) return 'drop'
        // Its share comes last: a peer that sent little before is heard in a crowd.
        return this.#all.take() || share.take() ? 'take' : 'crowded'
      }
    }
  }
}
