import type { VerifyReport } from './cache.ts'
import type { ContentStore } from './content-store.ts'
import { BEGINNINGS, walkContents } from './content-walk.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import { removeFile } from './safe-files.ts'

export interface VerifyOptions {
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/**
 * 1. Goes through the content tree: takes in contents the index does not know, deletes files that belong to nothing.
 * 2. Hashes every content of the index against its name; damaged ones go to quarantine, rows without a file are dropped.
 *
 * @throws the signal's reason between two contents
 */
export async function verifyCache(
  { index, store, layout }: { index: IndexDb; store: ContentStore; layout: Layout },
  { signal, onProgress }: VerifyOptions
): Promise<VerifyReport> {
  const report: VerifyReport = { checked: 0, ok: 0, damaged: [], missing: [], adopted: [], strays: 0 }
  const removeStray = async (path: string) => {
    await removeFile(path, layout.dir).then(
      () => report.strays++,
      () => {}
    )
  }
  for await (const { contents, strays } of walkContents(layout)) {
    signal?.throwIfAborted()
    for (const path of strays) await removeStray(path)
    for (const [sha256, { bytes }] of contents) {
      // Somebody is writing it right now.
      if (store.users.inUse(sha256) || index.find(sha256)) continue
      if (!bytes) await removeStray(layout.sidecar(sha256))
      else if (await store.adopt(sha256)) report.adopted.push(sha256)
      else report.damaged.push(sha256)
    }
  }
  const total = index.totals.entries
  for (const beginning of BEGINNINGS) {
    for (const sha256 of index.lengths(beginning).keys()) {
      signal?.throwIfAborted()
      const verdict = await store.verify(sha256)
      if (verdict === 'ok') report.ok++
      else report[verdict].push(sha256)
      report.checked++
      onProgress?.(report.checked, Math.max(total, report.checked))
    }
  }
  return report
}
