// Why it is like this: docs/decisions/0066-small-contents-are-proved-not-flushed.md
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { ContentKind } from '../contract/request.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { digestHere } from '../pieces/hash-here.ts'
import { SHORT_FILE } from '../pieces/hash-messages.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { isSmall, pieceLength, pieceStart, planPieces, type PiecePlan } from '../pieces/plan.ts'
import type { CachedContent, StoredVersion } from './cache.ts'
import { ContentUsers } from './content-users.ts'
import type { DiskRoom } from './disk-room.ts'
import { lookAt, type FileStamp } from './file-stamp.ts'
import type { IndexDb } from './index-db.ts'
import type { ContentRow } from './index-rows.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Layout } from './layout.ts'
import type { OpenFiles } from './open-files.ts'
import { renamePatiently, syncFolder } from '../placing/rename.ts'
import { makeFolderFor, randomName, readFully, removeFile, removeFiles, replaceFile } from './safe-files.ts'
import { withProvenance, type Provenance } from './provenance.ts'
import { decodeSidecar, encodeSidecar, MAX_SIDECAR_BYTES, withVersion, type Sidecar } from './sidecar.ts'

/** A content is hashed whole in steps of this size; between them it can be broken off. */
const HASH_STEP_BYTES = 32 * 1024 * 1024
/** Contents whose pieces hashed in this run are remembered, the newest. */
const MOST_SEEN = 4096
const MOST_SIDECARS = 256
/** Codes of errors that mean the file is not what it should be. */
const DAMAGE = ['ENOENT', 'ELOOP', 'EIO', SHORT_FILE, 'CACHE_DAMAGED']

export interface StoreParts {
  readonly layout: Layout
  readonly index: IndexDb
  readonly files: OpenFiles
  readonly hashes: HashPool
  readonly room: DiskRoom
  readonly clock: Clock
  /** Aborted when the cache closes: no content is hashed any further. */
  readonly ending: AbortSignal
  onQuarantined(sha256: Sha256Hex, reason: string): void
}

/** A file that becomes a complete content. Its bytes are verified and, unless the content is small, flushed. */
export interface Completed {
  readonly source: string
  readonly sha256: Sha256Hex
  readonly plan: PiecePlan
  readonly pieceDigests: Buffer
  readonly kind: ContentKind
  readonly version: StoredVersion | null
  /** Null: nothing is known of how it came. */
  readonly provenance: Provenance | null
}

/**
 * The complete contents: files, sidecars and rows of the index, kept in step.
 *
 * Order of a commit: sidecar (durable) → rename of the bytes (durable) → index. A crash leaves a sidecar without bytes
 * (swept), or bytes with their sidecar but without a row (taken in at the next open); never a row without bytes that were
 * there before, and never bytes under a name that are not flushed.
 *
 * Nothing of a small content is flushed. Its row has no stamp, so that each run hashes it once before it gives it away.
 */
export class ContentStore {
  readonly users: ContentUsers
  readonly #parts: StoreParts
  readonly #queue = new KeyedQueue<Sha256Hex>()
  /** Pieces whose bytes on disk were hashed in this run: bit rot shows up at the first read, and each piece costs one hash. */
  readonly #seen = new Map<Sha256Hex, Bitmap>()
  /** Stamps of small contents that were written or hashed in this run, the newest. */
  readonly #stamps = new Map<Sha256Hex, FileStamp>()
  /** Sidecars of small contents as they were written last, the newest: most are used at once. */
  readonly #sidecars = new Map<Sha256Hex, Sidecar>()

  constructor(parts: StoreParts) {
    this.#parts = parts
    this.users = new ContentUsers(parts.clock)
  }

