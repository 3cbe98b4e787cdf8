import type {
  CachedContent,
  ContentReader,
  GrowingCopy,
  KeyProvenance,
  PartialContent,
  StoredVersion
} from '../../cache/cache.ts'
import { partialClosed, pieceMissing } from '../../cache/piece-checks.ts'
import type { Checked } from '../../cache/provenance.ts'
import type { ContentKey, Sha256Hex } from '../../contract/ids.ts'
import type { Credential } from '../../contract/peer-messages.ts'
import type { ContentKind } from '../../contract/request.ts'
import { Bitmap } from '../../lib/bitmap.ts'
import type { Clock } from '../../lib/clock.ts'
import { digestMismatch } from '../../lib/digest-mismatch.ts'
import { LarderError } from '../../lib/errors.ts'
import { pieceLength, type PiecePlan } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import { CacheDouble } from '../cache/cache-double.ts'
import { digestIn, fill, view, type SimContent } from './sim-bytes.ts'

/** What a disk is like; a fault changes it. */
export interface SimDisk {
  bytesPerSecond: number
  isFull: boolean
}

type Kept = Map<number, PieceRecord>

/** A cache that keeps records and no bytes. */
export class SimCache extends CacheDouble {
  readonly #clock: Clock
  readonly #disk: SimDisk
  readonly #contentOf: (key: ContentKey) => SimContent
  readonly #done = new Map<ContentKey, { content: CachedContent; checked: Checked; of: SimContent }>()
  readonly #resting = new Map<ContentKey, Kept>()
  readonly #open = new Set<ContentKey>()

  constructor(clock: Clock, disk: SimDisk, contentOf: (key: ContentKey) => SimContent) {
    super()
    this.#clock = clock
    this.#disk = disk
    this.#contentOf = contentOf
  }

  override findByKey(key: ContentKey): CachedContent | undefined {
    return this.#done.get(key)?.content
  }

  override find(sha256: Sha256Hex): CachedContent | undefined {
    return this.findByKey(`sha256:${sha256}` as ContentKey)
  }

  override provenance(key: ContentKey): KeyProvenance | undefined {
    const done = this.#done.get(key)
    return done && { ...done.checked, signers: null }
  }

  override async open(sha256: Sha256Hex): Promise<ContentReader | undefined> {
    const done = this.#done.get(`sha256:${sha256}` as ContentKey)
    if (!done) return undefined
    const { plan, digests } = done.of
    return {
      sha256,
      plan,
      pieceDigests: Buffer.concat(digests),
      provenances: [],
      read: async (start, length, into) => fill(into ?? view(length), digests[Math.floor(start / plan.pieceBytes)]!),
      close: async () => {}
    }
  }

  override noteServed(): void {}

  /** It is here, as from an earlier download. */
  holdAll(content: SimContent): void {
    this.#keep(content, { verifiedBy: 'digest', source: null })
  }

  override async openPartial(key: ContentKey, plan: PiecePlan): Promise<PartialContent> {
    if (this.#disk.isFull) throw new LarderError('DISK_FULL', 'The simulated disk is full')
    if (this.#open.has(key)) throw new LarderError('INTERNAL', 'This content is being assembled already')
    this.#open.add(key)
    const of = this.#contentOf(key)
    const kept = this.#resting.get(key) ?? new Map()
    return new SimPartial(key, plan, kept, {
      digest: (index) => of.digests[index]!,
      store: (bytes) => this.#store(bytes),
      complete: (expected, checked) => {
        const wrong = [...kept.values()].find(({ index, digest }) => !digest.equals(of.digests[index]!))
        if (wrong) throw digestMismatch(expected ?? of.sha256, of.sha256)
        return this.#keep(of, checked ?? { verifiedBy: 'digest', source: null })
      },
      ended: (left) => {
        this.#open.delete(key)
        this.#resting.set(key, left)
      }
    })
  }

  #keep(of: SimContent, checked: Checked): CachedContent {
    const content = { sha256: of.sha256, plan: of.plan, createdAt: this.#clock.wallMs() }
    this.#done.set(of.key, { content, checked, of })
    return content
  }

  /** Until so many bytes are hashed and written. */
  async #store(bytes: number): Promise<void> {
    if (this.#disk.isFull) throw new LarderError('DISK_FULL', 'The simulated disk is full')
    const ms = (bytes / this.#disk.bytesPerSecond) * 1000
    if (ms > 0) await new Promise<void>((resolve) => void this.#clock.after(ms, resolve))
  }
}

interface PartialWorld {
  /** Of the bytes that the origin gave. */
  digest(index: number): Buffer
  store(bytes: number): Promise<void>
  /** @throws DIGEST_MISMATCH */
  complete(expected: Sha256Hex | null, checked: Checked | undefined): CachedContent
  ended(left: Kept): void
}

class SimPartial implements PartialContent {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly have: Bitmap
  readonly credentials = new Map<string, Credential>()
  readonly #kept: Kept
  readonly #world: PartialWorld
  #open = true

  constructor(key: ContentKey, plan: PiecePlan, kept: Kept, world: PartialWorld) {
    this.key = key
    this.plan = plan
    this.have = new Bitmap(plan.count)
    this.#kept = kept
    this.#world = world
    for (const index of kept.keys()) this.have.add(index)
  }

  record(index: number): PieceRecord | undefined {
    return this.#kept.get(index)
  }

  addCredential(credential: Credential, signer: string): void {
    this.credentials.set(signer, credential)
  }

  async write(data: Uint8Array, record: PieceRecord, had?: () => void): Promise<boolean> {
    if (this.#kept.has(record.index)) return true
    if (digestIn(data)?.equals(record.digest) !== true) return false
    await this.#world.store(pieceLength(this.plan, record.index))
    this.#keep(record)
    had?.()
    return true
  }

  async writeFromOrigin(
    data: Uint8Array,
    index: number,
    sign: (digest: Buffer) => PieceRecord,
    had?: () => void
  ): Promise<PieceRecord> {
    await this.#world.store(data.length)
    const known = this.#kept.get(index)
    if (known) return known
    const record = sign(this.#world.digest(index))
    this.#keep(record)
    had?.()
    return record
  }

  async read(index: number, into?: Buffer): Promise<Buffer> {
    const record = this.#kept.get(index)
    if (!record) throw pieceMissing(index)
    return fill(into ?? view(pieceLength(this.plan, index)), record.digest)
  }

  async copyTo(): Promise<GrowingCopy | undefined> {
    return undefined
  }

  async drop(indices: Iterable<number>): Promise<void> {
    for (const index of indices) {
      this.#kept.delete(index)
      this.have.delete(index)
    }
  }

  async complete(
    expected: Sha256Hex | null,
    _version: StoredVersion | null,
    _kind: ContentKind,
    checked?: Checked
  ): Promise<CachedContent> {
    if (!this.#open) throw partialClosed(this.key)
    const content = this.#world.complete(expected, checked)
    this.#end(new Map())
    return content
  }

  async close(): Promise<void> {
    this.#end(this.#kept)
  }

  async discard(): Promise<void> {
    this.#end(new Map())
  }

  #keep(record: PieceRecord): void {
    if (!this.#open) throw partialClosed(this.key)
    this.#kept.set(record.index, record)
    this.have.add(record.index)
  }

  #end(left: Kept): void {
    if (!this.#open) return
    this.#open = false
    this.#world.ended(left)
  }
}
