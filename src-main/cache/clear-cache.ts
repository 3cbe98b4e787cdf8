import type { Sha256Hex } from '../contract/ids.ts'
import { hasCode } from '../lib/errors.ts'
import type { ClearReport } from './cache.ts'
import type { ContentUsers } from './content-users.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import type { PartialShelf } from './partial-shelf.ts'
import { sweepQuarantine } from './recover.ts'

export interface ClearParts {
  readonly layout: Layout
  readonly index: IndexDb
  readonly shelf: PartialShelf
  readonly users: ContentUsers
  /** @throws CACHE_BUSY, NOT_FOUND */
  remove(sha256: Sha256Hex): Promise<unknown>
}

/** Deletes what nobody uses: contents, unfinished downloads, what is in quarantine. */
export async function clearCache(
  { layout, index, shelf, users, remove }: ClearParts,
  { pinnedToo, dryRun }: { readonly pinnedToo: boolean; readonly dryRun: boolean }
): Promise<ClearReport> {
  const report = { removed: 0, unfinished: 0, unfinishedBytes: 0, bytes: 0, kept: shelf.openCount }
  for (const { id, bytes, pinned } of [...index.evictable()]) {
    if ((pinned && !pinnedToo) || users.inUse(id)) {
      report.kept++
      continue
    }
    try {
      if (!dryRun) await remove(id)
      report.removed++
      report.bytes += bytes
    } catch (error) {
      if (hasCode(error, 'CACHE_BUSY')) report.kept++
      else if (!hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  for (const [name, { bytes }] of shelf.resting()) {
    if (!dryRun) await shelf.remove(name)
    report.unfinished++
    report.unfinishedBytes += bytes
    report.bytes += bytes
  }
  if (!dryRun) await sweepQuarantine(layout, Infinity)
  return report
}
