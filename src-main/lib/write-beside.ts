import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'

/**
 * Writes a file beside its path, then renames it there, so a reader sees the old or the new content, never a part.
 * @param give sets owner and rights before anything is in it; until then it is for this user alone
 */
export async function writeBeside(
  path: string,
  data: string | Uint8Array,
  give: (file: FileHandle) => Promise<void>
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      await give(file)
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
