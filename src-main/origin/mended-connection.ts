import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { mendHead } from './mend-head.ts'

/** A connection for one request, whose answer has its header section mended before the parser sees it. */
export class MendedConnection extends Duplex {
  /** The answer says two things about its length; known once its head has come. */
  doubtfulLength = false
  readonly remoteAddress: string | undefined
  readonly localAddress: string | undefined
  readonly #socket: Socket
  #head: Buffer | null = Buffer.alloc(0)
  /** All that comes has been passed on; it may still have to be read. */
  #over = false

  /** @param socket connected and secured */
  constructor(socket: Socket) {
    super()
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress
    this.localAddress = socket.localAddress
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.once('end', () => this.#ended())
    socket.once('error', (error) => this.destroy(error))
    socket.once('close', () => {
      if (!this.#over) this.destroy()
    })
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    // The answer is still to come: nothing is ended on this side.
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #received(chunk: Buffer): void {
    if (this.#head === null) {
      if (!this.push(chunk)) this.#socket.pause()
      return
    }
    this.#head = Buffer.concat([this.#head, chunk])
    const mended = mendHead(this.#head)
    if (mended === null) return
    if (mended === 'hopeless') {
      // The parser says what is wrong with it.
      this.push(this.#head)
    } else {
      this.doubtfulLength = mended.doubtfulLength
      this.push(mended.head)
      const body = this.#head.subarray(mended.bodyAt)
      if (body.length > 0) this.push(body)
    }
    this.#head = null
  }

  #ended(): void {
    this.#over = true
    if (this.#head !== null && this.#head.length > 0) this.push(this.#head)
    this.push(null)
  }
}
