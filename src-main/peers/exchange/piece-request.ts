import { z } from 'zod'
import { SiteContentKey } from '../../contract/hub-messages.ts'
import { ContentKey } from '../../contract/ids.ts'
import { MAX_PIECES } from '../../contract/peer-messages.ts'
import { pieceLength, type PiecePlan } from '../../pieces/plan.ts'
import { RECORD_BYTES } from '../../pieces/record.ts'

/** A run of pieces of one content. */
export interface PieceRun {
  readonly first: number
  readonly count: number
}

export const PIECES_TYPE = 'application/vnd.larder.pieces'
export const RETRY_AFTER_HEADER = 'retry-after-ms'

const shape = /^\/v1\/pieces\/((?:sha256|version):[0-9a-f]{64})\?first=(\d{1,5})&count=(\d{1,5})$/

/** What is kept for others is below this path. */
export const DEPOSIT_PREFIX = '/v1/deposit/'
const depositShape = /^\/v1\/deposit\/(site:[0-9a-f]{64})\?first=(\d{1,5})&count=(\d{1,5})$/

const Run = z.object({
  key: ContentKey,
  first: z.coerce.number().max(MAX_PIECES - 1),
  count: z.coerce.number().min(1).max(MAX_PIECES)
})

const SiteRun = Run.extend({ key: SiteContentKey })

/** `GET /v1/pieces/<key>?first=N&count=M` */
export function piecesPath(key: ContentKey, { first, count }: PieceRun): string {
  return `/v1/pieces/${key}?first=${first}&count=${count}`
}

/** @returns undefined for anything but what {@link piecesPath} writes */
export function parsePiecesPath(path: string): (PieceRun & { readonly key: ContentKey }) | undefined {
  const match = shape.exec(path)
  return match ? Run.safeParse({ key: match[1], first: match[2], count: match[3] }).data : undefined
}

/** `GET` or `PUT /v1/deposit/<site key>?first=N&count=M` */
export function depositPath(name: ContentKey, { first, count }: PieceRun): string {
  return `/v1/deposit/${name}?first=${first}&count=${count}`
}

/** @returns undefined for anything but what {@link depositPath} writes; else the key is a site key */
export function parseDepositPath(path: string): (PieceRun & { readonly key: ContentKey }) | undefined {
  const match = depositShape.exec(path)
  return match ? SiteRun.safeParse({ key: match[1], first: match[2], count: match[3] }).data : undefined
}

/** Bytes of a body with this run: records and pieces. */
export function runBytes(plan: PiecePlan, { first, count }: PieceRun): number {
  return count * RECORD_BYTES + (count - 1) * plan.pieceBytes + pieceLength(plan, first + count - 1)
}
