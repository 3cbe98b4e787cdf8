import type { ClearView } from './api.ts'
import { countOf, formatSize } from './sizes.ts'

/** What clearing removes: `10 contents (237 MiB) and 11 unfinished downloads (139 MiB)`; null: nothing. */
export function clearedThings({
  removed,
  unfinished,
  unfinishedBytes,
  bytes
}: Pick<ClearView, 'removed' | 'unfinished' | 'unfinishedBytes' | 'bytes'>): string | null {
  const parts = [
    removed > 0 ? `${countOf(removed, 'content')} (${formatSize(bytes - unfinishedBytes)})` : null,
    unfinished > 0 ? `${countOf(unfinished, 'unfinished download')} (${formatSize(unfinishedBytes)})` : null
  ].filter((part) => part !== null)
  return parts.length === 0 ? null : parts.join(' and ')
}
