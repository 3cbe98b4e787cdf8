import type { Clock } from '../lib/clock.ts'
import { systemCode } from '../lib/errors.ts'
import type { Disk } from './disk.ts'
import { alreadyThere } from './failure.ts'
import { renamePatiently } from './rename.ts'

/** The file system has no hard links, or not here. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']

/** Replaces what is there, in one step for every reader: `rename` (POSIX), MoveFileEx (Windows). A link is replaced, never followed. */
export function putOver(part: string, path: string, clock: Clock, disk: Disk): Promise<void> {
  return renamePatiently(part, path, clock, disk)
}

/**
 * Gives the file its name unless there is one. `link` does that in one step on every file system with hard links (ext4, XFS, btrfs, APFS,
 * NTFS). Without them (FAT, exFAT, some network shares) an empty file made by us alone holds the name between two calls; it goes again when the
 * second fails, and only a crash between the two leaves it.
 * @throws DESTINATION_EXISTS
 */
export async function putWhereNothingIs(part: string, path: string, clock: Clock, disk: Disk): Promise<void> {
  try {
    await disk.link(part, path)
  } catch (error) {
    const code = systemCode(error) ?? ''
    if (code === 'EEXIST') throw alreadyThere(path)
    if (!NO_LINKS.includes(code)) throw error
    return putByEmptyFile(part, path, clock, disk)
  }
  // It has both names now: it is there, and the other name is found as a leftover if it stays.
  await disk.unlink(part).catch(() => {})
}

async function putByEmptyFile(part: string, path: string, clock: Clock, disk: Disk): Promise<void> {
  const claim = await disk.open(path, 'wx').catch((error: unknown) => {
    throw systemCode(error) === 'EEXIST' ? alreadyThere(path) : error
  })
  const { ino } = await claim.stat()
  await claim.close()
  try {
    await renamePatiently(part, path, clock, disk)
  } catch (error) {
    const there = await disk.lstat(path).catch(() => undefined)
    if (there?.ino === ino && there.size === 0) await disk.unlink(path).catch(() => {})
    throw error
  }
}
