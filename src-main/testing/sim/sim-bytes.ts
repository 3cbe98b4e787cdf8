import { hash } from 'node:crypto'
import { ContentKey, type Sha256Hex } from '../../contract/ids.ts'
import { lone, PieceBuffers, type PieceBuffer } from '../../pieces/piece-buffers.ts'
import type { PiecePlan } from '../../pieces/plan.ts'

/** A content without bytes: what a piece is, is the digest it would have. */
export interface SimContent {
  readonly url: string
  readonly key: ContentKey
  readonly sha256: Sha256Hex
  readonly plan: PiecePlan
  /** SHA-256 of each piece. */
  readonly digests: readonly Buffer[]
}

export function simContent(name: string, plan: PiecePlan): SimContent {
  const sha256 = hash('sha256', `content ${name}`) as Sha256Hex
  return {
    url: `http://origin.test/${name}`,
    key: ContentKey.parse(`sha256:${sha256}`),
    sha256,
    plan,
    digests: Array.from({ length: plan.count }, (_, index) => hash('sha256', `piece ${index} of ${name}`, 'buffer'))
  }
}

/** Equal pieces, this many; a plan as the product's, but for the size of the pieces. */
export function cutInto(lengthBytes: number, count: number): PiecePlan {
  const pieceBytes = Math.ceil(lengthBytes / count)
  return { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }
}

/** What lies in a piece of memory: its digest, or that of something else. */
const digests = new WeakMap<Buffer, Buffer>()

/** The memory holds the bytes of this digest from now on. */
export function fill(memory: Buffer, digest: Buffer): Buffer {
  digests.set(memory, digest)
  return memory
}

export function digestIn(memory: Uint8Array): Buffer | undefined {
  return digests.get(memory as Buffer)
}

/** Of bytes that are not what they should be. */
export function damaged(digest: Buffer): Buffer {
  const other = Buffer.from(digest)
  other[0]! ^= 0xff
  return other
}

let memory = new ArrayBuffer(0)

/** Memory as long as asked for, all of it the same: nobody reads or writes bytes here. */
export function view(lengthBytes: number): Buffer {
  if (memory.byteLength < lengthBytes) memory = new ArrayBuffer(lengthBytes)
  return Buffer.from(memory, 0, lengthBytes)
}

/** Loans of memory that is not there. */
export class NoPieceBuffers extends PieceBuffers {
  override take(lengthBytes: number): PieceBuffer {
    return lone(view(lengthBytes))
  }
}
