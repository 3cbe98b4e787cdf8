import { EventEmitter } from 'node:events'

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

/** A connection to a browser's DevTools protocol. */
export class DevTools extends EventEmitter<Record<string, [Reply]>> {
  readonly #socket: WebSocket
  readonly #pending = new Map<number, Pending>()
  readonly #sessions = new Map<string, DevToolsSession>()
  #lastId = 0

  private constructor(socket: WebSocket) {
    super()
    this.setMaxListeners(0)
    this.#socket = socket
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)))
    socket.onclose = () => {
      for (const { method, reject } of this.#pending.values()) reject(gone(method))
      this.#pending.clear()
    }
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`test host: no connection to ${url}`))
    })
    return new DevTools(socket)
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(gone(method))
      const id = ++this.#lastId
      this.#pending.set(id, { method, resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
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
}

const gone = (method: string): Error => new Error(`${method}: the browser is gone`)
