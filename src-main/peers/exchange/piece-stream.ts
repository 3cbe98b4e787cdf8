// Why it is like this: docs/decisions/0002-records-travel-with-the-bytes.md
import type { PiecePlan } from '../../pieces/plan.ts'
import type { PieceBuffer, PieceBuffers } from '../../pieces/piece-buffers.ts'
import { pieceLength } from '../../pieces/plan.ts'
import { decodeRecord, RECORD_BYTES, type PieceRecord } from '../../pieces/record.ts'
import { LarderError } from '../../lib/errors.ts'
import type { ReceivedPiece } from '../network.ts'
import type { PieceRun } from './piece-request.ts'

/**
 * Takes the body of an answer apart into pieces: record, bytes, record, bytes … Each piece is gathered in a buffer of exactly
 * its size, taken only when its record was right. Whoever reads the body may put it there itself (`room`, `filled`): then
 * nothing is copied.
 */
export class PieceStream {
  readonly #plan: PiecePlan
  readonly #buffers: PieceBuffers
  readonly #end: number
  readonly #header = Buffer.allocUnsafeSlow(RECORD_BYTES)
  #index: number
  #record: PieceRecord | undefined
  #piece: PieceBuffer | undefined
  #filled = 0
  #contentBytes = 0

  constructor(plan: PiecePlan, run: PieceRun, buffers: PieceBuffers) {
    this.#plan = plan
    this.#buffers = buffers
    this.#index = run.first
    this.#end = run.first + run.count
  }

  /** All pieces of the run have been given out. */
  get complete(): boolean {
    return this.#index === this.#end
  }

  /** Bytes of pieces that have come in, without their records. */
  get contentBytes(): number {
    return this.#contentBytes
  }

  /** Where the next bytes belong; until then they are its alone, also when the stream is given up. @throws PEER_PROTOCOL when none are due */
  room(): Buffer {
    if (this.complete) throw new LarderError('PEER_PROTOCOL', 'The answer goes on after its last piece')
    const target = this.#piece?.data ?? this.#header
    return this.#filled === 0 ? target : target.subarray(this.#filled)
  }

  /**
   * The first `length` bytes of the last {@link room} are there.
   * @returns the piece that they complete
   * @throws PEER_PROTOCOL when the bytes are not the run that was asked for
   */
  filled(length: number): ReceivedPiece | undefined {
    this.#filled += length
    if (this.#piece) this.#contentBytes += length
    if (this.#filled < (this.#piece?.data ?? this.#header).length) return undefined
    this.#filled = 0
    if (!this.#piece) {
      this.#record = this.#readRecord()
      this.#piece = this.#buffers.take(pieceLength(this.#plan, this.#index))
      return undefined
    }
    const piece = { record: this.#record!, ...this.#piece }
    this.#piece = undefined
    this.#index++
    return piece
  }

  /**
   * Copies a chunk to where it belongs.
   * @returns the pieces that it completes
   * @throws as {@link filled}
   */
  push(chunk: Uint8Array): ReceivedPiece[] {
    const pieces: ReceivedPiece[] = []
    for (let at = 0; at < chunk.length;) {
      const room = this.room()
      const take = Math.min(room.length, chunk.length - at)
      room.set(chunk.subarray(at, at + take))
      at += take
      const piece = this.filled(take)
      if (piece) pieces.push(piece)
    }
    return pieces
  }

  #readRecord(): PieceRecord {
    let record
    try {
      record = decodeRecord(this.#header)
    } catch (error) {
      throw new LarderError('PEER_PROTOCOL', 'A piece comes with a malformed record', {
        piece: this.#index,
        cause: error
      })
    }
    if (record.index !== this.#index)
      throw new LarderError('PEER_PROTOCOL', `Piece ${record.index} came where ${this.#index} was due`, {
        piece: this.#index
      })
    return record
  }
}
