import { createServer, type IncomingMessage, type Server } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { listenAt } from '../../lib/listen-at.ts'
import { plainAddress } from '../fleet/tls-channel.ts'
import { MAX_TUNNEL_FRAME_BYTES, TUNNEL_PATH, tunnelStream } from './tunnel-stream.ts'

/** Connections that have not asked for anything yet have this long. */
const PATIENCE_MS = 10_000
const MAX_HEADER_BYTES = 16 * 1024

interface TunnelEntranceOptions {
  readonly maxConnections: number
  /** CIDR notation: proxies whose word about where a connection comes from is taken. */
  readonly trustedProxies: readonly string[]
  /** Takes the bytes inside. @param source where they come from, as a trusted proxy says; null: not known */
  readonly take: (stream: Duplex, source: string | null) => void
}

/**
 * Where a reverse proxy brings the agents of a hub: plain HTTP, because TLS with both certificates runs inside. Any path that
 * ends in `/hub` is a hub's, so the proxy may leave its prefix on or take it off; `/health` tells load balancers that it is up.
 */
export class TunnelEntrance {
  readonly #o: TunnelEntranceOptions
  readonly #server: Server
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_TUNNEL_FRAME_BYTES,
    perMessageDeflate: false
  })
  readonly #trusted = new BlockList()

  constructor(options: TunnelEntranceOptions) {
    this.#o = options
    for (const subnet of options.trustedProxies) {
      const [address = '', bits] = subnet.split('/')
      this.#trusted.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
    }
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      noDelay: true
    })
    this.#server.maxConnections = options.maxConnections
    this.#server.on('request', (request, response) => {
      response.writeHead(pathOf(request).endsWith('/health') ? 204 : 404, { 'content-length': 0 }).end()
    })
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** @param at `host:port`, `[v6]:port`. @returns the port. @throws PORT_TAKEN */
  listen(at: string): Promise<number> {
    return listenAt(this.#server, at, 'hub.listen')
  }

  async close(): Promise<void> {
    for (const ws of this.#webSockets.clients) ws.terminate()
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From here on nobody else hears what becomes of it.
    socket.on('error', () => socket.destroy())
    if (!pathOf(request).endsWith(`/${TUNNEL_PATH}`)) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const source = this.#sourceOf(request)
    this.#webSockets.handleUpgrade(request, socket, head, (ws) => this.#o.take(tunnelStream(ws), source))
  }

  /** A proxy adds where a connection comes from at the end; what stands before that anybody may have written. */
  #sourceOf(request: IncomingMessage): string | null {
    const proxy = plainAddress(request.socket.remoteAddress)
    if (isIP(proxy) === 0 || !this.#trusted.check(proxy, isIPv6(proxy) ? 'ipv6' : 'ipv4')) return null
    const said = request.headers['x-forwarded-for']
    const last = plainAddress((Array.isArray(said) ? said.join(',') : (said ?? '')).split(',').at(-1)?.trim())
    return isIP(last) === 0 ? null : last
  }
}

const pathOf = ({ url }: IncomingMessage): string => (url ?? '/').split('?', 1)[0]!
