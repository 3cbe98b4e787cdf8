import { z } from 'zod'
import { ContentKey } from '../../contract/ids.ts'
import { MAX_PIECES } from '../../contract/peer-messages.ts'

/** A run of pieces of one content. */
export interface PieceRun {
  readonly first: number
  readonly count: number
}

export const PIECES_TYPE = 'application/vnd.larder.pieces'
export const RETRY_AFTER_HEADER = 'retry-after-ms'

const shape = /^\/v1\/pieces\/((?:sha256|version):[0-9a-f]{64})\?first=(\d{1,5})&count=(\d{1,5})$/

const Run = z.object({
  key: ContentKey,
  first: z.coerce.number().max(MAX_PIECES - 1),
  count: z.coerce.number().min(1).max(MAX_PIECES)
})

/** `GET /v1/pieces/<key>?first=N&count=M` */
export function piecesPath(key: ContentKey, { first, count }: PieceRun): string {
  return `/v1/pieces/${key}?first=${first}&count=${count}`
}

/** @returns undefined for anything but what {@link piecesPath} writes */
export function parsePiecesPath(path: string): (PieceRun & { readonly key: ContentKey }) | undefined {
  const match = shape.exec(path)
  return match ? Run.safeParse({ key: match[1], first: match[2], count: match[3] }).data : undefined
}
