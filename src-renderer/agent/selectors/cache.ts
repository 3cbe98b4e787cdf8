import type { CacheEntryDetail, CacheEntryView, CacheStats } from '../../../src-main/contract/snapshot.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { exactDay } from '../../format/time.ts'
import { fileNameOf, shortId } from '../../format/url.ts'

/** More of a cache evicted in an hour than this part of its size: what is kept hardly stays until it is needed again. */
const HARD_PRESSURE = 0.1
/** PCs named; the rest is counted. */
const MOST_NAMES = 4

export const entryName = ({ urls, sha256 }: Pick<CacheEntryView, 'urls' | 'sha256'>): string =>
  fileNameOf(urls[0] ?? shortId(sha256))

/** Until when a content stays. */
export function keptSentence({ pinned, pinnedUntil }: Pick<CacheEntryView, 'pinned' | 'pinnedUntil'>): string {
  if (!pinned) return 'Until room is needed'
  return pinnedUntil === null ? 'Pinned until somebody unpins it' : `Pinned until ${exactDay(pinnedUntil)}`
}

/** How hard the limits press. `hard`: worth a look at them. */
export function pressure({
  evictions,
  evictedLastHour: { contents, bytes },
  maxBytes
}: Pick<CacheStats, 'evictions' | 'evictedLastHour' | 'maxBytes'>): {
  readonly sentence: string
  readonly hard: boolean
} | null {
  if (contents > 0)
    return { sentence: `${formatSize(bytes)} evicted in the last hour`, hard: bytes >= maxBytes * HARD_PRESSURE }
  return evictions > 0 ? { sentence: `${countOf(evictions, 'content')} evicted since start`, hard: false } : null
}

/** What is kept of the disk and for how long at most; null: there is nothing to say. */
export function limitsSentence({
  minFreeBytes,
  maxAgeMs
}: Pick<CacheStats, 'minFreeBytes' | 'maxAgeMs'>): string | null {
  const parts = [
    minFreeBytes > 0 ? `${formatSize(minFreeBytes)} of the disk kept free` : null,
    maxAgeMs === null ? null : `removed when unused for ${countOf(Math.round(maxAgeMs / 86_400_000), 'day')}`
  ].filter((part) => part !== null)
  return parts.length === 0 ? null : parts.join(', ')
}

/** To whom a content was served, most bytes first; null: to nobody yet. */
export function servedToSentence(servedTo: CacheEntryDetail['servedTo']): string | null {
  if (servedTo.length === 0) return null
  const named = servedTo
    .slice(0, MOST_NAMES)
    .map(({ name, peer, bytes }) => `${name || shortId(peer)} ${formatSize(bytes)}`)
  const more = servedTo.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${countOf(more, 'more PC')}` : ''}`
}
