// Why it is like this: docs/decisions/0075-a-server-is-taken-as-it-is.md
import type { LarderError } from '../lib/errors.ts'
import { retryOf } from './failures.ts'

/** Attempts after the first without progress in between. */
export const MAX_RETRIES = 3
/** Bytes that count as progress: an origin that gives one byte per connection must not be asked for ever. */
export const PROGRESS_BYTES = 64 * 1024
const FIRST_PAUSE_MS = 250
/** The same where a server says that it was asked too often (429) and not how long to wait: it counts by seconds or minutes. */
export const MAX_RETRIES_TOO_MANY = 5
const FIRST_PAUSE_TOO_MANY_MS = 1000
const LONGEST_PAUSE_MS = 8000
const TOO_MANY_REQUESTS = 429
/** A longer wait asked for by the origin is left to the caller. */
const LONGEST_WAIT_MS = 60_000
/** Silences in a row after which a download that can be gone on with is given up: a server that restarts takes a minute. */
const MAX_SILENCES = 5

/**
 * What asking again would cost.
 *
 *     nothing    a question, or no byte of this answer has come yet
 *     the-rest   it goes on from where it broke off
 *     the-whole  the origin starts over: what has come crosses the line a second time
 */
export type RetryCost = 'nothing' | 'the-rest' | 'the-whole'

/**
 * Whether to ask again.
 * @param attempt failed attempts since the last progress, this one included
 * @param random in [0, 1): spreads the agents of a site
 * @returns pause in ms, or null: give up
 */
export function pauseBeforeRetry(
  error: LarderError,
  attempt: number,
  random: number,
  cost: RetryCost = 'nothing'
): number | null {
  const retry = retryOf(error)
  const isSilence = error.code === 'ORIGIN_STALLED' || error.details['problem'] === 'ETIMEDOUT'
  // A silent origin has already cost its whole limit; once more is enough, unless much would be lost.
  const isTooMany = error.details['status'] === TOO_MANY_REQUESTS
  const retries = isTooMany ? MAX_RETRIES_TOO_MANY : MAX_RETRIES
  const most = isSilence ? (cost === 'the-rest' ? MAX_SILENCES : 1) : retries
  if (retry === 'never' || attempt > most) return null
  const first = isTooMany ? FIRST_PAUSE_TOO_MANY_MS : FIRST_PAUSE_MS
  const pause = Math.min(LONGEST_PAUSE_MS, first * 2 ** (attempt - 1) * (0.75 + random / 2))
  if (retry === 'soon') return pause
  return retry.afterMs > LONGEST_WAIT_MS ? null : Math.max(pause, retry.afterMs)
}

/** A content is downloaded from the start at most twice, so that an origin without ranges costs at most twice the content. */
export const MAX_STARTS = 2
