import type { ErrorCode } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'

/** The next try would go on from here. */
const brokenOff: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ORIGIN_UNREACHABLE',
  'ORIGIN_STALLED',
  'ORIGIN_BREAKS_OFF',
  'ORIGIN_STATUS',
  'ORIGIN_TLS',
  'PROXY_CREDENTIALS',
  'TIMEOUT',
  'SHUTTING_DOWN'
])

/**
 * A download that ended so is worth going on with. Not one that was cancelled, whose bytes are wrong or out of date, that may not be written,
 * or whose disk is full: there the part is in the way.
 */
export function isWorthKeeping(error: unknown): boolean {
  return error instanceof LarderError && brokenOff.has(error.code)
}
