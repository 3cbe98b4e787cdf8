import { constants, type Stats } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { cacheAround } from '../lib/cache-around.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { refusalOf, type AtPath, type DestinationFacts } from './destination-rules.ts'
import { systemDisk, type Disk } from './disk.ts'

export interface DestinationOptions {
  readonly overwrite: boolean
  /** The file's name where a folder is given; absent: a folder is refused. */
  readonly nameInFolder?: string
  /** Where relative paths start; absent: they are refused. */
  readonly relativeTo?: string
  readonly disk?: Disk
}

/**
 * The file a download goes to, as an absolute path without links. Nothing is written, nothing is fetched yet.
 * @param given a file, a link to a file, or a folder, see {@link DestinationOptions.nameInFolder}
 * @throws DESTINATION_INVALID, DESTINATION_EXISTS, DESTINATION_UNWRITABLE by {@link refusalOf}
 */
export async function resolveDestination(given: string, options: DestinationOptions): Promise<string> {
  const { disk = systemDisk, overwrite } = options
  const refuse = (why: string) =>
    new LarderError('DESTINATION_INVALID', `${given.slice(0, 300) || 'The destination'} ${why}`, { destination: given })
  if (given === '' || given.includes('\0')) throw refuse('is not a path')
  if (!isAbsolute(given) && options.relativeTo === undefined) throw refuse('is not an absolute path')
  const path = resolve(options.relativeTo ?? '/', given)
  if (process.platform === 'win32' && basename(path).includes(':')) throw refuse('names a stream of a file')

  const folderGiven = (await look(disk, path)).there === 'folder'
  if (!folderGiven && (given.endsWith('/') || given.endsWith(sep))) throw refuse('is not a folder that exists')
  const named =
    folderGiven && options.nameInFolder !== undefined ? join(await disk.realpath(path), options.nameInFolder) : path
  const { facts, file } = await factsOf(disk, named, overwrite)
  const refusal = refusalOf(facts)
  if (refusal) throw new LarderError(refusal.code, `${named.slice(0, 300)} ${refusal.why}`, { destination: named })
  return file
}

async function factsOf(
  disk: Disk,
  path: string,
  overwrite: boolean
): Promise<{ facts: DestinationFacts; file: string }> {
  const { there, link } = await look(disk, path)
  const linkFolder = await disk.realpath(dirname(path)).catch(() => dirname(path))
  const file = link && there === 'file' ? await disk.realpath(path).catch(() => path) : join(linkFolder, basename(path))
  const folder = dirname(file)
  const at = (await look(disk, folder)).there
  return {
    file,
    facts: {
      there,
      link: link !== null,
      foreignLink: link !== null && isForeign(link, await disk.stat(linkFolder).catch(() => undefined)),
      folder: at === 'folder' ? 'folder' : at === 'nothing' ? 'nothing' : 'other',
      folderWritable: at === 'folder' && (await isWritable(disk, folder)),
      cache: at === 'folder' ? await cacheAround(file) : null,
      overwrite
    }
  }
}

async function look(disk: Disk, path: string): Promise<{ there: AtPath; link: Stats | null }> {
  try {
    const own = await disk.lstat(path)
    if (!own.isSymbolicLink()) return { there: kindOf(own), link: null }
    const target = await disk
      .stat(path)
      .then(kindOf, (error: unknown) =>
        systemCode(error) === 'ENOENT' ? ('link to nothing' as const) : failedLook(error)
      )
    return { there: target, link: own }
  } catch (error) {
    return { there: failedLook(error), link: null }
  }
}

function kindOf(stats: Stats): AtPath {
  return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
}

function failedLook(error: unknown): AtPath {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing'
  return code === 'EACCES' || code === 'EPERM' ? 'hidden' : 'impossible'
}

/**
 * In a folder where others may put links only our own count, and root's. Stricter than Linux (`fs.protected_symlinks`), which follows
 * those of the folder's owner as well: an administrator who saves something in a user's folder would write where that user likes.
 */
function isForeign(link: Stats, folder: Stats | undefined): boolean {
  if (process.platform === 'win32' || !folder) return false
  const isTrusted = (uid: number) => uid === 0 || uid === process.geteuid?.()
  return !isTrusted(link.uid) && ((folder.mode & 0o022) !== 0 || !isTrusted(folder.uid))
}

/** Windows does not say it before the first file is made there. */
async function isWritable(disk: Disk, folder: string): Promise<boolean> {
  if (process.platform === 'win32') return true
  return disk.access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    (error: unknown) => !['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')
  )
}
