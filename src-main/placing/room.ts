import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LarderError } from '../lib/errors.ts'
import { systemDisk, type Disk } from './disk.ts'

/**
 * Before anything is fetched: are there this many bytes free for `path`, beside those it has already? Where the file system does not say, yes; macOS
 * does not, since it deletes snapshots and caches of its own when a file needs their room.
 * @throws DISK_FULL
 */
export async function requireRoom(path: string, bytes: number, disk: Pick<Disk, 'statfs'> = systemDisk): Promise<void> {
  const free = await freeBytes(dirname(path), disk)
  if (free !== null && free < bytes)
    throw new LarderError('DISK_FULL', `The disk of ${path} has not enough room`, {
      destination: path,
      neededBytes: bytes,
      freeBytes: free
    })
}

async function freeBytes(folder: string, disk: Pick<Disk, 'statfs'>): Promise<number | null> {
  if (process.platform === 'darwin') return null
  try {
    const { bavail, bsize, blocks } = await disk.statfs(folder)
    // Some network and virtual file systems say 0 of 0.
    return blocks === 0 ? null : bavail * bsize
  } catch {
    return null
  }
}

/** What one of them takes the other cannot have. */
export async function sameDisk(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(a), stat(b)])
  return one.dev === other.dev
}
