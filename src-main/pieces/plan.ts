import { MAX_PIECES } from '../contract/peer-messages.ts'

const MIB = 1024 * 1024

/** Contents up to this size are over before there is much to arrange: they are assembled in memory, and many run where few large ones do. */
export const SMALL_CONTENT_BYTES = 64 * 1024
/** So many small contents at a time count as one other. */
export const SMALL_PER_SLOT = 4

/** How a content is cut: equal pieces, the last one shorter. The same length gives the same plan everywhere. */
export interface PiecePlan {
  /** Bytes of the whole. */
  readonly lengthBytes: number
  /** Bytes of each piece but the last; a power of two, at least 1 MiB. */
  readonly pieceBytes: number
  /** 0 for an empty content. */
  readonly count: number
}

/** Cuts `lengthBytes` into pieces of 1 MiB, doubled until there are at most {@link MAX_PIECES}. */
export function planPieces(lengthBytes: number): PiecePlan {
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) throw new RangeError(`not a length: ${lengthBytes}`)
  let pieceBytes = MIB
  while (Math.ceil(lengthBytes / pieceBytes) > MAX_PIECES) pieceBytes *= 2
  return { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }
}

export function isSmall({ lengthBytes }: Pick<PiecePlan, 'lengthBytes'>): boolean {
  return lengthBytes <= SMALL_CONTENT_BYTES
}

/** First byte of piece `index`. */
export function pieceStart(plan: PiecePlan, index: number): number {
  return index * plan.pieceBytes
}

/** Bytes of piece `index`. */
export function pieceLength(plan: PiecePlan, index: number): number {
  if (index < 0 || index >= plan.count) throw new RangeError(`piece ${index} of ${plan.count}`)
  return Math.min(plan.pieceBytes, plan.lengthBytes - index * plan.pieceBytes)
}
