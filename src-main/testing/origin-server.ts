import { EventEmitter } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { openContent, type Content, type ContentSource } from './origin-server-content.ts'
import { FaultState, type OriginFaults } from './origin-server-faults.ts'
import { OriginLog, type OriginRequest, type OriginStats } from './origin-server-log.ts'
import { RateGate } from './origin-server-rate.ts'
import { evaluate, partsEnd, type Answer, type RangeOfMany } from './origin-server-answer.ts'
import { makeTestCertificate } from './origin-server-tls.ts'

export type { ContentSource } from './origin-server-content.ts'
export type { OriginFaults } from './origin-server-faults.ts'
export type { OriginPathStats, OriginRequest, OriginStats } from './origin-server-log.ts'

export interface OriginServerOptions {
  /** TCP port on 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number
  /** Also listen for HTTPS on another port, with a certificate made now. */
  readonly https?: boolean
  /** Content bytes per second over all connections; absent or null: as fast as it goes. */
  readonly rateBytesPerSecond?: number | null
  /** Wait before each answer, as a long way would cause. */
  readonly latencyMs?: number
  /** Called with each request before it is answered; the answer waits for it. */
  readonly onRequest?: (request: OriginRequest) => void | Promise<void>
}

export interface OriginFileOptions {
  /** With its quotes. Absent: made from content; null: none. */
  readonly etag?: string | null
  /** Absent: a day ago; null: none. */
  readonly lastModified?: Date | null
  /** More header fields of the answer (`Cache-Control`, `Vary`, `Set-Cookie`, …). */
  readonly headers?: Readonly<Record<string, string>>
  /** Publish the right SHA-256: in `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), or a Metalink at `<path>.meta4`. */
  readonly digest?: 'repr-digest' | 'digest' | 'metalink'
  /** Expected value of `Authorization`; without it 401. */
  readonly authorization?: string
  /** Answer with this redirect instead; no content is sent. */
  readonly redirect?: { readonly to: string; readonly status?: 301 | 302 | 303 | 307 | 308 }
  readonly faults?: OriginFaults
}

interface StoredFile {
  content: Content
  options: OriginFileOptions
  faults: FaultState
  /** Counts replacements; part of the made entity tag. */
  generation: number
}

/** Most content bytes handed to a connection at once: unlimited, and with a rate (there smaller, so that a kill wastes little). */
const CHUNK_BYTES = 256 * 1024
const RATED_CHUNK_BYTES = 32 * 1024

/** Starts an origin on 127.0.0.1. Ends with `close`. */
export async function startOriginServer(options: OriginServerOptions = {}): Promise<OriginServer> {
  const certificate = options.https ? await makeTestCertificate() : null
  const server = new OriginServer(options, certificate?.ca ?? null)
  await server.listen(options.port ?? 0, certificate)
  return server
}

/**
 * An HTTP origin for tests, demo and bench, with every fault a real one can have.
 *
 * `contentBytes` counts bytes of bodies handed to the sockets. With a rate the client is some ten ms of it behind as long as
 * it reads; without one the kernel's buffers (some MiB on loopback) may hold what a killed client never took.
 */
