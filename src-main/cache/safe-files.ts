import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, realpath, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { renamePatiently, syncFolder } from '../placing/rename.ts'

/** A name nobody can guess or already has. */
export function randomName(): string {
  return randomBytes(12).toString('hex')
}

/** Replaces a file whole: beside in `tmp`, fsync, rename. With `durable` it survives a power cut from the return on. */
export async function replaceFile(
  path: string,
  bytes: string | Uint8Array,
  tmp: string,
  options: { durable: boolean; clock: Clock }
): Promise<void> {
  const beside = join(tmp, randomName())
  try {
    const handle = await open(beside, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      if (options.durable) await handle.sync()
    } finally {
      await handle.close()
    }
    await renamePatiently(beside, path, options.clock)
  } catch (error) {
    await unlink(beside).catch(() => {})
    throw error
  }
  if (options.durable) await syncFolder(dirname(path))
}

/** Creates the folder of `path`, with `durable` flushing what is new. @throws CACHE_UNUSABLE when the way there leads over a link */
export async function makeFolderFor(
  path: string,
  root: string,
  { durable }: { durable: boolean } = { durable: true }
): Promise<void> {
  const folder = dirname(path)
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  await refuseLinks(folder, root)
  if (durable && first !== undefined)
    for (let at = folder; at.startsWith(dirname(first)); at = dirname(at)) await syncFolder(at)
}

/**
 * Deletes a file of the cache; a link is removed itself, never what it points to.
 * @returns bytes of a file deleted, 0 when there was none
 * @throws CACHE_UNUSABLE when the way there leads over a link
 */
export async function removeFile(path: string, root: string): Promise<number> {
  return removeFiles([path], root)
}

/** {@link removeFile} for files of one folder, one after the other; the way there is looked at once. */
export async function removeFiles(paths: readonly [string, ...string[]], root: string): Promise<number> {
  let bytes = 0
  try {
    await refuseLinks(dirname(paths[0]), root)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
  for (const path of paths) bytes += await removeOne(path)
  return bytes
}

async function removeOne(path: string): Promise<number> {
  try {
    const stat = await lstat(path)
    if (stat.isDirectory()) return 0
    await unlink(path)
    return stat.isFile() ? stat.size : 0
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
}

/** Every folder from `root` (exclusive) down to `folder` must be a real one. */
export async function refuseLinks(folder: string, root: string): Promise<void> {
  const way = relative(root, folder)
  if (way === '') return
  if (way.startsWith('..')) throw new LarderError('CACHE_UNUSABLE', `${folder} is outside the cache`)
  // One question instead of one for each; where it is answered otherwise, what is wrong is found out below.
  if ((await realpath(folder).catch(() => undefined)) === folder) return
  let at = root
  for (const step of way.split(sep)) {
    at = join(at, step)
    if (!(await lstat(at)).isDirectory())
      throw new LarderError('CACHE_UNUSABLE', `${at} is not a folder of the cache`, { path: at })
  }
}

/** Fills `bytes` from `start` on. @returns undefined when the file ends before */
export async function readFully(handle: FileHandle, start: number, bytes: Buffer): Promise<Buffer | undefined> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) return undefined
    done += bytesRead
  }
  return bytes
}
