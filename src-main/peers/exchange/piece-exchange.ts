import type { Clock, Timer } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import type { PieceBuffers } from '../../pieces/piece-buffers.ts'
import type { PiecePlan } from '../../pieces/plan.ts'
import type { AnswerHead } from './answer-head.ts'
import type { ReceivedPiece } from '../network.ts'
import type { AnswerSink, PieceConnection } from './piece-connection.ts'
import { PIECES_TYPE, RETRY_AFTER_HEADER, runBytes, type PieceRun } from './piece-request.ts'
import { PieceStream } from './piece-stream.ts'

/** Pieces that may wait for the consumer before the sender is held back. */
const READY_PIECES = 2
const DEFAULT_RETRY_MS = 500
const LONGEST_RETRY_MS = 10_000

export interface ExchangeOptions {
  readonly clock: Clock
  readonly peerName: string
  readonly plan: PiecePlan
  readonly run: PieceRun
  readonly buffers: PieceBuffers
  /** Longest time without a byte while this side wants some, ms. */
  readonly stallMs: number
  /** Bytes of pieces have come in, verified or not. */
  readonly progress?: ((bytes: number) => void) | undefined
}

/** The connection had been given up by the peer before it saw the request: ask again on another one. */
export const GIVEN_UP = Symbol('given up')

/**
 * One request for a run of pieces and its answer.
 *
 *     asking ──► answered ──► complete
 *        └──────────┴──► failed
 *
 * Works on the socket's events without a promise per chunk; the consumer takes finished pieces.
 */
export class PieceExchange implements AnswerSink {
  readonly #connection: PieceConnection
  readonly #o: ExchangeOptions
  readonly #stream: PieceStream
  readonly #ready: ReceivedPiece[] = []
  #answered = false
  /** The answer, good or bad, has come to its end: the connection is free. */
  #ended = false
  #failure: unknown
  #paused = false
  #wake: (() => void) | undefined
  #movedMs: number
  #stallTimer: Timer | undefined

  /** Sends the request. */
  constructor(connection: PieceConnection, request: { path: string; fields: string }, options: ExchangeOptions) {
    this.#connection = connection
    this.#o = options
    this.#stream = new PieceStream(options.plan, options.run, options.buffers)
    this.#movedMs = options.clock.monotonicMs()
    this.#watchStall(options.stallMs)
    connection.request(request.path, request.fields, this)
  }

  /** True when the connection can carry another exchange. */
  get reusable(): boolean {
    return this.#ended
  }

  /** Waits for the head of a good answer. @throws PEER_BUSY, NOT_FOUND, PEER_LOST, PEER_PROTOCOL, {@link GIVEN_UP} */
  async answered(): Promise<void> {
    while (!this.#answered && this.#failure === undefined) await this.#change()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** @returns the next piece in order, undefined after the last. @throws as {@link answered} */
  async next(): Promise<ReceivedPiece | undefined> {
    for (;;) {
      const piece = this.#ready.shift()
      if (piece) {
        this.#flow()
        return piece
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) return undefined
      await this.#change()
    }
  }

  /** Ends the exchange early; pieces that are ready are dropped. */
  abort(reason: unknown): void {
    if (this.#ended) return
    this.#dropReady()
    this.#fail(reason)
  }

  /** The consumer takes no more. Idempotent. */
  close(): void {
    this.#stallTimer?.cancel()
    this.#dropReady()
  }

  head(head: AnswerHead): void {
    const failure = this.#judge(head)
    if (failure?.code === 'PEER_PROTOCOL') throw failure
    this.#movedMs = this.#o.clock.monotonicMs()
    if (failure) this.#failure = failure
    else this.#answered = true
    this.#wake?.()
  }

  body(chunk: Buffer): void {
    this.#movedMs = this.#o.clock.monotonicMs()
    const before = this.#stream.contentBytes
    const pieces = this.#stream.push(chunk)
    this.#o.progress?.(this.#stream.contentBytes - before)
    for (const piece of pieces) this.#came(piece)
  }

  room(): Buffer {
    return this.#stream.room()
  }

  filled(length: number): void {
    this.#movedMs = this.#o.clock.monotonicMs()
    const before = this.#stream.contentBytes
    const piece = this.#stream.filled(length)
    this.#o.progress?.(this.#stream.contentBytes - before)
    if (piece) this.#came(piece)
  }

  #came(piece: ReceivedPiece): void {
    this.#ready.push(piece)
    this.#flow()
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#stallTimer?.cancel()
    // The connection's next user must not find it held back.
    if (this.#paused) this.#connection.socket.resume()
    this.#paused = false
    this.#wake?.()
  }

  broken(error: Error | undefined, fresh: boolean): void {
    if (fresh && this.#connection.used) this.#fail(GIVEN_UP)
    else
      this.#fail(
        error instanceof LarderError
          ? error
          : new LarderError('PEER_LOST', `${this.#o.peerName} broke off`, { cause: error })
      )
  }

  #judge({ status, headers, lengthBytes }: AnswerHead): LarderError | undefined {
    const { peerName, plan, run } = this.#o
    if (status !== 200 && lengthBytes > 0)
      return new LarderError('PEER_PROTOCOL', `${peerName} answered with status ${status} and a body`)
    if (status === 503) {
      const retryAfterMs = Number(headers.get(RETRY_AFTER_HEADER))
      return new LarderError('PEER_BUSY', `${peerName} is busy`, {
        retryAfterMs: retryAfterMs >= 0 ? Math.min(retryAfterMs, LONGEST_RETRY_MS) : DEFAULT_RETRY_MS
      })
    }
    if (status === 404) return new LarderError('NOT_FOUND', `${peerName} has these pieces no more`)
    if (status !== 200) return new LarderError('PEER_PROTOCOL', `${peerName} answered with status ${status}`)
    if (headers.get('content-type') !== PIECES_TYPE || lengthBytes !== runBytes(plan, run)) {
      return new LarderError('PEER_PROTOCOL', `${peerName} announced another answer than the pieces asked for`)
    }
    return undefined
  }

  /** Holds the sender back while enough is ready, and lets it go on when not. */
  #flow(): void {
    const full = this.#ready.length >= READY_PIECES
    if (full === this.#paused || this.#ended) return
    this.#paused = full
    if (full) {
      this.#connection.socket.pause()
    } else {
      this.#movedMs = this.#o.clock.monotonicMs()
      this.#connection.socket.resume()
    }
  }

  #dropReady(): void {
    for (const piece of this.#ready.splice(0)) piece.release()
  }

  /** Pieces that are ready are still given out. */
  #fail(failure: unknown): void {
    if (this.#failure !== undefined || this.#ended) return
    this.#failure = failure
    this.#stallTimer?.cancel()
    this.#connection.destroy()
    this.#wake?.()
  }

  #watchStall(ms: number): void {
    const { clock, stallMs, peerName } = this.#o
    this.#stallTimer = clock.after(ms, () => {
      const stillMs = this.#paused ? 0 : clock.monotonicMs() - this.#movedMs
      if (stillMs >= stallMs)
        this.#fail(
          new LarderError('PEER_LOST', `${peerName} sent nothing for ${Math.round(stillMs)} ms`, { stalled: true })
        )
      else this.#watchStall(stallMs - stillMs)
    })
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
