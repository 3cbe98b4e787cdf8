import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { ContentKind } from '../contract/request.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { LarderError } from '../lib/errors.ts'
import type { HashPool, RunningDigest } from '../pieces/hashing.ts'
import { pieceLength, pieceStart, planPieces } from '../pieces/plan.ts'
import type { CachedContent, StoredVersion, StreamContent } from './cache.ts'
import { packProvenance, type Checked } from './provenance.ts'
import type { ContentStore } from './content-store.ts'
import { tooSmall, type DiskRoom } from './disk-room.ts'
import type { Layout } from './layout.ts'
import type { OpenFiles } from './open-files.ts'
import { randomName, removeFile } from './safe-files.ts'

const STEP_BYTES = 4 * 1024 * 1024
/** Nobody knows how long it will be: beyond this share of what it may have, nothing else is deleted for it. */
const EVICTING_SHARE = 0.25

export interface StreamParts {
  readonly layout: Layout
  readonly files: OpenFiles
  readonly hashes: HashPool
  readonly room: DiskRoom
  readonly store: ContentStore
  /** Most bytes a new content may have. */
  readonly mostBytes: () => number
  onEnd(stream: DiskStream): void
  onComplete(content: CachedContent): void
}

/** A content of unknown length, written from start to end into `tmp`; a crash leaves nothing of it. */
export class DiskStream implements StreamContent {
  readonly #path: string
  readonly #parts: StreamParts
  readonly #running: RunningDigest
  #written = 0
  #ended = false
  #tail: Promise<void> = Promise.resolve()

  private constructor(path: string, parts: StreamParts) {
    this.#path = path
    this.#parts = parts
    this.#running = parts.hashes.running(path)
  }

  /** @throws DISK_FULL, CACHE_UNUSABLE */
  static async open(parts: StreamParts): Promise<DiskStream> {
    const path = join(parts.layout.tmp, randomName())
    await parts.room.run(0, async () => (await open(path, 'wx')).close())
    return new DiskStream(path, parts)
  }

  get writtenBytes(): number {
    return this.#written
  }

  write(chunk: Uint8Array): Promise<void> {
    const step = this.#tail.then(async () => {
      this.#assertOpen()
      const start = this.#written
      const most = this.#parts.mostBytes()
      if (start + chunk.length > most) throw tooSmall(start + chunk.length)
      await this.#parts.room.run(
        chunk.length,
        () =>
          this.#parts.files.use(this.#path, 'r+', async (handle) => {
            for (let done = 0; done < chunk.length;)
              done += (await handle.write(chunk, done, chunk.length - done, start + done)).bytesWritten
          }),
        { keepRest: start > most * EVICTING_SHARE }
      )
      this.#written = start + chunk.length
      // An error shows up again at the end, where the digest is needed.
      if (this.#written - this.#running.position >= STEP_BYTES)
        await this.#running.advance(this.#written).catch(() => {})
    })
    this.#tail = step.catch(() => {})
    return step
  }

  async complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked: Checked = { verifiedBy: 'origin', source: null }
  ): Promise<CachedContent> {
    await this.#tail
    this.#assertOpen()
    this.#ended = true
    const { files, hashes, room, store } = this.#parts
    try {
      await room.run(0, () => files.use(this.#path, 'r+', (handle) => handle.sync()))
      const sha256 = (await this.#running.finish(this.#written)).toString('hex') as Sha256Hex
      if (expected !== null && sha256 !== expected) throw digestMismatch(expected, sha256)
      const plan = planPieces(this.#written)
      const ranges = Array.from({ length: plan.count }, (_, index) => ({
        start: pieceStart(plan, index),
        length: pieceLength(plan, index)
      }))
      const pieceDigests = Buffer.concat(
        (await hashes.digestRanges(this.#path, ranges)).map((digest) => digest ?? Buffer.alloc(0))
      )
      if (pieceDigests.length !== plan.count * 32)
        throw new LarderError('CACHE_DAMAGED', 'A file being written was cut short')
      await files.release(this.#path)
      const provenance = version && packProvenance(version.key, checked, [], new Map())
      const content = await store.commit({ source: this.#path, sha256, plan, pieceDigests, kind, version, provenance })
      this.#parts.onComplete(content)
      return content
    } finally {
      await this.#clean()
    }
  }

  async discard(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#tail
    await this.#clean()
  }

  async #clean(): Promise<void> {
    this.#running.close()
    await this.#parts.files.release(this.#path)
    await removeFile(this.#path, this.#parts.layout.dir).catch(() => 0)
    this.#parts.onEnd(this)
  }

  #assertOpen(): void {
    if (this.#ended) throw new LarderError('CANCELLED', 'This content is closed')
  }
}