export class OriginServer extends EventEmitter<{
  request: [OriginRequest]
  answered: [OriginRequest]
  progress: [path: string, bytes: number]
}> {
  /** `http://127.0.0.1:port`, without slash. */
  url = ''
  /** `https://127.0.0.1:port`, empty without HTTPS. */
  httpsUrl = ''
  /** PEM of the CA to trust for HTTPS. */
  readonly ca: string | null
  onRequest: OriginServerOptions['onRequest']
  latencyMs: number
  #files = new Map<string, StoredFile>()
  #gate: RateGate
  #servers: (http.Server | https.Server)[] = []
  #sockets = new Set<Socket>()
  readonly #log = new OriginLog()
  #closed = false

  constructor(options: OriginServerOptions, ca: string | null) {
    super()
    this.ca = ca
    this.onRequest = options.onRequest
    this.latencyMs = options.latencyMs ?? 0
    this.#gate = new RateGate(options.rateBytesPerSecond ?? null)
  }

  async listen(port: number, certificate: { key: string; cert: string } | null): Promise<void> {
    const plain = http.createServer({ keepAliveTimeout: 30_000 }, (request, response) =>
      this.#answer(request, response, false)
    )
    this.url = `http://127.0.0.1:${await this.#open(plain, port)}`
    if (!certificate) return
    const secure = https.createServer({ ...certificate, keepAliveTimeout: 30_000 }, (request, response) =>
      this.#answer(request, response, true)
    )
    this.httpsUrl = `https://127.0.0.1:${await this.#open(secure, 0)}`
  }

  /** Serves `content` at `path` (`/name`), in place of what was there. @returns its http URL */
  put(path: string, content: ContentSource, options: OriginFileOptions = {}): string {
    const generation = (this.#files.get(path)?.generation ?? -1) + 1
    this.#files.set(path, {
      content: openContent(content),
      options,
      faults: new FaultState(options.faults ?? {}),
      generation
    })
    return this.url + path
  }

  /**
   * The file changes. Running answers go on with the old bytes, as after a rename; with `inPlace` they go on with the new
   * ones, as after an overwrite. Options not given stay as they were.
   */
  replace(path: string, content: ContentSource, options: OriginFileOptions & { inPlace?: boolean } = {}): void {
    const before = this.#file(path)
    const { inPlace, ...changed } = options
    const kept: OriginFileOptions = { ...before.options, ...changed }
    const after: StoredFile = {
      content: openContent(content),
      options: kept,
      faults: changed.faults ? new FaultState(changed.faults) : before.faults,
      generation: before.generation + 1
    }
    if (inPlace) before.content = after.content
    this.#files.set(path, after)
  }

  /** The path is 404 from now on. */
  remove(path: string): void {
    this.#files.delete(path)
  }

  bytes(path: string): number {
    return this.#file(path).content.bytes
  }

  /** SHA-256 of the file, hex. */
  sha256(path: string): Promise<string> {
    return this.#file(path).content.sha256()
  }

  /** The right bytes of a file, for comparing; the whole by default. */
  contents(path: string, start = 0, length?: number): Buffer {
    const { content } = this.#file(path)
    return content.read(start, length ?? content.bytes - start)
  }

  get rateBytesPerSecond(): number | null {
    return this.#gate.bytesPerSecond
  }

  set rateBytesPerSecond(value: number | null) {
    this.#gate.bytesPerSecond = value
  }

  /** Content bytes sent: of one path, or in total. */
  contentBytes(path?: string): number {
    return this.#log.contentBytes(path)
  }

  /** Requests so far, oldest first: of one path, or all. */
  requests(path?: string): OriginRequest[] {
    return this.#log.requests(path)
  }

  stats(): OriginStats {
    return this.#log.stats()
  }

  /** Forgets all counts and requests; files and faults stay. */
  reset(): void {
    this.#log.reset()
  }

  /** Cuts all connections at once, as a crash would. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#gate.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  async #open(server: http.Server | https.Server, port: number): Promise<number> {
    this.#servers.push(server)
    server.on('connection', (socket: Socket) => {
      this.#log.connected()
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('clientError', (_error, socket) => socket.destroy())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve())
    })
    return (server.address() as AddressInfo).port
  }

  #file(path: string): StoredFile {
    const file = this.#files.get(path)
    if (!file) throw new Error(`no file at ${path}`)
    return file
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse, secure: boolean): void {
    response.on('error', () => {})
    this.#serve(request, response, secure).catch(() => response.destroy())
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse, secure: boolean): Promise<void> {
    request.resume()
    const target = request.url ?? '/'
    const path = target.split('?', 1)[0]!
    const method = request.method ?? 'GET'
    if (path === '/__stats' || path === '/__reset') return this.#control(path, response)
    const entry: OriginRequest = {
      path,
      target,
      method,
      headers: request.headers,
      range: request.headers.range ?? null,
      clientPort: request.socket.remotePort ?? 0,
      at: Date.now(),
      secure,
      status: 0,
      contentBytes: 0
    }
    const stats = this.#log.add(entry)
    this.emit('request', entry)
    await this.onRequest?.(entry)
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs))
    if (response.destroyed) return

    const file = this.#files.get(path)
    if (!file) {
      const described = path.endsWith('.meta4') ? this.#files.get(path.slice(0, -'.meta4'.length)) : undefined
      if (described?.options.digest === 'metalink')
        return this.#sendText(entry, response, 200, await metalinkOf(path, described.content), {
          'Content-Type': 'application/metalink4+xml'
        })
      return this.#sendText(entry, response, 404, 'not here\n')
    }
    const { faults } = file
    if (faults.faults.raw !== undefined) {
      entry.status = -1
      response.socket?.end(faults.faults.raw)
      return
    }
    if (faults.strike('silent')) return
    const slow = faults.strike('slowHeaders')
    if (slow) return this.#sendHeadersSlowly(response, slow.everyMs)
    const forced = faults.nextStatus(method)
    if (forced) return this.#sendText(entry, response, forced.status, `status ${forced.status}\n`, forced.headers)
    if (method === 'HEAD' && faults.faults.headStatus !== undefined)
      return this.#sendText(entry, response, faults.faults.headStatus, '')
    if (method !== 'GET' && method !== 'HEAD') return this.#sendText(entry, response, 405, '', { Allow: 'GET, HEAD' })
    const { options } = file
    if (options.authorization !== undefined && request.headers.authorization !== options.authorization) {
      return this.#sendText(entry, response, 401, 'who are you?\n', { 'WWW-Authenticate': 'Basic realm="test"' })
    }
    if (options.redirect)
      return this.#sendText(entry, response, options.redirect.status ?? 302, '', {
        Location: options.redirect.to,
        ...options.headers
      })
    const digest =
      options.digest === undefined || options.digest === 'metalink'
        ? null
        : { as: options.digest, hex: await file.content.sha256() }
    const answer = evaluate({
      method,
      conditions: request.headers,
      bytes: file.content.bytes,
      etag:
        options.etag === undefined
          ? `"${file.generation}-${file.content.bytes.toString(16)}-${path.length}"`
          : options.etag,
      lastModified: options.lastModified === undefined ? dayAgo : options.lastModified,
      faults: faults.faults,
      answered: stats.requests
    })
    const headers: Record<string, string> = { ...answer.headers, ...options.headers }
    if (options.digest === 'metalink')
      headers['Link'] = `<${path}.meta4>; rel=describedby; type="application/metalink4+xml"`
    if (digest) {
      const value = Buffer.from(digest.hex, 'hex').toString('base64')
      if (digest.as === 'repr-digest') headers['Repr-Digest'] = `sha-256=:${value}:`
      else headers['Digest'] = `SHA-256=${value}`
    }
    entry.status = answer.status
    if (faults.faults.gzip && answer.body) return this.#sendCompressed(entry, response, headers, file.content)
    response.writeHead(answer.status, headers)
    response.flushHeaders()
    if (method === 'HEAD' || !answer.body) {
      response.end()
      this.emit('answered', entry)
      return
    }
    if (answer.parts) await this.#sendParts(entry, response, file, answer.parts)
    else await this.#sendBody(entry, response, file, answer)
    this.emit('answered', entry)
  }

  async #sendBody(
    entry: OriginRequest,
    response: http.ServerResponse,
    file: StoredFile,
    answer: Answer
  ): Promise<void> {
    const { faults } = file
    const [first, length] = answer.body!
    const cut = faults.strike('shortBy')
    const extra = faults.strike('longBy')
    const reset = faults.strike('resetAfter')
    const stall = faults.strike('stallAfter')
    const end = faults.faults.endless ? Number.MAX_SAFE_INTEGER : length - (cut?.bytes ?? 0) + (extra?.bytes ?? 0)
    const stop = Math.min(end, reset?.bytes ?? Infinity, stall?.bytes ?? Infinity)
    const whole = file.content.bytes
    let sent = 0
    while (sent < stop) {
      const most = Math.min(stop - sent, this.#gate.bytesPerSecond === null ? CHUNK_BYTES : RATED_CHUNK_BYTES)
      const leave = await this.#gate.take(most)
      if (this.#closed || response.destroyed || response.req.socket.destroyed) {
        this.#gate.giveBack(leave)
        return
      }
      const offset = first + sent
      const inside = Math.min(leave, Math.max(0, whole - offset))
      const chunk = inside > 0 ? file.content.read(offset, inside) : Buffer.alloc(leave, 0x21)
      if (chunk.length < leave) this.#gate.giveBack(leave - chunk.length)
      sent += chunk.length
      this.#count(entry, chunk.length)
      if (!(await handOver(response, chunk))) return
      // Saved-up leave must not keep this loop from hearing that the client is gone.
      if (this.#gate.bytesPerSecond !== null) await turn()
    }
    if (stall && sent >= stall.bytes) return
    if (reset && sent >= reset.bytes) {
      // What was written must leave first, or the kernel throws it away with the reset.
      await new Promise((resolve) => setTimeout(resolve, 5))
      response.socket?.resetAndDestroy()
      return
    }
    if (cut) response.socket?.end()
    else response.end()
  }

  /** What frames the parts takes its share of the rate as their bytes do; only these count as content. */
  async #sendParts(
    entry: OriginRequest,
    response: http.ServerResponse,
    { content }: StoredFile,
    parts: readonly RangeOfMany[]
  ): Promise<void> {
    const body = Buffer.concat([
      ...parts.flatMap(({ head, first, length }) => [Buffer.from(head), content.read(first, length)]),
      Buffer.from(partsEnd)
    ])
    for (let sent = 0; sent < body.length;) {
      const leave = await this.#gate.take(Math.min(body.length - sent, RATED_CHUNK_BYTES))
      if (this.#closed || response.destroyed) return this.#gate.giveBack(leave)
      if (!(await handOver(response, body.subarray(sent, sent + leave)))) return
      sent += leave
    }
    this.#count(
      entry,
      parts.reduce((sum, { length }) => sum + length, 0)
    )
    response.end()
  }

  #count(entry: OriginRequest, bytes: number): void {
    this.#log.sent(entry, bytes)
    this.emit('progress', entry.path, entry.contentBytes)
  }

  #sendCompressed(
    entry: OriginRequest,
    response: http.ServerResponse,
    headers: Record<string, string>,
    content: Content
  ): void {
    const body = gzipSync(content.read(0, content.bytes))
    const { 'Content-Range': _dropped, ...rest } = headers
    entry.status = 200
    response.writeHead(200, { ...rest, 'Content-Encoding': 'gzip', 'Content-Length': body.length })
    this.#count(entry, body.length)
    response.end(entry.method === 'HEAD' ? undefined : body)
    this.emit('answered', entry)
  }

  #sendText(
    entry: OriginRequest,
    response: http.ServerResponse,
    status: number,
    text: string,
    headers: Record<string, string> = {}
  ): void {
    entry.status = status
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(text), ...headers })
    response.end(entry.method === 'HEAD' ? undefined : text)
    this.emit('answered', entry)
  }

  #sendHeadersSlowly(response: http.ServerResponse, everyMs: number): void {
    const socket = response.socket
    if (!socket) return
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ')
    const timer = setInterval(() => socket.write('x'), everyMs)
    socket.once('close', () => clearInterval(timer))
  }

  #control(path: string, response: http.ServerResponse): void {
    if (path === '/__reset') this.reset()
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(this.stats()))
  }
}

const dayAgo = new Date(Math.floor(Date.now() / 1000) * 1000 - 24 * 3600_000)

/** Writes and waits until the socket wants more. @returns false when the connection is gone */
function handOver(response: http.ServerResponse, chunk: Buffer): Promise<boolean> | true {
  if (response.write(chunk)) return true
  return new Promise((resolve) => {
    const done = (alive: boolean) => {
      response.off('drain', onDrain)
      response.off('close', onClose)
      resolve(alive)
    }
    const onDrain = () => done(true)
    const onClose = () => done(false)
    response.on('drain', onDrain)
    response.on('close', onClose)
  })
}

async function metalinkOf(path: string, content: Content): Promise<string> {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.meta4'.length)
  return `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <file name="${name}">
    <size>${content.bytes}</size>
    <hash type="sha-256">${await content.sha256()}</hash>
  </file>
</metalink>
`
}
