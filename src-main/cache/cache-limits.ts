import type { Settings } from '../contract/settings.ts'

const GIB = 1024 ** 3
const DAY_MS = 24 * 3600_000
/** Without any limit of size given. */
const DEFAULT_SHARE = 0.1
const DEFAULT_MOST_BYTES = 50 * GIB

/** What people set. */
export type CacheLimits = Pick<Settings['cache'], 'maxBytes' | 'maxDiskPercent' | 'minFreeBytes' | 'maxAgeDays'>

/** What the eviction keeps. */
export interface EffectiveLimits {
  readonly maxBytes: number
  readonly minFreeBytes: number
  /** Contents nobody used for this long go; null: they may stay. */
  readonly maxAgeMs: number | null
}

/** The smaller one of size and share of the disk; without either a tenth of the disk, at most 50 GiB. */
export function effectiveLimits(
  { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays }: CacheLimits,
  diskBytes: number
): EffectiveLimits {
  const share = maxDiskPercent === null ? null : Math.floor((diskBytes * maxDiskPercent) / 100)
  const byDefault = Math.min(DEFAULT_MOST_BYTES, Math.floor(diskBytes * DEFAULT_SHARE))
  return {
    maxBytes: maxBytes === null && share === null ? byDefault : Math.min(maxBytes ?? Infinity, share ?? Infinity),
    minFreeBytes,
    maxAgeMs: maxAgeDays === null ? null : maxAgeDays * DAY_MS
  }
}
