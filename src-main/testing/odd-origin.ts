import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { behaviours, type OddCall } from './odd-behaviours.ts'

/** One answered request. */
export interface OddRequest {
  readonly method: string
  /** Path and query as they were sent. */
  readonly target: string
  readonly fields: Readonly<Record<string, string>>
  /** Bytes of the body that were handed to the socket. */
  sent: number
}

/** A web server of the odd sort: the first segment of the path chooses how it behaves. See `odd-behaviours.ts`. */
export interface OddOrigin {
  /** `http://127.0.0.1:port`, without slash. */
  readonly url: string
  readonly body: Buffer
  readonly sha256: string
  readonly requests: OddRequest[]
  /** Body bytes sent under a path prefix. */
  sent(prefix: string): number
  /** Bytes a second on each connection; null: as fast as it goes. */
  rate: number | null
  /** Forgets requests and whatever a behaviour remembers. */
  reset(): void
  close(): Promise<void>
}

export async function startOddOrigin(bytes = 3 * 1024 ** 2 + 7): Promise<OddOrigin> {
  const body = randomBody(bytes)
  const requests: OddRequest[] = []
  const sockets = new Set<Socket>()
  const memory = new Map<string, number>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let head = Buffer.alloc(0)
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', read)
      socket.resume()
      void answer(socket, head.subarray(0, end).toString('latin1')).catch(() => socket.destroy())
    }
    socket.on('data', read)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const origin: OddOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    body,
    sha256: createHash('sha256').update(body).digest('hex'),
    requests,
    rate: null,
    sent: (prefix) =>
      requests.filter(({ target }) => target.startsWith(prefix)).reduce((sum, { sent }) => sum + sent, 0),
    reset() {
      requests.length = 0
      memory.clear()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
  return origin

  async function answer(socket: Socket, text: string): Promise<void> {
    const [line = '', ...lines] = text.split('\r\n')
    const [method = '', target = ''] = line.split(' ')
    const fields = Object.fromEntries(
      lines.map((field) => [
        field.slice(0, field.indexOf(':')).toLowerCase(),
        field.slice(field.indexOf(':') + 1).trim()
      ])
    )
    const request: OddRequest = { method, target, fields, sent: 0 }
    requests.push(request)
    const [path = '', query = ''] = target.split(/\?(.*)/s)
    const call: OddCall = {
      method,
      target,
      path,
      query,
      fields,
      body: origin.body,
      count(name) {
        const n = (memory.get(name) ?? 0) + 1
        memory.set(name, n)
        return n
      },
      seen: (name) => memory.get(name) ?? 0,
      head(status, answerFields, eol = '\r\n') {
        const all = [`HTTP/1.1 ${status}`, ...answerFields, 'Connection: close']
        socket.write(Buffer.from(all.join(eol) + eol + eol, 'utf8'))
      },
      async send(data, { breakAfter = Infinity, hangAfter = Infinity } = {}) {
        for (let at = 0; at < data.length; at += 64 * 1024) {
          const chunk = data.subarray(at, Math.min(data.length, at + 64 * 1024))
          if (socket.destroyed) return
          if (at + chunk.length > breakAfter) return void socket.resetAndDestroy()
          if (at + chunk.length > hangAfter) return new Promise((resolve) => socket.once('close', () => resolve()))
          // Counted when it can leave: a client that has gone away costs no more than what is on the way.
          if (!socket.write(chunk)) await drained(socket)
          request.sent += chunk.length
          if (origin.rate !== null)
            await new Promise((resolve) => setTimeout(resolve, (chunk.length / origin.rate!) * 1000))
        }
      },
      reset: () => void socket.resetAndDestroy(),
      hang: () => new Promise((resolve) => socket.once('close', () => resolve()))
    }
    const behave = behaviours[path.split('/')[1] ?? ''] ?? behaviours['plain']!
    await behave(call)
    socket.end()
  }
}

/** The socket takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** The same bytes for the same length. */
function randomBody(bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes)
  let state = 0x9e3779b9
  for (let i = 0; i + 4 <= bytes; i += 4) {
    state = Math.imul(state ^ (state >>> 15), state | 1) ^ (state + Math.imul(state ^ (state >>> 7), state | 61))
    body.writeInt32LE((state ^ (state >>> 14)) | 0, i)
    state = (state + 0x6d2b79f5) | 0
  }
  return body
}
