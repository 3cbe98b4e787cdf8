import type { Clock, Timer } from '../lib/clock.ts'
import type { PieceBuffer, PieceBuffers } from '../pieces/piece-buffers.ts'

const MAX_BYTES = 8 * 1024 * 1024
/** Nothing is kept longer than this after the last use. */
const KEEP_MS = 30_000

/** One piece in memory; given back when it is neither kept nor being sent. */
interface HotPiece {
  readonly buffer: PieceBuffer
  /** Settles once the bytes are there. */
  readonly filled: Promise<unknown>
  users: number
  kept: boolean
}

/**
 * Pieces read recently, by their digest. A new piece is wanted by everybody at the same moment; it is read from the disk once.
 * Larger pieces leave room for fewer.
 */
export class HotPieces {
  readonly #pieces = new Map<string, HotPiece>()
  readonly #clock: Clock
  readonly #buffers: PieceBuffers
  #bytes = 0
  #idle: Timer | undefined

  constructor(clock: Clock, buffers: PieceBuffers) {
    this.#clock = clock
    this.#buffers = buffers
  }

  /** @returns the piece of this digest, filled by `read` unless it is at hand. Callers must not change it. */
  async get(digest: Buffer, lengthBytes: number, read: (into: Buffer) => Promise<unknown>): Promise<PieceBuffer> {
    const name = digest.toString('latin1')
    this.#idle?.cancel()
    this.#idle = this.#clock.after(KEEP_MS, () => this.clear())
    const piece = this.#pieces.get(name) ?? this.#read(lengthBytes, read)
    // The last one used is the last one to go.
    this.#pieces.delete(name)
    this.#pieces.set(name, piece)
    piece.users++
    try {
      await piece.filled
    } catch (error) {
      this.#letGo(piece)
      if (this.#pieces.get(name) === piece) this.#forget(name, piece)
      throw error
    }
    this.#trim()
    let onLoan = true
    return {
      data: piece.buffer.data,
      release: () => {
        if (onLoan) this.#letGo(piece)
        onLoan = false
      }
    }
  }

  clear(): void {
    this.#idle?.cancel()
    for (const [name, piece] of this.#pieces) this.#forget(name, piece)
  }

  #read(lengthBytes: number, read: (into: Buffer) => Promise<unknown>): HotPiece {
    const buffer = this.#buffers.take(lengthBytes)
    this.#bytes += lengthBytes
    return { buffer, filled: read(buffer.data), users: 0, kept: true }
  }

  #trim(): void {
    for (const [name, piece] of this.#pieces) {
      if (this.#bytes <= MAX_BYTES) return
      this.#forget(name, piece)
    }
  }

  #forget(name: string, piece: HotPiece): void {
    this.#pieces.delete(name)
    this.#bytes -= piece.buffer.data.length
    piece.kept = false
    if (piece.users === 0) piece.buffer.release()
  }

  #letGo(piece: HotPiece): void {
    piece.users--
    if (piece.users === 0 && !piece.kept) piece.buffer.release()
  }
}
