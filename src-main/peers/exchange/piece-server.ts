import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PieceBuffer } from '../../pieces/piece-buffers.ts'
import { pieceLength } from '../../pieces/plan.ts'
import { encodeRecord } from '../../pieces/record.ts'
import type { Pace } from '../../rates/pace.ts'
import { KNOWS_HEADER, type KnowledgeProofs } from './knowledge.ts'
import type { Log, PieceSource, ServedContent } from '../network.ts'
import { parsePiecesPath, PIECES_TYPE, RETRY_AFTER_HEADER, runBytes, type PieceRun } from './piece-request.ts'
import type { Slot, UploadSlots } from './upload-slots.ts'

/** A reader that does not take the next {@link SLICE_BYTES} within this time is cut. */
const SLOW_READER_MS = 30_000
/** Bytes handed to the socket at a time: enough to keep it busy, little enough to see a slow reader move. */
const SLICE_BYTES = 256 * 1024
/** While uploads are held back: the reader must see something move. */
const HELD_SLICE_BYTES = 16 * 1024
/** Shortest time until a refused peer may ask again; as much again is added at random, so that not all come back at once. */
const RETRY_AFTER_MS = 200

export interface PieceServerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly source: PieceSource
  readonly slots: UploadSlots
  readonly proofs: KnowledgeProofs
  readonly isBanned: (peer: PeerId, key: ContentKey) => boolean
  readonly served: (peer: PeerId, bytes: number) => void
  /** Holds uploads back while there is a cap. */
  readonly upload: { readonly pace: Pace; readonly capped: boolean }
}

/**
 * Answers `GET /v1/pieces/<key>?first=N&count=M` of a proven member: for each piece its record, then its bytes. Reads one
 * piece ahead and holds no more than two, however slowly the peer reads.
 */
export class PieceServer {
  readonly #o: PieceServerOptions

  constructor(options: PieceServerOptions) {
    this.#o = options
  }

  async handle(peer: PeerId, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { source, proofs, isBanned } = this.#o
    const asked = request.method === 'GET' ? parsePiecesPath(request.url ?? '') : undefined
    if (!asked) return refuse(response, 400)
    if (isBanned(peer, asked.key)) return refuse(response, 404)
    // Answered as what is not here: whoever has only heard the key learns nothing by asking.
    if (!proofs.holds(request.socket as TLSSocket, asked.key, request.headers[KNOWS_HEADER]))
      return refuse(response, 404)
    await this.serve(peer, request, response, asked, {
      small: source.isSmall(asked.key),
      open: () => source.openServed(asked.key)
    })
  }

  /** Gives a run of a content to one that may have it, when there is a slot. */
  async serve(
    peer: PeerId,
    request: IncomingMessage,
    response: ServerResponse,
    asked: PieceRun & { readonly key: ContentKey },
    { small, open }: { readonly small: boolean; readonly open: () => Promise<ServedContent | undefined> }
  ): Promise<void> {
    const { slots, random, log } = this.#o
    const slot = await slots.takeSoon(peer, asked.key, () => request.socket.destroy(), {
      small,
      gone: signalOf(response)
    })
    if (!slot) return refuse(response, 503, { [RETRY_AFTER_HEADER]: Math.round(RETRY_AFTER_MS * (1 + random())) })
    let content: ServedContent | undefined
    try {
      content = await open()
      if (!content || !hasAll(content, asked)) return refuse(response, 404)
      await this.#send(response, content, asked, slot)
    } catch (error) {
      log.warn({ peer, key: asked.key, err: error }, 'An upload broke off because its content could not be read.')
      if (response.headersSent) request.socket.destroy()
      else refuse(response, 404)
    } finally {
      slots.free(slot)
      content?.close()
    }
  }

  async #send(response: ServerResponse, content: ServedContent, { first, count }: PieceRun, slot: Slot): Promise<void> {
    const { upload } = slot
    const end = first + count
    let ahead = content.read(first)
    let taken = false
    try {
      for (let index = first; index < end; index++) {
        const piece = await unlessClosed(response, ahead)
        if (piece === CLOSED) return
        taken = index + 1 === end
        if (!taken) {
          ahead = content.read(index + 1)
          // Awaited in the next round; until then a failure must not count as unhandled.
          ahead.catch(() => {})
        }
        const { data } = piece
        if (data.length !== pieceLength(content.plan, index))
          throw new RangeError(`piece ${index} has ${data.length} bytes`)
        // Not earlier: a content that cannot even be begun gets an honest answer.
        if (index === first) begin(response, runBytes(content.plan, { first, count }))
        response.write(encodeRecord(content.record(index)))
        for (let at = 0; at < data.length;) {
          const slice = data.subarray(at, at + (this.#o.upload.capped ? HELD_SLICE_BYTES : SLICE_BYTES))
          const held = this.#o.upload.pace(slice.length)
          if (held && (await unlessClosed(response, held)) === CLOSED) return
          at += slice.length
          // Once the last bytes are taken, so are all before them.
          const room = response.write(slice, at >= data.length ? piece.release : undefined)
          if (!room && !(await this.#moved(response, 'drain'))) return
          this.#o.slots.moved(slot, slice.length)
        }
        upload.pieces++
        upload.bytes += data.length
        content.served(upload.peer, data.length)
        this.#o.served(upload.peer, data.length)
      }
    } finally {
      if (!taken) ahead.then(release, () => {})
    }
    response.end()
    // The slot is taken until the last byte is in the system's hands.
    if (!response.writableFinished) await this.#moved(response, 'finish')
  }

  /** Waits until the reader has taken what was written. @returns false when it is gone or too slow */
  #moved(response: ServerResponse, event: 'drain' | 'finish'): Promise<boolean> {
    return new Promise((resolve) => {
      const limit = this.#o.clock.after(SLOW_READER_MS, () => response.socket?.destroy())
      const settle = (moved: boolean) => {
        limit.cancel()
        response.off(event, onMoved)
        response.off('close', onClose)
        resolve(moved)
      }
      const onMoved = () => settle(true)
      const onClose = () => settle(false)
      response.on(event, onMoved)
      response.on('close', onClose)
      if (response.closed) onClose()
    })
  }
}

const CLOSED = Symbol('closed')

const release = (piece: PieceBuffer): void => piece.release()

/** A source that hangs must not hold the slot of a reader that has left. */
function unlessClosed<T>(response: ServerResponse, promise: Promise<T>): Promise<T | typeof CLOSED> {
  if (response.closed) return Promise.resolve(CLOSED)
  return new Promise((resolve, reject) => {
    const onClose = () => resolve(CLOSED)
    response.once('close', onClose)
    promise.then(resolve, reject).finally(() => response.off('close', onClose))
  })
}

/** Aborted when the connection of an answer ends. */
function signalOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.closed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

function begin(response: ServerResponse, lengthBytes: number): void {
  response.sendDate = false
  response.writeHead(200, { 'content-type': PIECES_TYPE, 'content-length': lengthBytes })
}

function hasAll(content: ServedContent, { first, count }: PieceRun): boolean {
  if (first + count > content.plan.count) return false
  for (let index = first; index < first + count; index++) if (!content.has(index)) return false
  return true
}

/** A bare answer. */
export function refuse(response: ServerResponse, status: number, headers: Record<string, number> = {}): void {
  response.sendDate = false
  response.writeHead(status, { ...headers, 'content-length': 0 })
  response.end()
}
