import { dirname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { liesIn } from '../lib/lies-in.ts'
import { writeHere } from '../pieces/hash-here.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart } from '../pieces/plan.ts'
import { cloneOf } from '../placing/clone-file.ts'
import { resolveDestination } from '../placing/destination.ts'
import { destinationFailure } from '../placing/failure.ts'
import { PartFile, type PartOptions } from '../placing/part-file.ts'
import { sameDisk } from '../placing/room.ts'
import type { GrowingCopy } from './cache.ts'
import { DiskCopy } from './growing-copy.ts'
import type { OpenFiles } from './open-files.ts'
import { readFully } from './safe-files.ts'
import type { Sidecar } from './sidecar.ts'

/** Pieces read, checked and written at the same time. */
const PIECES_AT_ONCE = 2
/** The system copies up to this size in one call, which cannot be broken off. */
const ONE_CALL_BYTES = 32 * 1024 * 1024
/** A content that was assembled and digested so recently is not hashed once more while it is copied. */
const FRESH_MS = 10 * 60_000

export interface DeliveryOptions {
  readonly overwrite: boolean
  /** Stops it within a few pieces; an existing file at the destination stays. */
  readonly signal?: AbortSignal | undefined
  /** Written while the content was assembled. */
  readonly copy?: GrowingCopy | undefined
}

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
 * @throws DESTINATION_INVALID, DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DISK_FULL; CACHE_DAMAGED when a piece does not match; the
 * signal's reason
 */
export async function deliverFile(
  content: Sidecar,
  source: string,
  destination: string,
  { overwrite, signal, copy }: DeliveryOptions,
  parts: DeliveryParts
): Promise<void> {
  signal?.throwIfAborted()
  const path = await resolveDestination(destination, { overwrite })
  const folder = dirname(path)
  if (liesIn(folder, parts.cacheDir))
    throw new LarderError('DESTINATION_INVALID', `${destination} lies inside the cache`, { destination })
  const options = { overwrite, clock: parts.clock, exclusive: false }
  if (copy instanceof DiskCopy && copy.destination === path && (await putCopy(content, source, copy, signal, parts)))
    return
  const put = async () => (await write(content, source, path, { ...options, signal }, parts)).commit(signal)
  await put().catch(async (error: unknown) => {
    if (!hasCode(error, 'DISK_FULL') || !(await sameDisk(folder, parts.cacheDir))) throw error
    await parts.evict(content.plan.lengthBytes)
    await put()
  })
}

/**
 * Puts a copy in place that has grown along with the content, with what it lacks.
 * @returns false when there is none (any more), or it is not whole for whatever reason: then the destination is as it was
 * @throws DESTINATION_EXISTS, CACHE_DAMAGED; the signal's reason
 */
async function putCopy(
  content: Sidecar,
  source: string,
  copy: DiskCopy,
  signal: AbortSignal | undefined,
  parts: DeliveryParts
): Promise<boolean> {
  const taken = await copy.take()
  if (!taken) return false
  const { part, has } = taken
  try {
    const { plan, pieceDigests } = content
    const missing = Array.from({ length: plan.count }, (_, index) => index).filter(
      (index) => !has(index, pieceDigests.subarray(index * 32, index * 32 + 32))
    )
    await copyPieces(content, source, part, checkAndCopyPiece, { ...parts, signal }, missing)
    part.wroteElsewhere(plan.lengthBytes)
    await part.commit(signal)
    return true
  } catch (error) {
    await part.discard()
    if (signal?.aborted || hasCode(error, 'DESTINATION_EXISTS', 'CACHE_DAMAGED')) throw error
    return false
  }
}

async function write(
  content: Sidecar,
  source: string,
  path: string,
  { signal, ...options }: PartOptions & { readonly signal: AbortSignal | undefined },
  parts: DeliveryParts
): Promise<PartFile> {
  const ageMs = parts.clock.wallMs() - content.createdAt
  const fresh = ageMs >= 0 && ageMs < FRESH_MS
  const { lengthBytes } = content.plan
  const orCopy = fresh && lengthBytes <= ONE_CALL_BYTES
  const cloned = await cloneOf(source, path, { ...options, orCopy, lengthBytes })
  if (cloned) return cloned
  const part = await PartFile.open(path, options)
  try {
    await copyPieces(content, source, part, fresh ? copyPiece : checkAndCopyPiece, { ...parts, signal })
    part.wroteElsewhere(lengthBytes)
    return part
  } catch (error) {
    await part.discard()
    throw destinationFailure(error, path)
  }
}

/** Writes a piece where it belongs. @returns false when it is not the one expected */
type WritePiece = (piece: PieceToCopy, hashes: HashPool) => Promise<boolean>

interface PieceToCopy {
  readonly data: Buffer
  readonly fd: number
  readonly position: number
  readonly expected: Buffer
}

const checkAndCopyPiece: WritePiece = async (piece, hashes) => (await hashes.digestAndWrite(piece)).written

const copyPiece: WritePiece = async ({ data, fd, position }) => {
  await writeHere(fd, data, position)
  return true
}

async function copyPieces(
  { sha256, plan, pieceDigests }: Sidecar,
  source: string,
  part: PartFile,
  writePiece: WritePiece,
  { files, hashes, signal }: DeliveryParts & { readonly signal: AbortSignal | undefined },
  indices: readonly number[] = Array.from({ length: plan.count }, (_, index) => index)
): Promise<void> {
  let next = 0
  const copyOne = async (index: number, memory: Buffer) => {
    signal?.throwIfAborted()
    const position = pieceStart(plan, index)
    const length = pieceLength(plan, index)
    const data = await files
      .use(source, 'r', (handle) => readFully(handle, position, memory.subarray(0, length)))
      .catch((cause) => {
        throw new LarderError('CACHE_DAMAGED', 'A content in the cache cannot be read', { sha256, piece: index, cause })
      })
    const expected = pieceDigests.subarray(index * 32, index * 32 + 32)
    if (!data || !(await writePiece({ data, fd: part.fd, position, expected }, hashes)))
      throw new LarderError('CACHE_DAMAGED', 'A content in the cache is damaged', { sha256, piece: index })
    await part.writingElsewhere(length)
  }
  const copyOn = async () => {
    // Shared, so that a worker borrows it and each piece finds it here again.
    const memory = Buffer.from(new SharedArrayBuffer(Math.min(plan.pieceBytes, plan.lengthBytes)))
    try {
      while (next < indices.length) await copyOne(indices[next++]!, memory)
    } finally {
      next = indices.length
    }
  }
  // All must have ended before the caller closes the file: another one could get its descriptor.
  const readers = Math.min(PIECES_AT_ONCE, indices.length)
  const ends = await Promise.allSettled(Array.from({ length: readers }, copyOn))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
