import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PieceBuffers } from '../../pieces/piece-buffers.ts'
import type { DepositIntake, DepositShelf, Log } from '../network.ts'
import { parseDepositPath, PIECES_TYPE, RETRY_AFTER_HEADER, runBytes, type PieceRun } from './piece-request.ts'
import { refuse, type PieceServer } from './piece-server.ts'
import { PieceStream } from './piece-stream.ts'

/** Whoever brings something and sends nothing for this long is cut. */
const STALL_MS = 10_000
const RETRY_AFTER_MS = 200
/** As many bytes of what is not taken are read on. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024
/** Pieces of one request. */
const MAX_RUN = 16

export interface DepositServerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly buffers: PieceBuffers
  readonly pieces: PieceServer
  /** Null: nothing is kept here. */
  readonly shelf: () => DepositShelf | null
}

/**
 * `/v1/deposit/<site key>?first=N&count=M` of an agent that takes this one for its hub: `GET` as for pieces of a peer; `PUT` brings a run
 * in the form in which it would be given: 200 it is kept, 503 later, 404 nothing of it is wanted.
 */
export class DepositServer {
  readonly #o: DepositServerOptions

  constructor(options: DepositServerOptions) {
    this.#o = options
  }

  async handle(peer: PeerId, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const shelf = this.#o.shelf()
    const asked = parseDepositPath(request.url ?? '')
    if (!shelf || !asked || asked.count > MAX_RUN) return end(request, response, 404)
    if (request.method === 'GET')
      return this.#o.pieces.serve(peer, request, response, asked, {
        small: false,
        open: () => shelf.openServed(peer, asked.key)
      })
    if (request.method !== 'PUT') return end(request, response, 400)
    const intake = shelf.openIntake(peer, asked.key)
    if (intake === undefined) return end(request, response, 404)
    if (intake === 'later') return end(request, response, 503, { [RETRY_AFTER_HEADER]: RETRY_AFTER_MS })
    try {
      await this.#take(request, response, asked, intake)
    } catch (error) {
      this.#o.log.warn({ peer, err: error }, 'Pieces for the deposit could not be taken.')
      if (response.headersSent) request.socket.destroy()
      else end(request, response, 500)
    } finally {
      intake.close()
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse, run: PieceRun, intake: DepositIntake): Promise<void> {
    const { plan } = intake
    const fits =
      run.first + run.count <= plan.count &&
      Number(request.headers['content-length']) === runBytes(plan, run) &&
      request.headers['content-type'] === PIECES_TYPE
    if (!fits) return end(request, response, 400)
    const stream = new PieceStream(plan, run, this.#o.buffers)
    let stall = this.#watch(request)
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        stall.cancel()
        for (const piece of stream.push(chunk)) {
          const wrong = await intake.take(piece)
          piece.release()
          if (wrong !== null) {
            refuse(response, 422)
            return
          }
        }
        stall = this.#watch(request)
      }
    } finally {
      stall.cancel()
    }
    refuse(response, stream.complete ? 200 : 400)
  }

  #watch(request: IncomingMessage) {
    return this.#o.clock.after(STALL_MS, () => request.socket.destroy())
  }
}

/** An answer before all of the request was read. What comes is read on, or its sender would see a broken connection instead of the answer. */
function end(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Record<string, number> = {}
): void {
  if (Number(request.headers['content-length'] ?? 0) > MAX_DRAINED_BYTES) request.socket.destroy()
  else request.resume()
  refuse(response, status, headers)
}
