import type { LarderError } from '../lib/errors.ts'
import { retryOf } from './failures.ts'

/** Attempts after the first without progress in between. */
export const MAX_RETRIES = 3
/** Bytes that count as progress: an origin that gives one byte per connection must not be asked for ever. */
export const PROGRESS_BYTES = 64 * 1024
const FIRST_PAUSE_MS = 250
/** A longer wait asked for by the origin is left to the caller. */
const LONGEST_WAIT_MS = 10_000

/**
 * Whether to ask again.
 * @param attempt failed attempts since the last progress, this one included
 * @param random in [0, 1): spreads the agents of a site
 * @returns pause in ms, or null: give up
 */
export function pauseBeforeRetry(error: LarderError, attempt: number, random: number): number | null {
  const retry = retryOf(error)
  if (retry === 'never' || attempt > MAX_RETRIES) return null
  // A silent origin has already cost its whole limit; once more is enough.
  if ((error.code === 'ORIGIN_STALLED' || error.details['problem'] === 'ETIMEDOUT') && attempt > 1) return null
  const pause = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.75 + random / 2)
  if (retry === 'soon') return pause
  return retry.afterMs > LONGEST_WAIT_MS ? null : Math.max(pause, retry.afterMs)
}
