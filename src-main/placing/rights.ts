import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { recentlyOf } from '../lib/recently.ts'
import { systemDisk, type Disk } from './disk.ts'
import { newPartName } from './part-name.ts'
import { thisProcess } from './this-process.ts'

const KNOWN_MS = 2000
/** Nobody's destination: a part of one would be found and taken for a writer. */
const PROBE = 'larder-mode-of-new-files'

/**
 * Gives a finished part the owner and mode of the file it replaces, else those that any program's new file gets there. By its handle alone:
 * what has been put in the place of its name is not touched.
 */
export async function giveRights(part: FileHandle, path: string, disk: Disk): Promise<void> {
  if (process.platform === 'win32') return
  const old = await disk.lstat(path).catch(() => undefined)
  if (!old?.isFile()) return part.chmod(await newFileMode(dirname(path), disk))
  const { uid, gid } = await part.stat()
  // Only an administrator may give a file away; a group of one's own everybody may name.
  if (old.uid !== uid || old.gid !== gid)
    await part.chown(old.uid, old.gid).catch(() => part.chown(uid, old.gid).catch(() => {}))
  await part.chmod(old.mode & 0o777)
}

const knownModes = recentlyOf((folder) => askNewFileMode(folder, systemDisk), KNOWN_MS)

/** The mode of a file that any program makes in a folder. Many files go to one folder. */
function newFileMode(folder: string, disk: Disk): Promise<number> {
  return disk === systemDisk ? knownModes(folder) : askNewFileMode(folder, disk)
}

/** An empty file says what umask and the folder's default rights make of a new one; asking for the umask changes it for a moment. */
async function askNewFileMode(folder: string, disk: Disk): Promise<number> {
  const probe = join(folder, newPartName(PROBE, null, thisProcess()))
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
  // On a full disk there may be no room for one more name.
  const handle = await disk.open(probe, flags, 0o666).catch(() => undefined)
  if (!handle) return 0o666 & ~process.umask()
  try {
    return (await handle.stat()).mode & 0o777
  } finally {
    await handle.close()
    await disk.unlink(probe).catch(() => {})
  }
}
