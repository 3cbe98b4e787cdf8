import type { SecureContext } from 'node:tls'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import type { PieceBuffers } from '../../pieces/piece-buffers.ts'
import type { PiecePlan } from '../../pieces/plan.ts'
import type { Pace } from '../../rates/pace.ts'
import type { ReceivedPiece } from '../network.ts'
import { KNOWS_HEADER, type KnowledgeProofs } from './knowledge.ts'
import { GIVEN_UP, PieceExchange } from './piece-exchange.ts'
import type { PieceConnection } from './piece-connection.ts'
import { PiecePool, type PieceHost } from './piece-pool.ts'
import { depositPath, piecesPath, type PieceRun } from './piece-request.ts'

export interface FetchOptions {
  readonly signal?: AbortSignal
  readonly stallMs: number
  /** Bytes of pieces have come in, verified or not. */
  readonly progress?: ((bytes: number) => void) | undefined
  /** Holds the next piece back. */
  readonly pace?: Pace | undefined
  /** It is asked for in a deposit, by this site key. */
  readonly deposit?: ContentKey | undefined
}

export interface PieceClientOptions {
  readonly clock: Clock
  readonly secureContext: SecureContext
  readonly buffers: PieceBuffers
  readonly proofs: KnowledgeProofs
  readonly received: (peer: PeerId, bytes: number) => void
  /** The peer answered with something no agent sends. */
  readonly offended: (peer: PeerId, reason: string) => void
}

/** Fetches runs of pieces from proven members. */
export class PieceClient {
  readonly #o: PieceClientOptions
  readonly #pools = new Map<PeerId, PiecePool>()

  constructor(options: PieceClientOptions) {
    this.#o = options
  }

  /** @see PeerNetwork.fetchPieces */
  async *fetch(
    peer: PieceHost,
    key: ContentKey,
    plan: PiecePlan,
    run: PieceRun,
    options: FetchOptions
  ): AsyncGenerator<ReceivedPiece> {
    const { stallMs, progress } = options
    const { clock, buffers, received } = this.#o
    const pool = this.pool(peer)
    const signal = options.signal ?? new AbortController().signal
    try {
      for (;;) {
        const connection = await pool.take(signal, stallMs)
        const request = this.#request(connection, key, run, options.deposit)
        const exchange = new PieceExchange(connection, request, {
          clock,
          peerName: peer.name,
          plan,
          run,
          buffers,
          stallMs,
          progress
        })
        const onAbort = () => exchange.abort(signal.reason)
        signal.addEventListener('abort', onAbort, { once: true })
        if (signal.aborted) onAbort()
        try {
          await exchange.answered()
          pool.answered()
          for (let piece = await exchange.next(); piece; piece = await exchange.next()) {
            pool.answered()
            received(peer.id, piece.data.length)
            const held = options.pace?.(piece.data.length, signal)
            if (held) await held
            yield piece
          }
          return
        } catch (error) {
          if (error !== GIVEN_UP) throw error
        } finally {
          signal.removeEventListener('abort', onAbort)
          exchange.close()
          pool.release(connection, exchange.reusable)
        }
      }
    } catch (error) {
      throw options.signal?.aborted && error === options.signal.reason
        ? LarderError.from(error, 'CANCELLED')
        : this.#named(peer, error)
    }
  }

  /** Ends all connections to a peer that is no longer a proven member, and whatever they carry. */
  forget(id: PeerId): void {
    this.#pools.get(id)?.close()
    this.#pools.delete(id)
  }

  close(): void {
    for (const id of [...this.#pools.keys()]) this.forget(id)
  }

  #request(connection: PieceConnection, key: ContentKey, run: PieceRun, deposit: ContentKey | undefined) {
    // What is in a deposit was asked for by its tag before.
    if (deposit !== undefined) return { path: depositPath(deposit, run), fields: '' }
    const proof = this.#o.proofs.prove(connection.socket, key)
    return { path: piecesPath(key, run), fields: proof ? `${KNOWS_HEADER}: ${proof}\r\n` : '' }
  }

  /** The connections to one peer. */
  pool(peer: PieceHost): PiecePool {
    let pool = this.#pools.get(peer.id)
    if (!pool) this.#pools.set(peer.id, (pool = new PiecePool(peer, this.#o)))
    return pool
  }

  #named(peer: PieceHost, error: unknown): unknown {
    if (!(error instanceof LarderError)) return error
    // It is not the peer's fault that another device took over its address.
    if (error.code === 'PEER_PROTOCOL' && !error.details.impostor)
      this.#o.offended(peer.id, `sent pieces that no agent sends (${error.message})`)
    return new LarderError(error.code, error.message, {
      ...error.details,
      peer: peer.id,
      peerName: peer.name,
      cause: error.cause
    })
  }
}
