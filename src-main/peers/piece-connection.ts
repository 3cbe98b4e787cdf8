import type { SecureContext, TLSSocket } from 'node:tls'
import { LarderError } from '../lib/errors.ts'
import { HeadReader, type AnswerHead } from './answer-head.ts'
import { dialTls } from './tls-channel.ts'

/** Bytes taken from the socket at a time. */
const READ_BYTES = 64 * 1024

/** Who takes an answer. Nothing is called after `end` or `broken`. */
export interface AnswerSink {
  /** @throws to refuse the body; the connection ends and `broken` hears the reason */
  head(head: AnswerHead): void
  /** The chunk is valid during the call only. @throws as `head` */
  body(chunk: Buffer): void
  /** The answer is complete; the connection may be used again. */
  end(): void
  /** The connection ended before the answer did. `fresh`: before anything of it came. */
  broken(error: Error | undefined, fresh: boolean): void
}

/**
 * The client's end of one keep-alive HTTP/1.1 connection, one request at a time. Reads into one buffer of its own: with
 * `node:http` each 16 KiB of a body is allocated and copied once more, which costs about as much as decrypting it.
 *
 *     dialling ──► idle ◄──► busy ──► closed
 */
export class PieceConnection {
  readonly socket: TLSSocket
  readonly #head = new HeadReader()
  #sink: AnswerSink | undefined
  /** Bytes of the body still to come; undefined while the head is. */
  #left: number | undefined
  #error: Error | undefined
  /** Requests sent so far. */
  #requests = 0

  constructor(secureContext: SecureContext, to: { host: string; port: number }) {
    const read = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (length: number, buffer: Uint8Array) => this.#take(buffer as Buffer, length) }
    this.socket = dialTls(secureContext, to, read)
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

  /** Sends a request; the connection must be idle. */
  request(path: string, sink: AnswerSink): void {
    this.#requests++
    this.#sink = sink
    this.#left = undefined
    if (this.closed) {
      queueMicrotask(() => this.#broken())
      return
    }
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: peer\r\n\r\n`)
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.socket.destroy()
  }

  #take(buffer: Buffer, length: number): boolean {
    try {
      let at = 0
      if (this.#left === undefined) at = this.#takeHead(buffer.subarray(0, length))
      if (at < length) this.#takeBody(buffer.subarray(at, length))
    } catch (error) {
      this.destroy(error as Error)
      this.#broken()
    }
    // A sink that wants a pause has asked the socket for it.
    return !this.socket.isPaused()
  }

  /** @returns where the body begins */
  #takeHead(chunk: Buffer): number {
    if (!this.#sink) throw new LarderError('PEER_PROTOCOL', 'The answer came before the question')
    const found = this.#head.push(chunk)
    if (!found) return chunk.length
    this.#left = found.head.lengthBytes
    this.#sink.head(found.head)
    if (this.#left === 0) this.#end()
    return found.bodyAt
  }

  #takeBody(chunk: Buffer): void {
    if (chunk.length > (this.#left ?? 0)) throw new LarderError('PEER_PROTOCOL', 'The answer is longer than announced')
    this.#left! -= chunk.length
    this.#sink?.body(chunk)
    if (this.#left === 0) this.#end()
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