  /** Waits for what is being written. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  /** Makes the file a complete content; the file is moved. @throws DISK_FULL, CACHE_UNUSABLE */
  commit(completed: Completed): Promise<CachedContent> {
    const { sha256 } = completed
    return this.users.using(sha256, () => this.#alone(sha256, () => this.#commitNow(completed)))
  }

  /** The sidecar as it lies on disk; undefined when it is missing or damaged. */
  async readSidecar(sha256: Sha256Hex): Promise<Sidecar | undefined> {
    const path = this.#parts.layout.sidecar(sha256)
    try {
      if ((await stat(path)).size > MAX_SIDECAR_BYTES) return undefined
      return decodeSidecar(await readFile(path, 'utf8'), sha256)
    } catch {
      return undefined
    }
  }

  /** Changes the sidecar after what the index has by now; in the background, waited for by {@link idle}. */
  noteInSidecar(sha256: Sha256Hex, change: (sidecar: Sidecar) => Sidecar): void {
    const { layout, clock } = this.#parts
    void this.#alone(sha256, async () => {
      this.#sidecars.delete(sha256)
      const sidecar = await this.readSidecar(sha256)
      if (sidecar)
        await replaceFile(layout.sidecar(sha256), encodeSidecar(change(sidecar)), layout.tmp, { durable: false, clock })
    }).catch(() => {
      // The index has it; a sidecar that lags behind only matters when the index is lost.
    })
  }

  /**
   * Makes sure that the bytes of a row are there and right, and gives its sidecar. Bytes that may have changed since they
   * were last known to be right are hashed whole first. Damaged ones are quarantined.
   * @returns undefined when there are none (any more)
   * @throws the signal's reason
   */
  sound(sha256: Sha256Hex, signal?: AbortSignal): Promise<Sidecar | undefined> {
    return this.#alone(sha256, async () => {
      signal?.throwIfAborted()
      const row = this.#parts.index.find(sha256)
      return row && (await this.#soundNow(row, signal))
    })
  }

  /**
   * Takes in a file of the content folder that the index does not know (any more): with its sidecar at its word, to be hashed
   * at its first use; without one by hashing it now. @returns true when it is in the index afterwards
   */
  adopt(sha256: Sha256Hex): Promise<boolean> {
    const { index, layout } = this.#parts
    return this.#alone(sha256, async () => {
      const file = await lookAt(layout.content(sha256))
      if (file === 'missing') return false
      let sidecar = await this.readSidecar(sha256)
      if (file === 'not-a-file' || (sidecar && file.sizeBytes !== sidecar.plan.lengthBytes)) {
        await this.#quarantineNow(sha256, 'its length is wrong')
        return false
      }
      sidecar ??= await this.#rebuildSidecar(sha256, file.sizeBytes, index.find(sha256))
      if (!sidecar) return false
      index.add(rowOf(sidecar, null), sidecar.createdAt, sidecar.versions, 'found', sidecar.provenances)
      return true
    })
  }

  /** Hashes the whole content against its name. Damaged bytes are quarantined. */
  async verify(sha256: Sha256Hex): Promise<'ok' | 'damaged' | 'missing'> {
    return this.#alone(sha256, async () => {
      const { index, layout } = this.#parts
      const row = index.find(sha256)
      if (!row) return 'missing'
      const missing = (await lookAt(layout.content(sha256))) === 'missing'
      this.#stamps.delete(sha256)
      this.#sidecars.delete(sha256)
      if (await this.#soundNow({ ...row, stamp: null })) return 'ok'
      return missing ? 'missing' : 'damaged'
    })
  }

  /**
   * Deletes a content that nobody uses. Bytes, sidecar, row: a crash in between leaves less, never a wrong answer.
   * @throws CACHE_BUSY
   */
  async remove(sha256: Sha256Hex, options: { versionsToo: boolean }): Promise<void> {
    const { layout, files } = this.#parts
    if (this.users.inUse(sha256)) throw new LarderError('CACHE_BUSY', 'This content is in use', { sha256 })
    return this.#alone(sha256, async () => {
      const path = layout.content(sha256)
      await files.release(path)
      await removeFiles([path, layout.sidecar(sha256)], layout.dir)
      this.#forget(sha256, options)
    })
  }

  /** Reads bytes; whole pieces that were not hashed in this run are hashed first. @throws CACHE_DAMAGED */
  async read(
    { sha256, plan, pieceDigests }: Sidecar,
    start: number,
    length: number,
    into: Buffer = Buffer.allocUnsafeSlow(length)
  ): Promise<Buffer> {
    const { files, layout } = this.#parts
    const path = layout.content(sha256)
    if (length > 0) await this.#see(sha256, plan, pieceDigests, start, start + length)
    try {
      const bytes = await files.use(path, 'r', (handle) => readFully(handle, start, into))
      if (!bytes)
        throw new LarderError('CACHE_DAMAGED', 'A content in the cache is shorter than it should be', { sha256 })
      return bytes
    } catch (error) {
      throw await this.damaged(sha256, error)
    }
  }

  /** What an error while reading a content's file means: when that speaks of damage, the whole is verified at once. */
  async damaged(sha256: Sha256Hex, error: unknown): Promise<unknown> {
    if (!DAMAGE.includes(systemCode(error) ?? '')) return error
    await this.verify(sha256)
    return error instanceof LarderError
      ? error
      : new LarderError('CACHE_DAMAGED', 'A content in the cache is damaged', { sha256, cause: error })
  }

  async #commitNow(completed: Completed): Promise<CachedContent> {
    const { source, sha256, plan, pieceDigests, version, provenance } = completed
    const { layout, index, files, room, clock } = this.#parts
    const path = layout.content(sha256)
    const now = clock.wallMs()
    const durable = !isSmall(plan)
    const known = await this.readSidecar(sha256)
    const sidecar: Sidecar = {
      sha256,
      plan,
      pieceDigests,
      kind: known?.kind === 'resource' ? 'resource' : completed.kind,
      createdAt: known?.createdAt ?? now,
      pinned: known?.pinned ?? false,
      pinnedUntil: known?.pinnedUntil ?? null,
      priority: known?.priority ?? 'normal',
      versions: version ? withVersion(known?.versions ?? [], version) : (known?.versions ?? []),
      provenances: provenance ? withProvenance(known?.provenances ?? [], provenance) : (known?.provenances ?? [])
    }
    await room.run(0, async () => {
      await makeFolderFor(path, layout.dir, { durable })
      await replaceFile(layout.sidecar(sha256), encodeSidecar(sidecar), layout.tmp, { durable, clock })
    })
    await files.release(path)
    try {
      await room.run(0, () => renamePatiently(source, path, clock))
    } catch (error) {
      if (!index.find(sha256)) await removeFile(layout.sidecar(sha256), layout.dir)
      throw error
    }
    if (durable) await syncFolder(dirname(path))
    const file = await lookAt(path)
    const stamp = typeof file === 'object' ? file.stamp : null
    const row = rowOf(sidecar, durable ? stamp : null)
    if (stamp !== null && !durable) {
      this.#noteStamp(sha256, stamp)
      keepLatest(this.#sidecars, sha256, sidecar, MOST_SIDECARS)
    }
    this.#noteSeen(sha256, Bitmap.full(plan.count))
    this.users.noteAdded(sha256)
    index.add(row, now, version ? [version] : [], 'origin', provenance ? [provenance] : [])
    return toCached(row)
  }

  async #see(sha256: Sha256Hex, plan: PiecePlan, pieceDigests: Buffer, start: number, end: number): Promise<void> {
    let seen = this.#seen.get(sha256)
    if (!seen) this.#noteSeen(sha256, (seen = new Bitmap(plan.count)))
    const unseen: number[] = []
    for (let i = Math.floor(start / plan.pieceBytes); i * plan.pieceBytes < end && i < plan.count; i++)
      if (!seen.has(i)) unseen.push(i)
    if (unseen.length === 0) return
    const ranges = unseen.map((i) => ({ start: pieceStart(plan, i), length: pieceLength(plan, i) }))
    const digests = await this.#parts.hashes
      .digestRanges(this.#parts.layout.content(sha256), ranges)
      .catch(async (error) => {
        throw await this.damaged(sha256, error)
      })
    for (const [at, i] of unseen.entries()) {
      if (!digests[at]?.equals(pieceDigests.subarray(i * 32, i * 32 + 32))) {
        throw await this.damaged(
          sha256,
          new LarderError('CACHE_DAMAGED', 'A content in the cache is damaged', { sha256, piece: i })
        )
      }
      seen.add(i)
    }
  }

  async #soundNow(row: ContentRow, signal?: AbortSignal): Promise<Sidecar | undefined> {
    const { sha256 } = row
    const { index, layout } = this.#parts
    const path = layout.content(sha256)
    const file = await lookAt(path)
    if (file === 'missing') {
      await removeFile(layout.sidecar(sha256), layout.dir).catch(() => 0)
      this.#forget(sha256)
      return undefined
    }
    if (file === 'not-a-file' || file.sizeBytes !== row.lengthBytes) {
      await this.#quarantineNow(sha256, 'its length is wrong')
      return undefined
    }
    if (file.stamp !== (row.stamp ?? this.#stamps.get(sha256))) {
      if ((await this.#digestOf(path, file.sizeBytes, signal)) !== sha256) {
        await this.#quarantineNow(sha256, 'its bytes have changed')
        return undefined
      }
      this.#noteSeen(sha256, Bitmap.full(Math.ceil(row.lengthBytes / row.pieceBytes)))
      if (isSmall(row)) this.#noteStamp(sha256, file.stamp)
      else index.setStamp(sha256, file.stamp)
    }
    const sidecar = this.#sidecars.get(sha256) ?? (await this.readSidecar(sha256))
    if (sidecar?.plan.lengthBytes === row.lengthBytes) return sidecar
    return this.#rebuildSidecar(sha256, file.sizeBytes, row, signal)
  }

  /** Hashes the file and writes what can be known again; quarantines it when it is not what its name says. */
  async #rebuildSidecar(
    sha256: Sha256Hex,
    lengthBytes: number,
    row: ContentRow | undefined,
    signal = this.#parts.ending
  ): Promise<Sidecar | undefined> {
    const { layout, hashes, clock, index } = this.#parts
    const path = layout.content(sha256)
    const plan = planPieces(lengthBytes)
    if ((await this.#digestOf(path, lengthBytes, signal)) !== sha256) {
      await this.#quarantineNow(sha256, 'its bytes have changed')
      return undefined
    }
    const ranges = Array.from({ length: plan.count }, (_, i) => ({
      start: pieceStart(plan, i),
      length: pieceLength(plan, i)
    }))
    const digests = (await hashes.digestRanges(path, ranges, signal)).filter((digest) => digest !== null)
    if (digests.length !== plan.count) return undefined
    const sidecar: Sidecar = {
      sha256,
      plan,
      pieceDigests: Buffer.concat(digests),
      kind: row?.kind ?? 'resource',
      createdAt: row?.createdAt ?? clock.wallMs(),
      pinned: row?.pinned ?? false,
      pinnedUntil: row?.pinnedUntil ?? null,
      priority: row?.priority ?? 'normal',
      versions: index.versionsOf(sha256),
      provenances: []
    }
    await replaceFile(layout.sidecar(sha256), encodeSidecar(sidecar), layout.tmp, { durable: true, clock })
    index.forgetSignatures(sha256)
    return sidecar
  }

  async #digestOf(path: string, lengthBytes: number, signal?: AbortSignal): Promise<string | undefined> {
    const { hashes, ending } = this.#parts
    if (isSmall({ lengthBytes })) {
      const bytes = await readFile(path).catch((error) => {
        if (DAMAGE.includes(systemCode(error) ?? '')) return undefined
        throw error
      })
      return bytes && digestHere(bytes).toString('hex')
    }
    const running = hashes.running(path)
    try {
      for (let end = HASH_STEP_BYTES; end < lengthBytes; end += HASH_STEP_BYTES) {
        await running.advance(end)
        ending.throwIfAborted()
        signal?.throwIfAborted()
      }
      return (await running.finish(lengthBytes)).toString('hex')
    } catch (error) {
      if (DAMAGE.includes(systemCode(error) ?? '')) return undefined
      throw error
    } finally {
      running.close()
    }
  }

  async #quarantineNow(sha256: Sha256Hex, reason: string): Promise<void> {
    const { layout, files, clock } = this.#parts
    const path = layout.content(sha256)
    await files.release(path)
    await renamePatiently(path, join(layout.quarantine, `${sha256}.${randomName()}`), clock).catch(() =>
      removeFile(path, layout.dir).catch(() => 0)
    )
    await removeFile(layout.sidecar(sha256), layout.dir).catch(() => 0)
    this.#forget(sha256)
    this.#parts.onQuarantined(sha256, reason)
  }

  #noteSeen(sha256: Sha256Hex, pieces: Bitmap): void {
    keepLatest(this.#seen, sha256, pieces, MOST_SEEN)
  }

  #noteStamp(sha256: Sha256Hex, stamp: FileStamp): void {
    keepLatest(this.#stamps, sha256, stamp, MOST_SEEN)
  }

  #forget(sha256: Sha256Hex, options = { versionsToo: false }): void {
    this.#seen.delete(sha256)
    this.#stamps.delete(sha256)
    this.#sidecars.delete(sha256)
    this.#parts.index.remove(sha256, options)
  }

  #alone<T>(sha256: Sha256Hex, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(sha256, work)
  }
}

export function toCached({ sha256, lengthBytes, pieceBytes, createdAt }: ContentRow): CachedContent {
  return { sha256, plan: { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }, createdAt }
}

function rowOf(
  { sha256, plan, kind, pinned, pinnedUntil, priority, createdAt }: Sidecar,
  stamp: ContentRow['stamp']
): ContentRow {
  return {
    sha256,
    lengthBytes: plan.lengthBytes,
    pieceBytes: plan.pieceBytes,
    kind,
    pinned,
    pinnedUntil,
    priority,
    createdAt,
    stamp
  }
}
