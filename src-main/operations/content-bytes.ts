import type { Cache } from '../cache/cache.ts'
import { readPiece } from '../cache/read-piece.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'

/** Bytes of one content on their way to a program. */
export interface ContentBytes {
  readonly sha256: Sha256Hex
  readonly lengthBytes: number
  /** Piece by piece, each verified before it is yielded. @throws CACHE_DAMAGED */
  pieces(): AsyncGenerator<Buffer>
  /** Lets the cache evict it again. */
  close(): Promise<void>
}

/**
 * Opens the bytes of a finished request in the cache.
 * @throws BUSY while it runs, the request's own error when it failed, NOT_FOUND when the cache has it no more
 */
export async function openContentBytes(view: RequestView, cache: Cache): Promise<ContentBytes> {
  if (view.error) throw LarderError.fromView(view.error)
  if (view.state === 'cancelled') throw new LarderError('CANCELLED', 'The request was cancelled')
  if (view.state !== 'done') throw new LarderError('BUSY', 'The request is not finished yet', { state: view.state })
  const reader = view.sha256 === null ? undefined : await cache.open(view.sha256)
  if (!reader) throw new LarderError('NOT_FOUND', 'The cache does not keep the content of this request')
  const { plan, sha256 } = reader
  return {
    sha256,
    lengthBytes: plan.lengthBytes,
    async *pieces() {
      for (let index = 0; index < plan.count; index++) yield await readPiece(reader, index)
    },
    close: () => reader.close()
  }
}
