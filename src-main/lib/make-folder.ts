import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './errors.ts'
import { ownerIn } from './folder-owner.ts'

/**
 * Creates a folder and those above it, for the owner of the folder they are in alone: this user. Unlike `mkdir` with `recursive`, which on Linux tries for ever below a
 * folder that takes none although it is there (`/proc`), it fails then.
 * @returns the topmost folder that was created; undefined when there was nothing to create
 * @throws the system's error
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 })
    await giveToOwner(path)
    return path
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && dirname(path) !== path) {
      const first = await makeFolder(dirname(path))
      // The folder above is there, and still this one cannot be.
      if (first === undefined) throw error
      await makeFolder(path)
      return first
    }
    // Some systems refuse to create what is there with other codes than EEXIST (a drive, a file system for reading only).
    const there = await mkdir(path, { recursive: true, mode: 0o700 }).then(
      () => true,
      () => false
    )
    if (there) return undefined
    throw error
  }
}

async function giveToOwner(path: string): Promise<void> {
  const owner = await ownerIn(dirname(path))
  if (!owner) return
  // By handle: the owner of the folder may have put a link in its place meanwhile.
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await folder.chown(owner.uid, owner.gid)
  } finally {
    await folder.close()
  }
}
