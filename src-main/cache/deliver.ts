import { constants } from 'node:fs'
import { chmod, copyFile, link, lstat, open, realpath, stat, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart } from '../pieces/plan.ts'
import { isFull } from './disk-room.ts'
import type { OpenFiles } from './open-files.ts'
import { randomName, readFully, renamePatiently, syncFolder } from './safe-files.ts'
import type { Sidecar } from './sidecar.ts'

/** Pieces read, checked and written at the same time. */
const PIECES_AT_ONCE = 2
/** A content that was assembled and digested so lately is not hashed once more while it is copied. */
const FRESH_MS = 10 * 60_000
/** Longest name most file systems take, bytes. */
const MAX_NAME_BYTES = 255
const SUFFIX = '.larder-part'
/** The file system has no hard links, or not here. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']

export interface DeliveryParts {
  readonly cacheDir: string
  readonly files: OpenFiles
  readonly hashes: HashPool
  readonly clock: Clock
  /** Makes room on the cache's own disk. */
  evict(bytes: number): Promise<void>
}

/**
 * Where a content may be put: an absolute path whose folder exists, outside the cache, not a folder or a device.
 * @returns the path with its folder's links resolved
 * @throws DESTINATION_INVALID; DESTINATION_UNWRITABLE when there is a file and `overwrite` is false
 */
export async function checkDestination(
  destination: string,
  cacheDir: string,
  { overwrite }: { overwrite: boolean }
): Promise<string> {
  const invalid = (why: string, cause?: unknown) =>
    new LarderError('DESTINATION_INVALID', `${destination}: ${why}`, { destination, cause })
  if (!isAbsolute(destination) || destination.includes('\0')) throw invalid('not an absolute path')
  if (destination.endsWith(sep) || destination.endsWith('/')) throw invalid('names a folder')
  const path = resolve(destination)
  const name = basename(path)
  if (name === '') throw invalid('names a folder')
  if (process.platform === 'win32' && name.includes(':')) throw invalid('names a stream of a file')
  const folder = await realpath(dirname(path)).catch((cause) => {
    throw invalid('its folder does not exist', cause)
  })
  if (!(await stat(folder)).isDirectory()) throw invalid('its folder is not a folder')
  if ((folder + sep).startsWith(cacheDir + sep)) throw invalid('lies inside the cache')
  const there = await lstat(join(folder, name)).catch((cause) => {
    if (systemCode(cause) !== 'ENOENT') throw invalid('cannot be looked at', cause)
    return undefined
  })
  if (there && !there.isFile() && !there.isSymbolicLink())
    throw invalid(there.isDirectory() ? 'is a folder' : 'is not a file')
  if (there && !overwrite) throw exists(destination)
  return join(folder, name)
}

/**
 * Puts the bytes of a sound content at `destination`: beside it, flushed, then under its name in one step. A reflink, and a copy
 * of a content that has just been assembled, is taken at the word of the content's stamp, which was compared a moment ago; any
 * other copy is checked piece by piece while it is made.
 * @throws DESTINATION_UNWRITABLE, DISK_FULL; CACHE_DAMAGED when a piece does not match
 */
export async function deliverFile(
  content: Sidecar,
  source: string,
  destination: string,
  options: { overwrite: boolean },
  parts: DeliveryParts
): Promise<void> {
  const path = await checkDestination(destination, parts.cacheDir, options)
  const folder = dirname(path)
  const temporary = join(folder, temporaryName(basename(path)))
  try {
    await write(content, source, temporary, parts).catch(async (error) => {
      if (!isFull(error) || !(await sameDisk(folder, parts.cacheDir))) throw error
      await unlink(temporary).catch(() => {})
      await parts.evict(content.plan.lengthBytes)
      await write(content, source, temporary, parts)
    })
    await keepMode(path, temporary)
    if (options.overwrite) await renamePatiently(temporary, path, parts.clock)
    else await putWhereNothingIs(temporary, path, parts.clock)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw explain(error, destination)
  }
  await syncFolder(folder)
}

