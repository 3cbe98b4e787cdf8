import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { readAtMost } from './bounded-file.ts'
import { systemCode } from './errors.ts'

/**
 * A user proves who they are by owning a file:
 *
 *     door/<SHA-256 of a token, hex>      mode 0644, holds its own name
 *
 * In the door everybody may make files and nobody may touch another's (mode 1733). Whoever shows the token is who owns the file.
 * Nobody but root can make a file that belongs to another user; a link to one would not hold its own name.
 */
const MAX_DOOR_FILE = 128

export const doorFileName = (token: string): string => createHash('sha256').update(`larder door ${token}`).digest('hex')

/** Leaves the digest of a new token for this user. @returns the token @throws the system's error */
export async function leaveAtDoor(door: string): Promise<string> {
  const token = randomBytes(32).toString('hex')
  const name = doorFileName(token)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(join(door, name), O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o644)
  try {
    await file.writeFile(name)
    // Whatever the umask of this program is.
    await file.chmod(0o644)
  } finally {
    await file.close()
  }
  return token
}

/** Number of the user who has left the digest of this token; undefined: nobody has. */
export async function whoLeft(door: string, token: string): Promise<number | undefined> {
  if (!/^[0-9a-f]{64}$/.test(token)) return undefined
  const name = doorFileName(token)
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let file: FileHandle
  try {
    file = await open(join(door, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EACCES', 'ENXIO'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
  try {
    const { uid, nlink, size } = await file.stat().then((stats) => (stats.isFile() ? stats : { ...stats, nlink: 0 }))
    if (nlink !== 1 || size > MAX_DOOR_FILE) return undefined
    const text = await readAtMost(file, MAX_DOOR_FILE, name)
    return text.toString('latin1') === name ? uid : undefined
  } finally {
    await file.close()
  }
}
