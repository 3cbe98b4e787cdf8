// Why it is like this: docs/decisions/0034-files-of-this-user-alone.md
import { chmodSync, closeSync, constants, fchownSync, lstatSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readAtMost } from './bounded-file.ts'
import { systemCode } from './errors.ts'
import { ownerIn, ownerInSync } from './folder-owner.ts'
import { writeBeside } from './write-beside.ts'

/** Only this user may read and write it. Windows ignores the mode; there the folder's rights count. */
const PRIVATE = 0o600

/** Writes a file for the owner of its folder alone, this user, as {@link writeBeside}. */
export async function writePrivateFile(path: string, data: string | Uint8Array): Promise<void> {
  const owner = await ownerIn(dirname(path))
  await writeBeside(path, data, async (file) => {
    if (owner) await file.chown(owner.uid, owner.gid)
  })
}

/**
 * Reads a file of at most `maxBytes`; takes the rights of others away when it has some.
 * @returns undefined when there is none
 * @throws RangeError when it is longer; the file system's error otherwise
 */
export async function readPrivateFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (!file) return undefined
  try {
    const { size, mode } = await file.stat()
    if (size > maxBytes) throw new RangeError(`${path} is longer than ${maxBytes} bytes`)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) await file.chmod(PRIVATE)
    return await readAtMost(file, maxBytes, path)
  } finally {
    await file.close()
  }
}

/**
 * Makes an empty file, or takes an existing one, for this user alone, before a library opens it that would go by the umask. An
 * existing one is not opened: closing it would drop the locks this process holds on it (POSIX).
 * @throws the file system's error
 */
export function makePrivateSync(path: string): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE)
    const owner = ownerInSync(dirname(path))
    if (owner) fchownSync(fd, owner.uid, owner.gid)
    closeSync(fd)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    const stats = lstatSync(path)
    if (process.platform !== 'win32' && stats.isFile() && (stats.mode & 0o077) !== 0) chmodSync(path, PRIVATE)
  }
}
