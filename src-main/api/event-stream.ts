import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../lib/clock.ts'

/** A comment line goes out this often, so that both ends notice a dead connection. */
export const HEARTBEAT_MS = 15_000
/** A reader with more than this waiting for it, bytes, is dropped. */
const MAX_BACKLOG = 1 << 20
/** A reader with more than this waiting for it, bytes, gets only the newest of what can be left out. */
const LAGGING_BACKLOG = 128 * 1024

/** One reader of Server-Sent Events. Buffers a bounded amount and drops a reader that does not keep up. */
export class EventStream extends EventEmitter<{ closed: [] }> {
  readonly #response: ServerResponse
  readonly #heartbeat: Timer
  #open = true
  /** The newest message that was held back while the reader lagged. */
  #held: (() => void) | undefined

  constructor(response: ServerResponse, clock: Clock) {
    super()
    this.#response = response
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff'
    })
    response.flushHeaders()
    response.on('error', () => this.#closed())
    response.on('close', () => this.#closed())
    response.on('drain', () => this.#sendHeld())
    this.#heartbeat = clock.every(HEARTBEAT_MS, () => this.#write(': still here\n\n'))
  }

  get open(): boolean {
    return this.#open
  }

  /** Sends one message; `json` must be one line, as `JSON.stringify` makes it. */
  send(event: string, json: string, id?: string): void {
    this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`)
  }

  /** Sends a message that makes earlier ones of its sort worthless: a lagging reader gets only the newest, later. */
  sendNewest(make: () => { event: string; json: string; id?: string }): void {
    this.#held = () => {
      const { event, json, id } = make()
      this.send(event, json, id)
    }
    this.#sendHeld()
  }

  /** Sends what is buffered and ends the stream. */
  end(): void {
    if (!this.#open) return
    this.#response.end()
    this.#closed()
  }

  #sendHeld(): void {
    const held = this.#held
    if (!held || this.#response.writableLength > LAGGING_BACKLOG) return
    this.#held = undefined
    held()
  }

  #write(text: string): void {
    if (!this.#open) return
    if (this.#response.writableLength > MAX_BACKLOG) {
      this.#response.destroy()
      this.#closed()
      return
    }
    this.#response.write(text)
  }

  #closed(): void {
    if (!this.#open) return
    this.#open = false
    this.#heartbeat.cancel()
    this.emit('closed')
  }
}
