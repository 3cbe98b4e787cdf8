import { createHash } from 'node:crypto'
import { LarderError } from '../lib/errors.ts'
import { pieceLength, pieceStart } from '../pieces/plan.ts'
import type { ContentReader } from './cache.ts'

/** Reads one piece of a complete content and checks it once more. @throws CACHE_DAMAGED */
export async function readPiece(reader: ContentReader, index: number): Promise<Buffer> {
  const { plan, sha256, pieceDigests } = reader
  const piece = await reader.read(pieceStart(plan, index), pieceLength(plan, index))
  assertDigest(piece, pieceDigests.subarray(index * 32, index * 32 + 32), { sha256, piece: index })
  return piece
}

/** @throws CACHE_DAMAGED naming `facts` */
export function assertDigest(bytes: Uint8Array, digest: Uint8Array, facts: Record<string, unknown>): void {
  if (!createHash('sha256').update(bytes).digest().equals(digest))
    throw new LarderError('CACHE_DAMAGED', 'The cached file is damaged', facts)
}
