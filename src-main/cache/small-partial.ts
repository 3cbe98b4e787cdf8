// Why it is like this: docs/decisions/0006-small-contents-are-assembled-in-memory.md
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import type { Credential } from '../contract/peer-messages.ts'
import type { ContentKind } from '../contract/request.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { LarderError } from '../lib/errors.ts'
import { isSmall, pieceLength, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { CachedContent, PartialContent, StoredVersion } from './cache.ts'
import { packProvenance, type Checked } from './provenance.ts'
import type { PartialParts } from './partial-parts.ts'
import { MAX_CREDENTIALS } from './partial-files.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import {
  assertIsPiece,
  assertRecordOf,
  assertWholePiece,
  partialClosed,
  pieceGone,
  pieceMissing,
  requiredDigests
} from './piece-checks.ts'
import { randomName, readFully, removeFile } from './safe-files.ts'

/**
 * A content of one small piece, assembled in memory and written once, when it is complete. The files that let a large content
 * survive a crash cost a small one more than fetching it again: twenty file operations instead of seven.
 */
export class SmallPartial implements PartialContent {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly have = new Bitmap(1)
  readonly credentials = new Map<string, Credential>()
  readonly #parts: PartialParts
  #bytes: Buffer | undefined
  #record: PieceRecord | undefined
  #state: 'open' | 'completing' | 'ended' = 'open'
  #completing: Promise<CachedContent> | undefined
  /** Where the bytes lie once it is complete. */
  #movedTo: string | undefined

  constructor(key: ContentKey, plan: PiecePlan, parts: PartialParts) {
    if (plan.count !== 1 || !isSmall(plan))
      throw new RangeError(`${plan.lengthBytes} bytes in ${plan.count} pieces are not small`)
    this.key = key
    this.plan = plan
    this.#parts = parts
  }

  get haveBytes(): number {
    return this.#bytes?.length ?? 0
  }

  record(index: number): PieceRecord | undefined {
    return index === 0 ? this.#record : undefined
  }

  addCredential(credential: Credential, signer: string): void {
    if (this.credentials.has(signer) || this.credentials.size < MAX_CREDENTIALS)
      this.credentials.set(signer, credential)
  }

  async write(data: Uint8Array, record: PieceRecord, had?: () => void): Promise<boolean> {
    this.#check(record.index)
    if (this.#record) return true
    if (data.length !== this.plan.lengthBytes) return false
    const { digest } = await this.#parts.hashes.digest(data)
    if (!digest.equals(record.digest)) return false
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
    if (this.#record) return this.#record
    assertWholePiece(data, index, this.plan)
    const { digest } = await this.#parts.hashes.digest(data)
    const record = sign(digest)
    assertRecordOf(record, index, digest)
    this.#keep(data, record)
    had?.()
    return record
  }

  async read(index: number, into: Buffer = Buffer.allocUnsafeSlow(pieceLength(this.plan, index))): Promise<Buffer> {
    if (this.#bytes) {
      this.#bytes.copy(into)
      return into
    }
    if (!this.#movedTo) throw pieceMissing(index)
    const bytes = await this.#parts.files.use(this.#movedTo, 'r', (handle) => readFully(handle, 0, into))
    if (!bytes) throw pieceGone(index)
    return bytes
  }

  /** It is written in one go. */
  async copyTo(): Promise<undefined> {
    return undefined
  }

  async drop(indices: Iterable<number>): Promise<void> {
    for (const index of indices) {
      this.#check(index)
      this.#bytes = undefined
      this.#record = undefined
      this.have.delete(index)
    }
  }

  complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked: Checked = { verifiedBy: expected === null ? 'members' : 'digest', source: null }
  ): Promise<CachedContent> {
    return (this.#completing ??= this.#complete(expected, version, kind, checked).finally(
      () => (this.#completing = undefined)
    ))
  }

  async close(): Promise<void> {
    await this.#completing?.catch(() => {})
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#bytes = undefined
    this.#parts.onEnd(0)
  }

  discard(): Promise<void> {
    return this.close()
  }

  async #complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked: Checked
  ): Promise<CachedContent> {
    const bytes = this.#bytes
    const record = this.#record
    if (this.#state !== 'open') throw partialClosed(this.key)
    if (!bytes || !record) throw new LarderError('INTERNAL', 'The piece is not here')
    // The only piece is the whole.
    const sha256 = record.digest.toString('hex') as Sha256Hex
    const wrong = requiredDigests(this.key, expected).find((digest) => digest !== sha256)
    if (wrong) throw digestMismatch(wrong, sha256)
    this.#state = 'completing'
    const { room, store, layout } = this.#parts
    const source = join(layout.tmp, randomName())
    try {
      // With an ordinary mode, which a delivered copy keeps; the folder keeps others out.
      await room.run(bytes.length, () => writeFile(source, bytes))
      const content = await store.commit({
        source,
        sha256,
        plan: this.plan,
        pieceDigests: record.digest,
        kind,
        version,
        provenance: packProvenance(this.key, checked, [record], this.credentials)
      })
      this.#state = 'ended'
      this.#movedTo = layout.content(sha256)
      this.#bytes = undefined
      this.#parts.onEnd(0)
      this.#parts.onComplete(content)
      return content
    } finally {
      if (this.#state === 'completing') {
        this.#state = 'open'
        await removeFile(source, layout.dir).catch(() => 0)
      }
    }
  }

  /** A copy: the buffer may be lent out again by its owner. */
  #keep(data: Uint8Array, record: PieceRecord): void {
    if (this.#state !== 'open') throw partialClosed(this.key)
    this.#bytes = Buffer.from(data)
    this.#record = record
    this.have.add(0)
  }

  /** @throws CANCELLED once it is closed, RECORD_INVALID for a piece there is not */
  #check(index: number): void {
    if (this.#state !== 'open' && !this.#record) throw partialClosed(this.key)
    assertIsPiece(index, this.plan)
  }
}
