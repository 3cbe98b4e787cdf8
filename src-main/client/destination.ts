import type { Stats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { cacheAround } from '../lib/cache-around.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { fileNameFromUrl } from './file-name.ts'

/**
 * The file a download goes to, as an absolute path without links. `given` is a file, a link to a file (its target is
 * replaced, the link stays), or a folder, in which the file gets its name from the URL.
 * @throws DESTINATION_INVALID when there cannot be a file of that name, it would lie inside a cache, or there is one and `overwrite` is false;
 * DESTINATION_UNWRITABLE when the folder may not be looked into
 */
export async function resolveDestination(given: string, url: string, overwrite: boolean): Promise<string> {
  if (given === '' || given.includes('\0')) throw invalid(given, 'is not a path')
  const path = resolve(given)
  const asFolder = given.endsWith('/') || given.endsWith(sep)
  const there = await look(path)
  if (!there?.isDirectory() && asFolder) throw invalid(given, 'is not a folder that exists')
  const file = await asFile(there?.isDirectory() ? join(await realpath(path), fileNameFromUrl(url)) : path, overwrite)
  const cache = await cacheAround(file)
  if (cache !== null) throw invalid(file, `lies inside the cache ${cache}`)
  return file
}

async function asFile(path: string, overwrite: boolean): Promise<string> {
  const there = await look(path)
  if (there) {
    // A device, pipe or socket must not be replaced by a file.
    if (!there.isFile()) throw invalid(path, there.isDirectory() ? 'is a folder' : 'is not a file')
    if (!overwrite) throw invalid(path, 'exists already')
    return realpath(path)
  }
  if (await lstat(path).catch(() => undefined)) throw invalid(path, 'is a link to nothing')
  const folder = dirname(path)
  if (!(await look(folder))?.isDirectory()) throw invalid(path, `is in a folder that does not exist`)
  return join(await realpath(folder), basename(path))
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'EACCES' || code === 'EPERM')
      throw new LarderError('DESTINATION_UNWRITABLE', `${path} may not be looked at`, { path, cause: error })
    throw new LarderError('DESTINATION_INVALID', `${path} cannot be used (${code ?? String(error)})`, {
      path,
      cause: error
    })
  }
}

const invalid = (path: string, why: string): LarderError =>
  new LarderError('DESTINATION_INVALID', `${path || 'The destination'} ${why}`, { path })
