import { copyFile, constants, open, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { ContentStore } from './content-store.ts'
import { walkContents } from './content-walk.ts'
import type { DiskRoom } from './disk-room.ts'
import { lookAt } from './file-stamp.ts'
import { lockFolder } from './folder-lock.ts'
import { IndexDb } from './index-db.ts'
import { layoutOf, type Layout } from './layout.ts'
import { renamePatiently, syncFolder } from '../placing/rename.ts'
import { makeFolderFor, randomName, removeFile } from './safe-files.ts'

export interface TakeInParts {
  readonly layout: Layout
  readonly store: ContentStore
  readonly index: IndexDb
  readonly room: DiskRoom
  readonly clock: Clock
}

export interface TakeInProgress {
  readonly done: number
  readonly total: number
  readonly bytes: number
}

/**
 * Moves every content of another cache folder into this one, then deletes what was left there. Per content: sidecar beside (a copy),
 * bytes over (a rename, or a flushed copy to another disk), row into the index, the old files away. Whoever dies in between leaves
 * the content in one of both folders with its sidecar, and the next call goes on.
 *
 * Unfinished downloads are not moved: they begin again.
 *
 * @throws AGENT_ALREADY_RUNNING when somebody uses that folder, DISK_FULL, CACHE_UNUSABLE, the signal's reason between two contents
 */
export async function takeIn(
  parts: TakeInParts,
  from: string,
  options: { signal: AbortSignal; onProgress: (progress: TakeInProgress) => void }
): Promise<void> {
  const old = layoutOf(from)
  if ((await readdir(old.contentRoot).catch(() => undefined)) === undefined) return
  const lock = lockFolder(old.lock)
  let known: IndexDb | undefined
  try {
    known = IndexDb.open(old.index, { trusted: false }).index
    const found: Sha256Hex[] = []
    for await (const { contents } of walkContents(old))
      for (const [sha256, { bytes }] of contents) if (bytes) found.push(sha256)
    let bytes = 0
    for (const [i, sha256] of found.entries()) {
      options.onProgress({ done: i, total: found.length, bytes })
      options.signal.throwIfAborted()
      bytes += await moveContent(parts, old, sha256, known)
    }
    options.onProgress({ done: found.length, total: found.length, bytes })
  } finally {
    known?.close()
    lock.release()
  }
  await clearAway(old)
}

/** @returns bytes moved; 0 when it was here already */
async function moveContent(
  { layout, store, index, room, clock }: TakeInParts,
  old: Layout,
  sha256: Sha256Hex,
  known: IndexDb
): Promise<number> {
  const source = old.content(sha256)
  const file = await lookAt(source)
  if (typeof file !== 'object') return 0
  const here = index.find(sha256) !== undefined || (await lookAt(layout.content(sha256))) !== 'missing'
  if (!here) {
    await makeFolderFor(layout.content(sha256), layout.dir)
    // A sidecar that cannot be read is made again from the bytes.
    await copyFlushed(old.sidecar(sha256), layout.sidecar(sha256), layout, clock).catch(() => {})
    await moveFile(source, file.sizeBytes, layout.content(sha256), { layout, room, clock })
    await syncFolder(join(layout.content(sha256), '..'))
  }
  if (index.find(sha256) === undefined && !(await store.adopt(sha256))) return 0
  const use = known.detail(sha256)?.entry
  if (use) index.restoreUse(sha256, use)
  await removeFile(source, old.dir)
  await removeFile(old.sidecar(sha256), old.dir)
  return here ? 0 : file.sizeBytes
}

async function moveFile(
  source: string,
  sizeBytes: number,
  target: string,
  { layout, room, clock }: Pick<TakeInParts, 'layout' | 'room' | 'clock'>
): Promise<void> {
  try {
    return await renamePatiently(source, target, clock)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV')
      throw new LarderError('CACHE_UNUSABLE', `${source} cannot be moved: ${(error as Error).message}`, {
        cause: error
      })
  }
  await room.run(sizeBytes, () => copyFlushed(source, target, layout, clock))
}

/** A copy that is whole and flushed when it appears. */
async function copyFlushed(source: string, target: string, layout: Layout, clock: Clock): Promise<void> {
  const beside = join(layout.tmp, randomName())
  try {
    await copyFile(source, beside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    const handle = await open(beside, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await renamePatiently(beside, target, clock)
  } finally {
    await removeFile(beside, layout.dir).catch(() => 0)
  }
}

/** Deletes what a cache leaves in a folder, by name, and the folder when nothing else is in it. */
async function clearAway(old: Layout): Promise<void> {
  for await (const { contents } of walkContents(old))
    for (const sha256 of contents.keys()) await removeFile(old.sidecar(sha256), old.dir)
  for (const folder of [old.partialRoot, old.quarantine, old.tmp]) {
    for (const name of await readdir(folder).catch(() => []))
      await removeFile(join(folder, name), old.dir).catch(() => 0)
  }
  for (const path of [old.index, `${old.index}-wal`, `${old.index}-shm`, old.lock, `${old.lock}-journal`, old.clean])
    await removeFile(path, old.dir).catch(() => 0)
  for (const first of await readdir(old.contentRoot).catch(() => [])) {
    for (const second of await readdir(join(old.contentRoot, first)).catch(() => []))
      await rmdir(join(old.contentRoot, first, second)).catch(() => {})
    await rmdir(join(old.contentRoot, first)).catch(() => {})
  }
  for (const folder of [
    old.contentRoot,
    join(old.contentRoot, '..'),
    old.partialRoot,
    old.quarantine,
    old.tmp,
    old.dir
  ])
    await rmdir(folder).catch(() => {})
}
