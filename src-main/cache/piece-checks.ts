import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { RecordSlots } from '../pieces/record-slots.ts'

// What every partial demands of its pieces and of the whole, wherever it keeps them.

/** @throws RECORD_INVALID for a piece that does not exist */
export function assertIsPiece(index: number, plan: PiecePlan): void {
  if (!(index >= 0 && index < plan.count))
    throw new LarderError('RECORD_INVALID', `Piece ${index} of ${plan.count}`, { piece: index })
}

/** @throws ORIGIN_PROTOCOL when the origin sent more or less than the piece has */
export function assertWholePiece(data: Uint8Array, index: number, plan: PiecePlan): void {
  const expected = pieceLength(plan, index)
  if (data.length !== expected)
    throw new LarderError('ORIGIN_PROTOCOL', `Piece ${index} has ${data.length} bytes instead of ${expected}`, {
      piece: index
    })
}

/** @throws RECORD_INVALID when a record just made is not about this piece */
export function assertRecordOf(record: PieceRecord, index: number, digest: Buffer): void {
  if (record.index !== index || !record.digest.equals(digest))
    throw new LarderError('RECORD_INVALID', `The record made for piece ${index} is not about it`)
}

export const pieceMissing = (index: number): LarderError =>
  new LarderError('NOT_FOUND', `Piece ${index} is not here`, { piece: index })
export const pieceGone = (index: number): LarderError =>
  new LarderError('CACHE_DAMAGED', `Piece ${index} is no longer on disk`, { piece: index })
export const partialClosed = (key: ContentKey): LarderError =>
  new LarderError('CANCELLED', 'This partial content is closed', { key })

/** Digests the whole must have: the one it was asked for with, and the one its key names. */
export function requiredDigests(key: ContentKey, expected: Sha256Hex | null): Sha256Hex[] {
  const named = key.startsWith('sha256:') ? (key.slice('sha256:'.length) as Sha256Hex) : null
  return [expected, named].filter((digest) => digest !== null)
}

/** Those of the pieces whose bytes on disk do not have their record's digest. */
export async function findDamaged(
  pieces: readonly number[],
  slots: RecordSlots,
  plan: PiecePlan,
  path: string,
  hashes: HashPool
): Promise<number[]> {
  const ranges = pieces.map((index) => ({ start: pieceStart(plan, index), length: pieceLength(plan, index) }))
  const digests = await hashes.digestRanges(path, ranges).catch((error) => {
    if (systemCode(error) === 'ENOENT') return pieces.map(() => null)
    throw error
  })
  return pieces.filter((index, at) => !digests[at]?.equals(slots.digest(index)))
}

export function bytesHad(have: Bitmap, plan: PiecePlan): number {
  const last = plan.count - 1
  return have.count * plan.pieceBytes - (have.has(last) ? plan.pieceBytes - pieceLength(plan, last) : 0)
}
