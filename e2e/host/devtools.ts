import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'

/** What comes back from the browser; the protocol's own types are not worth their weight here. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Reply = any

interface Pending {
  readonly method: string
  resolve(result: Reply): void
  reject(error: Error): void
}

/** One target (page) of the browser: its commands and events. */
export class DevToolsSession extends EventEmitter<Record<string, [Reply]>> {
  readonly #connection: DevTools
  readonly #id: string

  constructor(connection: DevTools, id: string) {
    super()
    this.setMaxListeners(0)
    this.#connection = connection
    this.#id = id
  }

  send(method: string, params: object = {}): Promise<Reply> {
    return this.#connection.send(method, params, this.#id)
  }
}

/**
 * A connection to a browser's DevTools protocol by its pipe: messages end with a zero byte. Chromium reads a large one there once,
 * which over a WebSocket it copies again with every piece that comes.
 */
export class DevTools extends EventEmitter<Record<string, [Reply]>> {
  readonly #out: Writable
  readonly #pending = new Map<number, Pending>()
  readonly #sessions = new Map<string, DevToolsSession>()
  #lastId = 0
  #isOpen = true

  constructor(from: Readable, out: Writable) {
    super()
    this.setMaxListeners(0)
    this.#out = out
    let begun: Buffer[] = []
    from.on('data', (data: Buffer) => {
      let at = 0
      for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, at)) {
        begun.push(data.subarray(at, end))
        at = end + 1
        const message = Buffer.concat(begun).toString()
        begun = []
        this.#receive(JSON.parse(message))
      }
      if (at < data.length) begun.push(data.subarray(at))
    })
    from.once('close', () => this.#closed())
    for (const stream of [from, out]) stream.on('error', () => this.#closed())
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(gone(method))
      const id = ++this.#lastId
      this.#pending.set(id, { method, resolve, reject })
      this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  }

  async attach(targetId: string): Promise<DevToolsSession> {
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const session = new DevToolsSession(this, sessionId)
    this.#sessions.set(sessionId, session)
    return session
  }

  #receive(message: Reply): void {
    if (message.id !== undefined) {
      const pending = this.#pending.get(message.id)
      this.#pending.delete(message.id)
      if (message.error) pending?.reject(new Error(`${pending.method}: ${message.error.message}`))
      else pending?.resolve(message.result)
    } else if (message.sessionId !== undefined) {
      this.#sessions.get(message.sessionId)?.emit(message.method, message.params)
    } else {
      this.emit(message.method, message.params)
    }
  }

  #closed(): void {
    this.#isOpen = false
    for (const { method, reject } of this.#pending.values()) reject(gone(method))
    this.#pending.clear()
  }
}

const gone = (method: string): Error => new Error(`${method}: the browser is gone`)
