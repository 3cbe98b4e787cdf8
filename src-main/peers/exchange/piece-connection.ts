// Why it is like this: docs/decisions/0064-own-code-that-was-weighed-against-a-library.md
import type { SecureContext, TLSSocket } from 'node:tls'
import { LarderError } from '../../lib/errors.ts'
import { HeadReader, type AnswerHead } from './answer-head.ts'
import { dialTls } from '../fleet/tls-channel.ts'

/** Memory for what has no other place: heads of answers. A TLS record holds no more. */
const READ_BYTES = 16 * 1024

/** Who takes an answer. Nothing is called after `end` or `broken`. */
export interface AnswerSink {
  /** @throws to refuse the body; the connection ends and `broken` hears the reason */
  head(head: AnswerHead): void
  /** Bytes of the body that came along with the head; valid during the call only. @throws as `head` */
  body(chunk: Buffer): void
  /** Where the next bytes of the body belong; asked again after each {@link filled}. Nobody else may use that memory meanwhile. */
  room(): Buffer
  /** The first `length` bytes of the last {@link room} are there. @throws as `head` */
  filled(length: number): void
  /** The answer is complete; the connection may be used again. */
  end(): void
  /** The connection ended before the answer did. `fresh`: before anything of it came. */
  broken(error: Error | undefined, fresh: boolean): void
}

/**
 * The client's end of one keep-alive HTTP/1.1 connection, one request at a time. TLS puts a body straight to where it
 * belongs: with `node:http` each 16 KiB of it is allocated and copied once more, which costs about as much as decrypting it,
 * and copying into memory that threads share costs still more.
 *
 *     dialling ──► idle ◄──► busy ──► closed
 */
export class PieceConnection {
  readonly socket: TLSSocket
  readonly #own = Buffer.allocUnsafeSlow(READ_BYTES)
  readonly #head = new HeadReader()
  #sink: AnswerSink | undefined
  /** Bytes of the body still to come; undefined while the head is. */
  #left: number | undefined
  #error: Error | undefined
  /** Requests sent so far. */
  #requests = 0

  constructor(secureContext: SecureContext, to: { host: string; port: number }) {
    this.socket = dialTls(secureContext, to, {
      buffer: () => this.#room(),
      callback: (length, buffer) => this.#take(buffer as Buffer, length)
    })
    this.socket.on('error', (error) => (this.#error ??= error))
    this.socket.once('close', () => this.#broken())
  }

  /** It has carried an answer before, so its other end may have given it up meanwhile. */
  get used(): boolean {
    return this.#requests > 1
  }

  get closed(): boolean {
    return this.socket.destroyed
  }

  /** Sends a request; the connection must be idle. Whoever asks with `PUT` writes the body. @param fields further lines of its head, each with its line end */
  request(path: string, fields: string, sink: AnswerSink, method: 'GET' | 'PUT' = 'GET'): void {
    this.#requests++
    this.#sink = sink
    this.#left = undefined
    if (this.closed) {
      queueMicrotask(() => this.#broken())
      return
    }
    this.socket.write(`${method} ${path} HTTP/1.1\r\nHost: peer\r\n${fields}\r\n`)
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.socket.destroy()
  }

  /** Asked after each reading; the bytes of the next one are put there before anybody hears of them. */
  #room(): Buffer {
    return this.#sink && this.#left !== undefined ? this.#sink.room() : this.#own
  }

  #take(buffer: Buffer, length: number): boolean {
    try {
      if (buffer === this.#own) this.#takeOwn(buffer.subarray(0, length))
      else this.#sink?.filled(this.#counted(length))
      if (this.#left === 0) this.#end()
    } catch (error) {
      this.destroy(error as Error)
      this.#broken()
    }
    // A sink that wants a pause has asked the socket for it.
    return !this.socket.isPaused()
  }

  /** A head, or a part of it, and what follows it. */
  #takeOwn(chunk: Buffer): void {
    if (!this.#sink) throw new LarderError('PEER_PROTOCOL', 'The answer came before the question')
    const found = this.#head.push(chunk)
    if (!found) return
    this.#left = found.head.lengthBytes
    this.#sink.head(found.head)
    const body = chunk.subarray(found.bodyAt)
    if (body.length > 0) this.#sink.body(body.subarray(0, this.#counted(body.length)))
  }

  /** Takes bytes of the body off what is still to come. */
  #counted(length: number): number {
    if (length > (this.#left ?? 0)) throw new LarderError('PEER_PROTOCOL', 'The answer is longer than announced')
    this.#left! -= length
    return length
  }

  #end(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#left = undefined
    sink?.end()
  }

  #broken(): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.broken(this.#error, this.#left === undefined && this.#head.empty)
  }
}
