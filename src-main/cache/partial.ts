import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import type { Credential } from '../contract/peer-messages.ts'
import type { ContentKind } from '../contract/request.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { pieceLength, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { CachedContent, PartialContent, StoredVersion } from './cache.ts'
import { packProvenance, type Checked } from './provenance.ts'
import type { DiskCopy } from './growing-copy.ts'
import { GrowingCopies } from './growing-copies.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { PartialPaths } from './layout.ts'
import type { PartialParts } from './partial-parts.ts'
import { MAX_CREDENTIALS, removePartialFiles, writeDescription } from './partial-files.ts'
import {
  assertIsPiece,
  assertRecordOf,
  assertWholePiece,
  bytesHad,
  partialClosed,
  pieceGone,
  pieceMissing
} from './piece-checks.ts'
import { PieceFiles } from './piece-files.ts'
import type { RecordSlots } from '../pieces/record-slots.ts'
import { digestOfWhole } from './digest-of-whole.ts'
import { WholeDigest } from './whole-digest.ts'
import { WriteBack } from './write-back.ts'

/**
 *     open ──► completing ──► ended
 *       │          └──► open     (the digest is not the expected one)
 *       └──► ended
 */
type State = 'open' | 'completing' | 'ended'

/** A partial on disk. Each piece: bytes → its slot → the map in memory. */
export class DiskPartial implements PartialContent {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly #paths: PartialPaths
  readonly #parts: PartialParts
  readonly #slots: RecordSlots
  readonly #credentials: Map<string, Credential>
  readonly #whole: WholeDigest
  readonly #files: PieceFiles
  readonly #writeBack: WriteBack
  readonly #queue = new KeyedQueue<number | 'description'>()
  /** Pieces taken over from a clean end at the word of the map; nobody has hashed them in this run. */
  readonly #unproven: number[]
  #state: State = 'open'
  readonly #copies: GrowingCopies
  #completing: Promise<CachedContent> | undefined
  #ending: Promise<void> | undefined
  /** Where the bytes lie once they are (being) completed. */
  #movedTo: string | undefined
  #describing = false

  constructor(init: {
    key: ContentKey
    plan: PiecePlan
    paths: PartialPaths
    slots: RecordSlots
    credentials: Map<string, Credential>
    unproven: number[]
    parts: PartialParts
  }) {
    this.key = init.key
    this.plan = init.plan
    this.#paths = init.paths
    this.#slots = init.slots
    this.#credentials = init.credentials
    this.#unproven = init.unproven
    this.#parts = init.parts
    this.#writeBack = new WriteBack(init.parts.files, init.paths.part)
    this.#whole = new WholeDigest(init.parts.hashes, init.paths.part, init.plan, init.slots.have)
    this.#copies = new GrowingCopies(this, init.paths.part, init.parts)
    this.#files = new PieceFiles(init.plan, init.paths, init.parts, () => this.#copies.discard())
  }

  get have(): Bitmap {
    return this.#slots.have
  }
  get credentials(): ReadonlyMap<string, Credential> {
    return this.#credentials
  }
  get haveBytes(): number {
    return bytesHad(this.have, this.plan)
  }

  record(index: number): PieceRecord | undefined {
    return this.#slots.record(index)
  }

