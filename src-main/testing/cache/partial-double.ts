import { createHash } from 'node:crypto'
import type { CachedContent, GrowingCopy, PartialContent, StoredVersion } from '../../cache/cache.ts'
import {
  assertIsPiece,
  assertRecordOf,
  assertWholePiece,
  partialClosed,
  pieceMissing,
  requiredDigests
} from '../../cache/piece-checks.ts'
import type { ContentKey, Sha256Hex } from '../../contract/ids.ts'
import type { Credential } from '../../contract/peer-messages.ts'
import type { ContentKind } from '../../contract/request.ts'
import { Bitmap } from '../../lib/bitmap.ts'
import { digestMismatch } from '../../lib/digest-mismatch.ts'
import { LarderError } from '../../lib/errors.ts'
import { pieceLength, type PiecePlan } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'

/** Pieces by their number, as they rest between two openings. */
export type KeptPieces = Map<number, { readonly data: Buffer; readonly record: PieceRecord }>

/** A content being assembled in memory. */
export class PartialDouble implements PartialContent {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly have: Bitmap
  readonly credentials = new Map<string, Credential>()
  readonly #pieces: KeptPieces
  readonly #commit: (bytes: Buffer, version: StoredVersion | null, kind: ContentKind) => CachedContent
  readonly #ended: (pieces: KeptPieces) => void
  #open = true

  constructor(
    key: ContentKey,
    plan: PiecePlan,
    parts: {
      readonly pieces: KeptPieces
      commit(bytes: Buffer, version: StoredVersion | null, kind: ContentKind): CachedContent
      /** What stays for the next time. */
      ended(pieces: KeptPieces): void
    }
  ) {
    this.key = key
    this.plan = plan
    this.have = new Bitmap(plan.count)
    this.#pieces = parts.pieces
    this.#commit = (...args) => parts.commit(...args)
    this.#ended = (pieces) => parts.ended(pieces)
    for (const index of parts.pieces.keys()) this.have.add(index)
  }

  get haveBytes(): number {
    return [...this.#pieces.values()].reduce((sum, { data }) => sum + data.length, 0)
  }

  record(index: number): PieceRecord | undefined {
    return this.#pieces.get(index)?.record
  }

  addCredential(credential: Credential, signer: string): void {
    this.credentials.set(signer, credential)
  }

  async write(data: Uint8Array, record: PieceRecord, had?: () => void): Promise<boolean> {
    this.#check(record.index)
    if (this.#pieces.has(record.index)) return true
    if (data.length !== pieceLength(this.plan, record.index) || !sha256Of(data).equals(record.digest)) return false
    this.#keep(data, record)
    had?.()
    return true
  }

  async writeFromOrigin(
    data: Uint8Array,
    index: number,
    sign: (digest: Buffer) => PieceRecord,
    had?: () => void
  ): Promise<PieceRecord> {
    this.#check(index)
    const known = this.#pieces.get(index)
    if (known) return known.record
    assertWholePiece(data, index, this.plan)
    const digest = sha256Of(data)
    const record = sign(digest)
    assertRecordOf(record, index, digest)
    this.#keep(data, record)
    had?.()
    return record
  }

  async read(index: number, into?: Buffer): Promise<Buffer> {
    const piece = this.#pieces.get(index)
    if (!piece) throw pieceMissing(index)
    if (!into) return Buffer.from(piece.data)
    piece.data.copy(into)
    return into
  }

  async copyTo(): Promise<GrowingCopy> {
    return { discard: async () => {} }
  }

  async drop(indices: Iterable<number>): Promise<void> {
    for (const index of indices) {
      this.#check(index)
      this.#pieces.delete(index)
      this.have.delete(index)
    }
  }

  async complete(expected: Sha256Hex | null, version: StoredVersion | null, kind: ContentKind): Promise<CachedContent> {
    if (!this.#open) throw partialClosed(this.key)
    const pieces = Array.from({ length: this.plan.count }, (_, index) => this.#pieces.get(index)?.data)
    if (pieces.includes(undefined)) throw new LarderError('INTERNAL', 'A piece is not here')
    const bytes = Buffer.concat(pieces as Buffer[])
    const actual = sha256Of(bytes).toString('hex') as Sha256Hex
    const wrong = requiredDigests(this.key, expected).find((digest) => digest !== actual)
    if (wrong) throw digestMismatch(wrong, actual)
    this.#end(new Map())
    return this.#commit(bytes, version, kind)
  }

  async close(): Promise<void> {
    this.#end(this.#pieces)
  }

  async discard(): Promise<void> {
    this.#end(new Map())
  }

  #end(left: KeptPieces): void {
    if (!this.#open) return
    this.#open = false
    this.#ended(left)
  }

  #keep(data: Uint8Array, record: PieceRecord): void {
    this.#pieces.set(record.index, { data: Buffer.from(data), record })
    this.have.add(record.index)
  }

  #check(index: number): void {
    if (!this.#open) throw partialClosed(this.key)
    assertIsPiece(index, this.plan)
  }
}

const sha256Of = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest()
