import { createHash, createHmac } from 'node:crypto'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import { keyHashOf, encodeRecord } from '../../pieces/record.ts'
import type { Pace } from '../../rates/pace.ts'
import type { ServedContent } from '../network.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Knowledge } from './knowledge.ts'
import type { AnswerSink, PieceConnection } from './piece-connection.ts'
import type { PieceClient } from './piece-client.ts'
import type { PieceHost } from './piece-pool.ts'
import { depositPath, PIECES_TYPE, runBytes, type PieceRun } from './piece-request.ts'

/** A hub that takes nothing and says nothing for this long is given up. */
const STALL_MS = 10_000
const SLICE_BYTES = 64 * 1024

/** The id of a hub's deposit as a source of pieces: what it keeps for others is not what it has itself. */
export function depositId(hub: PeerId): PeerId {
  return createHash('sha256').update('larder/deposit/v1\0').update(hub).digest('hex') as PeerId
}

/**
 * What shows a hub which content is meant without telling it the key: the hash that records carry, and an HMAC that only those can make
 * who have asked the origin (`DepositTag`).
 */
export function depositTag(key: ContentKey, knowledge: Knowledge): string | undefined {
  const secret = knowledge(key)
  if (!secret) return undefined
  const proof = createHmac('sha256', secret).update('larder/deposit-tag/v1\0').update(key).digest('hex')
  return keyHashOf(key).toString('hex') + proof
}

/** One `PUT` and its answer. */
class Bringing implements AnswerSink {
  readonly done: Promise<number>
  #settle!: (status: number) => void
  #fail!: (error: unknown) => void
  #status = 0

  readonly name: string

  constructor(name: string) {
    this.name = name
    this.done = new Promise((resolve, reject) => {
      this.#settle = resolve
      this.#fail = reject
    })
    this.done.catch(() => {})
  }

  head({ status, lengthBytes }: AnswerHead): void {
    if (lengthBytes > 0) throw new LarderError('PEER_PROTOCOL', `${this.name} answered with a body`)
    this.#status = status
  }

  body(): void {}

  room(): Buffer {
    throw new LarderError('PEER_PROTOCOL', `${this.name} answered with a body`)
  }

  filled(): void {}

  end(): void {
    this.#settle(this.#status)
  }

  broken(error: Error | undefined): void {
    this.#fail(
      error instanceof LarderError ? error : new LarderError('PEER_LOST', `${this.name} broke off`, { cause: error })
    )
  }
}

/**
 * Brings a run of pieces to a hub.
 * @returns the status of its answer
 * @throws PEER_LOST, PEER_PROTOCOL, CANCELLED; what reading the content throws
 */
export async function bringRun(
  client: Pick<PieceClient, 'pool'>,
  hub: PieceHost,
  name: ContentKey,
  content: ServedContent,
  run: PieceRun,
  { signal, clock, upload }: { signal: AbortSignal; clock: Clock; upload: Pace }
): Promise<number> {
  const pool = client.pool(hub)
  const connection = await pool.take(signal, STALL_MS)
  const bringing = new Bringing(hub.name)
  let answered = false
  let status = 0
  void bringing.done.then(
    () => (answered = true),
    () => (answered = true)
  )
  const onAbort = () => connection.destroy(LarderError.from(signal.reason, 'CANCELLED'))
  signal.addEventListener('abort', onAbort, { once: true })
  let stall = clock.after(STALL_MS, () => connection.destroy())
  const moved = () => {
    stall.cancel()
    stall = clock.after(STALL_MS, () => connection.destroy())
  }
  try {
    const length = runBytes(content.plan, run)
    connection.request(
      depositPath(name, run),
      `Content-Type: ${PIECES_TYPE}\r\nContent-Length: ${length}\r\n`,
      bringing,
      'PUT'
    )
    for (let index = run.first; index < run.first + run.count && !answered; index++) {
      const piece = await content.read(index)
      try {
        moved()
        await write(connection, encodeRecord(content.record(index)))
        for (let at = 0; at < piece.data.length && !answered; at += SLICE_BYTES) {
          const slice = piece.data.subarray(at, at + SLICE_BYTES)
          const held = upload(slice.length)
          if (held) await held
          await write(connection, slice)
          moved()
        }
        if (!answered) content.served(hub.id, piece.data.length)
      } finally {
        piece.release()
      }
    }
    status = await bringing.done
    pool.answered()
    return status
  } finally {
    stall.cancel()
    signal.removeEventListener('abort', onAbort)
    pool.release(connection, status === 200)
  }
}

/** Written when the socket has taken it, so that the memory may be used again. */
function write({ socket }: PieceConnection, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()))
}
