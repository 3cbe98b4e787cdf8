import { stat } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart } from '../pieces/plan.ts'
import { cloneOf } from '../placing/clone-file.ts'
import { resolveDestination } from '../placing/destination.ts'
import { destinationFailure } from '../placing/failure.ts'
import { PartFile, type PartOptions } from '../placing/part-file.ts'
import type { OpenFiles } from './open-files.ts'
import { readFully } from './safe-files.ts'
import type { Sidecar } from './sidecar.ts'

/** Pieces read, checked and written at the same time. */
const PIECES_AT_ONCE = 2
/** A content that was assembled and digested so lately is not hashed once more while it is copied. */
const FRESH_MS = 10 * 60_000

export interface DeliveryParts {
  readonly cacheDir: string
  readonly files: OpenFiles
  readonly hashes: HashPool
  readonly clock: Clock
  /** Makes room on the cache's own disk. */
  evict(bytes: number): Promise<void>
}

/**
 * Puts the bytes of a sound content at `destination`: beside it, flushed, then under its name in one step. A reflink, and a copy
 * of a content that has just been assembled, is taken at the word of the content's stamp, which was compared a moment ago; any
 * other copy is checked piece by piece while it is made.
 * @throws DESTINATION_INVALID, DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DISK_FULL; CACHE_DAMAGED when a piece does not match
 */
export async function deliverFile(
  content: Sidecar,
  source: string,
  destination: string,
  { overwrite }: { overwrite: boolean },
  parts: DeliveryParts
): Promise<void> {
  const path = await resolveDestination(destination, { overwrite })
  const folder = dirname(path)
  if ((folder + sep).startsWith(parts.cacheDir + sep))
    throw new LarderError('DESTINATION_INVALID', `${destination} lies inside the cache`, { destination })
  const options = { overwrite, clock: parts.clock, exclusive: false }
  const put = async () => (await write(content, source, path, options, parts)).commit()
  await put().catch(async (error: unknown) => {
    if (!hasCode(error, 'DISK_FULL') || !(await sameDisk(folder, parts.cacheDir))) throw error
    await parts.evict(content.plan.lengthBytes)
    await put()
  })
}

async function write(
  content: Sidecar,
  source: string,
  path: string,
  options: PartOptions,
  parts: DeliveryParts
): Promise<PartFile> {
  const ageMs = parts.clock.wallMs() - content.createdAt
  const orCopy = ageMs >= 0 && ageMs < FRESH_MS
  const { lengthBytes } = content.plan
  const cloned = await cloneOf(source, path, { ...options, orCopy, lengthBytes })
  if (cloned) return cloned
  const part = await PartFile.open(path, options)
  try {
    await copyChecked(content, source, part.fd, parts)
    part.wroteElsewhere(lengthBytes)
    return part
  } catch (error) {
    await part.discard()
    throw destinationFailure(error, path)
  }
}

async function copyChecked(
  { sha256, plan, pieceDigests }: Sidecar,
  source: string,
  fd: number,
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
    const written = data && (await hashes.digestAndWrite({ data, fd, position, expected })).written
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

async function sameDisk(a: string, b: string): Promise<boolean> {
  return (await stat(a)).dev === (await stat(b)).dev
}