  addCredential(credential: Credential, signer: string): void {
    const known = this.#credentials.get(signer)
    if (this.#state !== 'open' || (known?.spki === credential.spki && known.proof === credential.proof)) return
    if (!known && this.#credentials.size >= MAX_CREDENTIALS) return
    this.#credentials.set(signer, credential)
    if (this.#describing) return
    this.#describing = true
    void this.#queue
      .run('description', async () => {
        await Promise.resolve()
        this.#describing = false
        await this.#describe({ clean: false, durable: false })
      })
      .catch(() => {
        // Kept in memory; written again at close.
      })
  }

  async write(data: Uint8Array, record: PieceRecord, had?: () => void): Promise<boolean> {
    if (this.have.has(record.index) && (this.#state !== 'ended' || this.#movedTo)) return true
    return this.#piece(record.index, async () => {
      if (this.have.has(record.index)) return true
      if (data.length !== pieceLength(this.plan, record.index)) return false
      const { written, bytes } = await this.#files.put(data, record.index, record)
      if (written) await this.#had(record, bytes, had)
      return written
    })
  }

  writeFromOrigin(
    data: Uint8Array,
    index: number,
    sign: (digest: Buffer) => PieceRecord,
    had?: () => void
  ): Promise<PieceRecord> {
    return this.#piece(index, async () => {
      const known = this.record(index)
      if (known) return known
      assertWholePiece(data, index, this.plan)
      const { digest, bytes } = await this.#files.put(data, index)
      const record = sign(digest)
      assertRecordOf(record, index, digest)
      await this.#files.keepRecord(record)
      await this.#had(record, bytes, had)
      return record
    })
  }

  async read(index: number, into: Buffer = Buffer.allocUnsafeSlow(pieceLength(this.plan, index))): Promise<Buffer> {
    if (!this.have.has(index)) throw pieceMissing(index)
    if (this.#state === 'ended' && !this.#movedTo) this.#assertOpen()
    const bytes = await this.#files.read(index, into).catch((error) => {
      if (systemCode(error) === 'ENOENT' && this.#movedTo) return this.#files.read(index, into, this.#movedTo)
      throw error
    })
    if (bytes) return bytes
    if (this.#state === 'open') await this.drop([index])
    throw pieceGone(index)
  }

  async copyTo(destination: string, options: { overwrite: boolean }): Promise<DiskCopy | undefined> {
    return this.#state === 'open' ? this.#copies.begin(destination, options) : undefined
  }

  drop(indices: Iterable<number>): Promise<void> {
    return this.#forget(indices, (index, work) => this.#piece(index, work))
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

  close(): Promise<void> {
    return (this.#ending ??= this.#end(async () => {
      if (this.have.count === 0) return 0
      await this.#writeBack.finish()
      await this.#files.syncRecords()
      await this.#describe({ clean: true, durable: true })
      return this.have.count
    }))
  }

  discard(): Promise<void> {
    return (this.#ending ??= this.#end(async () => 0))
  }

  async #end(save: () => Promise<number>): Promise<void> {
    await this.#completing?.catch(() => {})
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#whole.close()
    await this.#queue.idle()
    let pieces = this.have.count
    try {
      pieces = await save()
    } finally {
      await this.#files.release()
      if (pieces === 0) await removePartialFiles(this.#paths, this.#parts.layout).catch(() => 0)
      this.#parts.onEnd(pieces)
    }
  }

  async #complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked: Checked
  ): Promise<CachedContent> {
    this.#assertOpen()
    this.#state = 'completing'
    try {
      await this.#queue.idle()
      const { room, store, layout } = this.#parts
      const { part } = this.#paths
      const sha256 = await this.#digestWhole(expected)
      await room.run(0, () => this.#writeBack.finish())
      await this.#files.release()
      this.#movedTo = layout.content(sha256)
      const content = await store.commit({
        source: part,
        sha256,
        plan: this.plan,
        pieceDigests: this.#slots.digests(),
        kind,
        version,
        provenance: packProvenance(
          this.key,
          checked,
          [...this.have].map((index) => this.record(index)!),
          this.#credentials
        )
      })
      this.#state = 'ended'
      this.#whole.close()
      await this.#files.release()
      // The content is safe; what is left of the partial here is swept at the next open.
      await removePartialFiles(this.#paths, layout).catch(() => 0)
      this.#parts.onEnd(0)
      this.#parts.onComplete(content)
      return content
    } finally {
      if (this.#state === 'completing') {
        this.#state = 'open'
        this.#movedTo = undefined
      }
    }
  }

  async #digestWhole(expected: Sha256Hex | null): Promise<Sha256Hex> {
    if (!this.have.complete)
      throw new LarderError('INTERNAL', `Only ${this.have.count} of ${this.plan.count} pieces are here`)
    // The digest of a lone piece that was hashed in this run is that of the whole.
    const lone = this.plan.count === 1 && this.#unproven.length === 0
    return digestOfWhole(lone ? Promise.resolve(this.#slots.digests()) : this.#whole.finish(), {
      key: this.key,
      expected,
      unproven: this.#unproven,
      slots: this.#slots,
      plan: this.plan,
      path: this.#paths.part,
      hashes: this.#parts.hashes,
      forget: (pieces) => this.#forget(pieces, (_, work) => work())
    })
  }

  async #forget(
    indices: Iterable<number>,
    alone: (index: number, work: () => Promise<void>) => Promise<void>
  ): Promise<void> {
    const forget = (index: number) => async () => {
      if (!this.have.has(index)) return
      await this.#files.emptySlot(index)
      this.#slots.delete(index)
      this.#whole.dropped(index)
    }
    await Promise.all(Array.from(new Set(indices), (index) => alone(index, forget(index))))
  }

  /** The piece and its record are on disk. Its memory is in use until this ends. */
  async #had(record: PieceRecord, data: Uint8Array, told?: () => void): Promise<void> {
    this.#slots.add(record)
    told?.()
    this.#writeBack.written(data.length)
    await Promise.all([this.#whole.added(record.index, data), this.#copies.offer(record.index, record.digest, data)])
  }

  #describe({ clean, durable }: { clean: boolean; durable: boolean }): Promise<void> {
    const { key, plan } = this
    const description = {
      v: 1 as const,
      key,
      lengthBytes: plan.lengthBytes,
      pieceBytes: plan.pieceBytes,
      clean,
      credentials: [...this.#credentials]
    }
    return writeDescription(this.#paths.json, description, this.#parts.layout, { durable, clock: this.#parts.clock })
  }

  /** One thing at a time per piece. @throws RECORD_INVALID for a piece that does not exist */
  async #piece<T>(index: number, work: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    assertIsPiece(index, this.plan)
    return this.#queue.run(index, work)
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw partialClosed(this.key)
  }
}
