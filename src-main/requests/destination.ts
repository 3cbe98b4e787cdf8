import { dirname } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { canClone } from '../placing/clone-file.ts'
import type { DestinationsInUse } from '../placing/destinations-in-use.ts'
import { resolveDestination } from '../placing/destination.ts'
import { requireRoom, sameDisk } from '../placing/room.ts'

/** The destination of one request, checked before any byte is fetched, and reserved until `release`. */
export interface Place {
  readonly path: string
  /** Idempotent. */
  release(): void
}

/** @throws DESTINATION_INVALID, DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DESTINATION_BUSY */
export async function takePlace(destination: string, overwrite: boolean, inUse: DestinationsInUse): Promise<Place> {
  const path = await resolveDestination(destination, { overwrite })
  return { path, release: inUse.claim(path) }
}

/**
 * Is there room for a content that goes through the cache to `path`? On one disk it lies there twice for a moment, unless the disk can share
 * blocks. What the cache may delete for it counts as room, and so does what it may hold of it already: only what cannot fit is refused.
 * @throws DISK_FULL
 */
export async function requireRoomFor(
  path: string,
  lengthBytes: number,
  cache: Pick<Cache, 'dir' | 'stats'>
): Promise<void> {
  if (!(await sameDisk(dirname(path), cache.dir))) return requireRoom(path, lengthBytes)
  const { bytes, partialBytes } = cache.stats()
  const once = lengthBytes - Math.min(lengthBytes, partialBytes) - bytes
  await requireRoom(path, once + lengthBytes).catch(async (error: unknown) => {
    if (!(await canClone(path))) throw error
    await requireRoom(path, once)
  })
}
