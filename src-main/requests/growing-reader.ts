// Why it is like this: docs/decisions/0025-streams-of-growing-contents.md
import type { Cache, ContentReader } from '../cache/cache.ts'
import { assertDigest, readPiece } from '../cache/read-piece.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { pieceStart, type PiecePlan } from '../pieces/plan.ts'
import type { PieceSupply, Supply } from '../transfers/supply.ts'

/** Bytes `[start, end)` of a content. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

/**
 * Yields a span of a content in order, each piece as soon as it is verified, also while the content is still coming in. One
 * piece is in memory at a time, and only when it is asked for, so a slow reader costs nothing.
 *
 * The last piece of the content is given away only when the whole is verified, and what was given away before is compared
 * with the whole then: a reader that reached the end has the right bytes.
 *
 * @throws the transfer's error, the signal's reason, CACHE_DAMAGED, PIECE_DIGEST_MISMATCH (pieces already given away turned out to be wrong)
 */
export async function* readSpan(
  supply: Supply,
  cache: Pick<Cache, 'open'>,
  span: ByteSpan,
  signal: AbortSignal
): AsyncGenerator<Buffer> {
  if (span.end <= span.start) return
  if (supply.from === 'cache') {
    const reader = await openReader(cache, supply.sha256)
    try {
      yield* piecesOf(reader, span, pieceOf(reader.plan, span.start), signal)
    } finally {
      await reader.close()
    }
    return
  }
  yield* follow(supply.transfer, cache, span, signal)
}

async function* follow(
  transfer: PieceSupply,
  cache: Pick<Cache, 'open'>,
  span: ByteSpan,
  signal: AbortSignal
): AsyncGenerator<Buffer> {
  const { plan } = transfer
  // Opened in the moment the content is complete, before anything could evict it.
  let complete: Promise<ContentReader> | undefined
  const completed = (sha256: Sha256Hex) => {
    complete ??= openReader(cache, sha256)
    complete.catch(() => {})
  }
  const onDone = (content: { sha256: Sha256Hex }) => completed(content.sha256)
  transfer.once('done', onDone)
  if (transfer.content) completed(transfer.content.sha256)
  const given: { readonly index: number; readonly digest: Buffer }[] = []
  const finalIndex = plan.count - 1
  try {
    for (let index = pieceOf(plan, span.start); index <= pieceOf(plan, span.end - 1); index++) {
      if (complete === undefined)
        await until(transfer, () => complete !== undefined || (index < finalIndex && transfer.has(index)), signal)
      if (complete !== undefined) {
        const reader = await complete
        assertGiven(given, reader)
        yield* piecesOf(reader, span, index, signal)
        return
      }
      const { bytes, digest } = await transfer.read(index)
      assertDigest(bytes, digest, { piece: index })
      given.push({ index, digest })
      yield cut(plan, index, bytes, span)
    }
  } finally {
    transfer.off('done', onDone)
    await complete?.then((reader) => reader.close()).catch(() => {})
  }
}

async function* piecesOf(
  reader: ContentReader,
  span: ByteSpan,
  from: number,
  signal: AbortSignal
): AsyncGenerator<Buffer> {
  for (let index = from; index <= pieceOf(reader.plan, span.end - 1); index++) {
    signal.throwIfAborted()
    yield cut(reader.plan, index, await readPiece(reader, index), span)
  }
}

function assertGiven(given: readonly { index: number; digest: Buffer }[], { pieceDigests }: ContentReader): void {
  const wrong = given.find(({ index, digest }) => !digest.equals(pieceDigests.subarray(index * 32, index * 32 + 32)))
  if (wrong)
    throw new LarderError(
      'PIECE_DIGEST_MISMATCH',
      `Piece ${wrong.index} was given away before it turned out to be wrong`,
      { piece: wrong.index }
    )
}

async function openReader(cache: Pick<Cache, 'open'>, sha256: Sha256Hex): Promise<ContentReader> {
  const reader = await cache.open(sha256)
  if (!reader) throw new LarderError('CACHE_DAMAGED', 'The content left the cache before it was read', { sha256 })
  return reader
}

const pieceOf = (plan: PiecePlan, position: number): number => Math.floor(position / plan.pieceBytes)

function cut(plan: PiecePlan, index: number, bytes: Buffer, span: ByteSpan): Buffer {
  const at = pieceStart(plan, index)
  return bytes.subarray(Math.max(0, span.start - at), Math.min(bytes.length, span.end - at))
}

/** Settles when `condition` holds after a change of the transfer; rejects when it fails or the signal says so. */
function until(transfer: PieceSupply, condition: () => boolean, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason as Error)
  if (condition()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      transfer.off('changed', look)
      transfer.off('done', look)
      transfer.off('failed', fail)
      signal.removeEventListener('abort', abort)
      end()
    }
    const look = () => condition() && settle(resolve)
    const fail = (error: LarderError) => settle(() => reject(error))
    const abort = () => settle(() => reject(signal.reason as Error))
    transfer.on('changed', look)
    transfer.on('done', look)
    transfer.on('failed', fail)
    signal.addEventListener('abort', abort, { once: true })
  })
}
