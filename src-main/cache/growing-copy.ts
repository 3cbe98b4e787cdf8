// Why it is like this: docs/decisions/0068-a-file-is-delivered-while-it-comes-in.md
import { unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { Bitmap } from '../lib/bitmap.ts'
import type { Clock } from '../lib/clock.ts'
import { liesIn } from '../lib/lies-in.ts'
import { writeHere } from '../pieces/hash-here.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import { cloneOf } from '../placing/clone-file.ts'
import { resolveDestination } from '../placing/destination.ts'
import { PartFile } from '../placing/part-file.ts'
import { requireRoom, sameDisk } from '../placing/room.ts'
import type { GrowingCopy } from './cache.ts'

/** What is shorter is copied at the end before anybody notices. */
const WORTH_GROWING_BYTES = 8 * 1024 * 1024
/** Pieces on their way to one destination. The system has four threads for the files of the whole process. */
const AT_ONCE = 2

/** Where the pieces come from. */
export interface GrowingSource {
  readonly plan: PiecePlan
  readonly have: Bitmap
  record(index: number): PieceRecord | undefined
  read(index: number, into: Buffer): Promise<Buffer>
}

export interface GrowingParts {
  readonly cacheDir: string
  /** The file that is assembled. */
  readonly path: string
  readonly hashes: HashPool
  readonly clock: Clock
  /** It grows no more: taken, or ended. */
  readonly onOver: (copy: DiskCopy) => void
  /** So many bytes more fit on the cache's own disk besides what it keeps free. */
  fits(bytes: number): Promise<boolean>
}

/** A copy that is taken over by its delivery. */
export interface TakenCopy {
  readonly part: PartFile
  /** The bytes of this piece, with this digest, are in it. */
  has(index: number, digest: Uint8Array): boolean
}

/**
 * The part beside a destination, written while its content is assembled.
 *
 *     begin ──► growing ──► taken      by the delivery, which adds what is missing and puts it in place
 *                  └──► ended          thrown away, or the destination took no more: delivery begins from the start and says why
 *
 * Each piece was hashed in memory just before, and counts for the digest it had there. One that comes while the destination is
 * busy is read back later: nothing here holds up a piece for longer than one write.
 */
export class DiskCopy implements GrowingCopy {
  readonly destination: string
  readonly #source: GrowingSource
  readonly #hashes: HashPool
  readonly #onOver: (copy: DiskCopy) => void
  readonly #part: PartFile
  readonly #written: Bitmap
  readonly #digests: Buffer
  readonly #writing = new Map<number, Promise<void>>()
  /** Had, and not written when they came. */
  readonly #behind: Set<number>
  #flushing = 0
  #state: 'growing' | 'taken' | 'ended' = 'growing'
  #catching: Promise<void> | null = null
  /** For pieces read back, lent to a hash worker. */
  #memory: Buffer<SharedArrayBuffer> | null = null
  #ending: Promise<void> | null = null

  private constructor(part: PartFile, source: GrowingSource, { hashes, onOver }: GrowingParts) {
    this.#part = part
    this.destination = part.destination
    this.#source = source
    this.#hashes = hashes
    this.#onOver = onOver
    this.#written = new Bitmap(source.plan.count)
    this.#digests = Buffer.alloc(source.plan.count * 32)
    this.#behind = new Set(source.have)
  }

  /** @returns undefined where it cannot be, or would not help: then the delivery does everything, and says what is wrong */
  static async begin(
    destination: string,
    { overwrite }: { readonly overwrite: boolean },
    source: GrowingSource,
    parts: GrowingParts
  ): Promise<DiskCopy | undefined> {
    const { plan, have } = source
    if (plan.lengthBytes < WORTH_GROWING_BYTES) return undefined
    const options = { overwrite, clock: parts.clock, exclusive: false }
    try {
      const path = await resolveDestination(destination, { overwrite })
      if (liesIn(dirname(path), parts.cacheDir)) return undefined
      // What shares its blocks with the cache costs nothing at the end.
      const clone = await cloneOf(parts.path, path, { ...options, orCopy: false, lengthBytes: plan.lengthBytes })
      if (clone) return void (await clone.discard())
      await requireRoom(path, plan.lengthBytes)
      const missingBytes = (plan.count - have.count) * plan.pieceBytes
      const shared = await sameDisk(dirname(path), parts.cacheDir)
      if (shared && !(await parts.fits(plan.lengthBytes + missingBytes))) return undefined
      const copy = new DiskCopy(await PartFile.open(path, options), source, parts)
      copy.#catchUp()
      return copy
    } catch {
      return undefined
    }
  }

  /**
   * A piece has been verified and stored. @param data its bytes
   * @returns settles, never rejected, when they are no longer needed
   */
  async offer(index: number, digest: Buffer, data: Uint8Array): Promise<void> {
    if (this.#state !== 'growing') return
    if (this.#busy || this.#writing.has(index)) this.#behind.add(index)
    else await this.#write(index, digest, data)
  }

  /** Ends it as a part of its own; from now on it belongs to the caller. @returns undefined when it has ended before */
  async take(): Promise<TakenCopy | undefined> {
    if (this.#state !== 'growing') return undefined
    this.#over('taken')
    await this.#settled()
    return {
      part: this.#part,
      has: (index, digest) =>
        this.#written.has(index) && this.#digests.subarray(index * 32, index * 32 + 32).equals(digest)
    }
  }

  discard(): Promise<void> {
    if (this.#state === 'growing') {
      this.#over('ended')
      this.#ending = this.#end()
    }
    return this.#ending ?? Promise.resolve()
  }

  get #busy(): boolean {
    return this.#writing.size >= AT_ONCE || this.#flushing > 0
  }

  #over(state: 'taken' | 'ended'): void {
    this.#state = state
    this.#memory = null
    this.#onOver(this)
  }

  async #end(): Promise<void> {
    // At once, so that whoever asks for the same destination now finds nothing. Not on Windows, where an open file keeps its name.
    if (process.platform !== 'win32') {
      try {
        unlinkSync(this.#part.path)
      } catch {
        // It is looked for again below.
      }
    }
    await this.#settled()
    await this.#part.discard()
  }

  /** Nothing writes to the file any more. */
  async #settled(): Promise<void> {
    await this.#catching
    await Promise.all(this.#writing.values())
  }

  #write(index: number, digest: Buffer, data: Uint8Array): Promise<void> {
    const writing = writeHere(this.#part.fd, data, pieceStart(this.#source.plan, index)).then(
      () => {
        digest.copy(this.#digests, index * 32)
        this.#written.add(index)
        this.#behind.delete(index)
        this.#writing.delete(index)
        this.#flush(data.length)
        this.#catchUp()
      },
      () => {
        this.#writing.delete(index)
        void this.discard()
      }
    )
    this.#writing.set(index, writing)
    return writing
  }

  /** The disk may be slower than the pieces come. */
  #flush(bytes: number): void {
    this.#flushing++
    const counted = this.#part.writingElsewhere(bytes)
    if (this.#written.complete) this.#part.flushSoon()
    counted.then(
      () => {
        this.#flushing--
        this.#catchUp()
      },
      () => void this.discard()
    )
  }

  #catchUp(): void {
    if (this.#catching || this.#behind.size === 0 || this.#busy || this.#state !== 'growing') return
    this.#catching = this.#readBack().finally(() => {
      this.#catching = null
      // What ended in between called for nothing.
      this.#catchUp()
    })
  }

  /** Reads pieces back until there are none, or new ones keep the destination busy. */
  async #readBack(): Promise<void> {
    const { plan } = this.#source
    const memory = (this.#memory ??= Buffer.from(new SharedArrayBuffer(plan.pieceBytes)))
    for (const index of this.#behind) {
      if (this.#state !== 'growing' || this.#busy) return
      this.#behind.delete(index)
      const record = this.#source.record(index)
      if (!record || !this.#source.have.has(index) || this.#writing.has(index)) continue
      const bytes = memory.subarray(0, pieceLength(plan, index))
      const digest = await this.#source
        .read(index, bytes)
        .then(() => this.#hashes.digest(bytes))
        .then(
          (hashed) => hashed.digest,
          () => undefined
        )
      // Dropped or damaged meanwhile: the delivery finds out.
      if (this.#state === 'growing' && digest?.equals(record.digest)) await this.#write(index, digest, bytes)
    }
    this.#memory = null
  }
}