/** A file that is replaced keeps its rights, as if it had been written over. */
async function keepMode(path: string, temporary: string): Promise<void> {
  if (process.platform === 'win32') return
  const old = await lstat(path).catch(() => undefined)
  if (old?.isFile()) await chmod(temporary, old.mode & 0o777)
}

async function write(content: Sidecar, source: string, temporary: string, parts: DeliveryParts): Promise<void> {
  const ageMs = parts.clock.wallMs() - content.createdAt
  const fresh = ageMs >= 0 && ageMs < FRESH_MS
  const copied = await copyFile(
    source,
    temporary,
    constants.COPYFILE_EXCL | (fresh ? constants.COPYFILE_FICLONE : constants.COPYFILE_FICLONE_FORCE)
  ).then(
    () => true,
    () => false
  )
  // A refused copy may leave an empty file behind.
  if (!copied) await unlink(temporary).catch(() => {})
  const handle = await open(temporary, copied ? 'r+' : 'wx')
  try {
    if (!copied) await copyChecked(content, source, handle, parts)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function copyChecked(
  { sha256, plan, pieceDigests }: Sidecar,
  source: string,
  target: FileHandle,
  { files, hashes }: DeliveryParts
): Promise<void> {
  let next = 0
  const copyOne = async (index: number) => {
    const position = pieceStart(plan, index)
    const data = await files
      .use(source, 'r', (handle) => readFully(handle, position, Buffer.allocUnsafeSlow(pieceLength(plan, index))))
      .catch((cause) => {
        throw new LarderError('CACHE_DAMAGED', 'A content in the cache cannot be read', { sha256, piece: index, cause })
      })
    const expected = pieceDigests.subarray(index * 32, index * 32 + 32)
    const written = data && (await hashes.digestAndWrite({ data, fd: target.fd, position, expected })).written
    if (!written) throw new LarderError('CACHE_DAMAGED', 'A content in the cache is damaged', { sha256, piece: index })
  }
  const copyOn = async () => {
    try {
      while (next < plan.count) await copyOne(next++)
    } finally {
      next = plan.count
    }
  }
  // All must have ended before the caller closes the file: another one could get its descriptor.
  const ends = await Promise.allSettled(Array.from({ length: PIECES_AT_ONCE }, copyOn))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** Two requests for the same name: one gets it, the other one is told. */
async function putWhereNothingIs(temporary: string, path: string, clock: Clock): Promise<void> {
  try {
    await link(temporary, path)
    await unlink(temporary)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw exists(path)
    if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error
    // Without links: an empty file made by us alone holds the name for the moment.
    const claim = await open(path, 'wx').catch((cause) => {
      throw systemCode(cause) === 'EEXIST' ? exists(path) : cause
    })
    await claim.close()
    await renamePatiently(temporary, path, clock).catch(async (cause) => {
      await unlink(path).catch(() => {})
      throw cause
    })
  }
}

/** `.<name>.<random>.larder-part`, the name cut where it would get too long. */
function temporaryName(name: string): string {
  const rest = `.${randomName()}${SUFFIX}`
  let short = name
  while (Buffer.byteLength(short) > MAX_NAME_BYTES - rest.length - 1) short = short.slice(0, -1)
  return `.${short}${rest}`
}

function exists(destination: string): LarderError {
  return new LarderError('DESTINATION_UNWRITABLE', `${destination} exists already`, { destination, exists: true })
}

function explain(error: unknown, destination: string): unknown {
  if (error instanceof LarderError) return error
  if (isFull(error))
    return new LarderError('DISK_FULL', `The disk of ${destination} is full`, { destination, cause: error })
  const code = systemCode(error)
  if (typeof (error as { syscall?: unknown }).syscall !== 'string') return error
  const invalid = code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'EISDIR' || code === 'ENOTDIR'
  return new LarderError(
    invalid ? 'DESTINATION_INVALID' : 'DESTINATION_UNWRITABLE',
    `${destination} cannot be written: ${(error as Error).message}`,
    { destination, cause: error }
  )
}

async function sameDisk(a: string, b: string): Promise<boolean> {
  return (await stat(a)).dev === (await stat(b)).dev
}
