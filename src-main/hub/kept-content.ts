import { join } from 'node:path'
import { open, utimes, type FileHandle } from 'node:fs/promises'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Credential } from '../contract/peer-messages.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { PieceBuffer, PieceBuffers } from '../pieces/piece-buffers.ts'
import { pieceLength, pieceStart, planPieces, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import { EMPTY_SLOT, encodeSlot, SLOT_BYTES, type RecordSlots } from '../pieces/record-slots.ts'

/** Which content it is: the site key, what was shown with it (`DepositTag`), and its length; each of another one is another content. */
export interface KeptName {
  readonly site: string
  readonly key: ContentKey
  readonly tag: string
  readonly lengthBytes: number
}

/** Credentials kept with one content: as many as its map is told with. */
const MAX_SIGNERS = 16
/** When it was used is noted on disk not more often than this. */
const NOTE_USE_MS = 60_000

interface KeptParts {
  readonly hashes: Pick<HashPool, 'digest' | 'digestAndWrite'>
  readonly buffers: PieceBuffers
}

/**
 * One content in a deposit, on disk:
 *
 *     meta.json   which it is, where it came from, credentials of those who signed it; its time of change is that of the last use
 *     records     a slot per piece (`RecordSlots`)
 *     data        the bytes, with holes
 *
 * A piece is had when its slot is whole. What lay there at the start is hashed before it is first given.
 */
export class KeptContent {
  readonly id: string
  readonly name: KeptName
  readonly plan: PiecePlan
  readonly place: string
  readonly signers: Map<PeerId, Credential>
  readonly #dir: string
  readonly #slots: RecordSlots
  readonly #unproved: Set<number>
  readonly #writing = new Map<number, Promise<boolean>>()
  readonly #parts: KeptParts
  #usedMs: number
  #notedMs: number
  #removed = false

  constructor(
    made: { id: string; dir: string; name: KeptName; place: string; usedMs: number; slots: RecordSlots },
    signers: Iterable<[PeerId, Credential]>,
    parts: KeptParts
  ) {
    this.id = made.id
    this.#dir = made.dir
    this.name = made.name
    this.place = made.place
    this.plan = planPieces(made.name.lengthBytes)
    this.#slots = made.slots
    this.#unproved = new Set(made.slots.have)
    this.#usedMs = this.#notedMs = made.usedMs
    this.signers = new Map(signers)
    this.#parts = parts
  }

  get have(): Bitmap {
    return this.#slots.have
  }

  get lengthBytes(): number {
    return this.name.lengthBytes
  }

  /** Bytes of the pieces that are not there yet. */
  get missingBytes(): number {
    const { count, pieceBytes } = this.plan
    const last = count - 1
    const shorter = this.have.has(last) ? 0 : pieceBytes - pieceLength(this.plan, last)
    return (count - this.have.count) * pieceBytes - shorter
  }

  get presentBytes(): number {
    return this.lengthBytes - this.missingBytes
  }

  get usedMs(): number {
    return this.#usedMs
  }

  get removed(): boolean {
    return this.#removed
  }

  /** Nothing is written any more. */
  noteRemoved(): void {
    this.#removed = true
  }

  record(index: number): PieceRecord | undefined {
    return this.#slots.record(index)
  }

  /** @returns false when there is no room for one more */
  addSigner(id: PeerId, credential: Credential): boolean {
    if (!this.signers.has(id) && this.signers.size >= MAX_SIGNERS) return false
    this.signers.set(id, credential)
    return true
  }

  used(nowMs: number): void {
    this.#usedMs = Math.max(this.#usedMs, nowMs)
    if (nowMs - this.#notedMs < NOTE_USE_MS || this.#removed) return
    this.#notedMs = nowMs
    const at = new Date(nowMs)
    void utimes(join(this.#dir, 'meta.json'), at, at).catch(() => {})
  }

  /** @returns false when the bytes are not those of the record. @throws the file system's error */
  async write(data: Buffer, record: PieceRecord): Promise<boolean> {
    const { index } = record
    // Of two that bring one piece the second waits: bytes and record of different ones must not meet on the disk.
    for (let other = this.#writing.get(index); other; other = this.#writing.get(index)) await other.catch(() => {})
    if (this.have.has(index)) return true
    const writing = this.#write(data, record).finally(() => this.#writing.delete(index))
    this.#writing.set(index, writing)
    return writing
  }

  async #write(data: Buffer, record: PieceRecord): Promise<boolean> {
    const { index, digest } = record
    return this.#withFile('data', 'r+', (bytes) =>
      this.#withFile('records', 'r+', async (slots) => {
        const afterwards = { fd: slots.fd, position: index * SLOT_BYTES, bytes: encodeSlot(record) }
        const job = { data, fd: bytes.fd, position: pieceStart(this.plan, index), expected: digest, afterwards }
        const { written } = await this.#parts.hashes.digestAndWrite(job)
        if (!written) return false
        this.#slots.add(record)
        this.#unproved.delete(index)
        return true
      })
    )
  }

  /** @throws the file system's error; RangeError when what lies there is not what was kept: it is forgotten then */
  async read(index: number): Promise<PieceBuffer> {
    const record = this.record(index)
    if (!record) throw new RangeError(`piece ${index} is not kept`)
    const length = pieceLength(this.plan, index)
    const piece = this.#parts.buffers.take(length)
    try {
      const { bytesRead } = await this.#withFile('data', 'r', (file) =>
        file.read(piece.data, 0, length, pieceStart(this.plan, index))
      )
      if (bytesRead === length && !this.#unproved.has(index)) return piece
      // On loan for the hash: what comes back is the same memory, or the bytes handed back.
      const { digest, data } = await this.#parts.hashes.digest(piece.data)
      if (bytesRead !== length || !digest.equals(record.digest)) {
        await this.#forget(index)
        throw new RangeError(`piece ${index} is damaged`)
      }
      this.#unproved.delete(index)
      return { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), release: piece.release }
    } catch (error) {
      piece.release()
      throw error
    }
  }

  async #forget(index: number): Promise<void> {
    this.#slots.delete(index)
    this.#unproved.delete(index)
    await this.#withFile('records', 'r+', (slots) => slots.write(EMPTY_SLOT, 0, SLOT_BYTES, index * SLOT_BYTES))
  }

  async #withFile<T>(name: 'data' | 'records', flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await open(join(this.#dir, name), flags)
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }
}
