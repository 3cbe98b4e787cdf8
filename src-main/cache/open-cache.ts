import { readFile, statfs } from 'node:fs/promises'
import { LarderError } from '../lib/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { CacheLimits } from './cache-limits.ts'
import { DiskCache } from './disk-cache.ts'
import { freeBytesOf } from './disk-room.ts'
import { lookAt } from './file-stamp.ts'
import { lockFolder, type FolderLock } from './folder-lock.ts'
import { IndexDb } from './index-db.ts'
import { prepareLayout } from './layout.ts'
import { scanPartials, sweepTmp } from './recover.ts'
import { syncFolder } from '../placing/rename.ts'
import { removeFile } from './safe-files.ts'

export interface CacheOptions
  extends Pick<CacheLimits, 'maxBytes' | 'minFreeBytes'>, Partial<Omit<CacheLimits, 'maxBytes' | 'minFreeBytes'>> {
  /** Created, for this user alone, when it is not there. */
  dir: string
  clock: Clock
  /** Not closed with the cache. */
  hashes: HashPool
  /** Bytes that can still be written to the disk of `dir`. */
  freeBytes?: (dir: string) => Promise<number>
}

/**
 * Opens the cache of a folder and makes good what a former run left unfinished.
 * @throws AGENT_ALREADY_RUNNING when another process has it, CACHE_UNUSABLE when it cannot be written
 */
export async function openCache(options: CacheOptions): Promise<DiskCache> {
  const {
    clock,
    hashes,
    freeBytes = freeBytesOf,
    maxBytes,
    minFreeBytes,
    maxDiskPercent = null,
    maxAgeDays = null
  } = options
  const layout = await prepareLayout(options.dir)
  let lock: FolderLock | undefined
  let index: IndexDb | undefined
  let cache: DiskCache | undefined
  try {
    lock = lockFolder(layout.lock)
    // The mark of a clean end names the state of the index; another state means that somebody else has been at it.
    const mark = await readFile(layout.clean, 'utf8').catch(() => undefined)
    const indexFile = await lookAt(layout.index)
    const trusted = typeof indexFile === 'object' && indexFile.stamp === mark
    await removeFile(layout.clean, layout.dir)
    await syncFolder(layout.dir)
    await sweepTmp(layout)
    const opened = IndexDb.open(layout.index, { trusted })
    index = opened.index
    const partials = await scanPartials(layout)
    cache = new DiskCache({
      layout,
      lock,
      index,
      clock,
      hashes,
      limits: { maxBytes, minFreeBytes, maxDiskPercent, maxAgeDays },
      partials,
      freeBytes: () => freeBytes(layout.dir),
      diskBytes: () => diskBytesOf(layout.dir)
    })
    if (mark === undefined || opened.fresh) await cache.bringInLine()
    await cache.begin()
    return cache
  } catch (cause) {
    await cache?.abandon()
    index?.close()
    lock?.release()
    if (cause instanceof LarderError) throw cause
    throw new LarderError(
      'CACHE_UNUSABLE',
      `The cache folder ${options.dir} cannot be used: ${(cause as Error).message}`,
      { dir: options.dir, cause }
    )
  }
}

async function diskBytesOf(dir: string): Promise<number> {
  const { blocks, bsize } = await statfs(dir)
  return blocks * bsize
}
