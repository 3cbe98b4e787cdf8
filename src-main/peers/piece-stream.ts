import type { PiecePlan } from '../pieces/plan.ts'
import type { PieceBuffer, PieceBuffers } from '../pieces/piece-buffers.ts'
import { pieceLength } from '../pieces/plan.ts'
import { decodeRecord, RECORD_BYTES, type PieceRecord } from '../pieces/record.ts'
import { LarderError } from '../lib/errors.ts'
import type { ReceivedPiece } from './network.ts'
import type { PieceRun } from './piece-request.ts'

/**
 * Takes the body of an answer apart, chunk by chunk, into pieces: record, bytes, record, bytes … Each piece is gathered in
 * a buffer of exactly its size, taken only when its record was right; nothing is copied twice.
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

  /**
   * @returns the pieces that this chunk completes
   * @throws PEER_PROTOCOL when the bytes are not the run that was asked for
   */
  push(chunk: Uint8Array): ReceivedPiece[] {
    const pieces: ReceivedPiece[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.complete) throw new LarderError('PEER_PROTOCOL', 'The answer goes on after its last piece')
      const target = this.#piece?.data ?? this.#header
      const take = Math.min(target.length - this.#filled, chunk.length - at)
      target.set(take === chunk.length ? chunk : chunk.subarray(at, at + take), this.#filled)
      this.#filled += take
      at += take
      if (this.#filled < target.length) break
      this.#filled = 0
      if (this.#piece) {
        pieces.push({ record: this.#record!, ...this.#piece })
        this.#piece = undefined
        this.#index++
      } else {
        this.#record = this.#readRecord()
        this.#piece = this.#buffers.take(pieceLength(this.#plan, this.#index))
      }
    }
    return pieces
  }

  #readRecord(): PieceRecord {
    let record
    try {
      record = decodeRecord(this.#header)
    } catch (error) {
      throw new LarderError('PEER_PROTOCOL', 'A piece comes with a malformed record', { piece: this.#index, cause: error })
    }
    if (record.index !== this.#index) throw new LarderError('PEER_PROTOCOL', `Piece ${record.index} came where ${this.#index} was due`, { piece: this.#index })
    return record
  }
}
