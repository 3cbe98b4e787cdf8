import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Log } from '../../agent/agent.ts'
import type { ApiToken } from '../../contract/api.ts'
import type { Clock } from '../../lib/clock.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { listenOn } from '../../lib/listen-at.ts'
import { ConnectionPlaces, silentCallersLeave } from '../connection-places.ts'
import { errorAnswer } from '../error-answer.ts'
import { answerUnreadable } from '../unreadable-call.ts'
import { assertNoBrowser, assertOwnHost, listedBy, showsToken } from './access.ts'
import { isLoop } from './fields.ts'
import { refuse, serve, type GatewayAgent } from './serve.ts'
import { readTarget } from './target.ts'

const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 256
/** Of them, only for callers who have shown the token. */
const RESERVED_CONNECTIONS = 32
/** Answers under way at the same time; each holds at most one piece in memory. */
const MAX_ANSWERS = 64
/** A call must have arrived completely after this long. */
const CALL_TIMEOUT_MS = 30_000
/** A connection on which nothing moves for this long is cut: its reader is gone or will never come back. */
const IDLE_TIMEOUT_MS = 15 * 60_000

export interface GatewayOptions {
  readonly agent: GatewayAgent
  readonly token: ApiToken
  /** Hosts everybody on this PC may ask for; asked at each call. */
  readonly hosts: () => readonly string[]
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number
  readonly clock: Clock
  readonly log: Log
}

/** The gateway, listening. */
export interface Gateway {
  readonly port: number
  /** Ends all answers and stops listening. Idempotent. */
  close(): Promise<void>
}

/**
 * Serves download tools over HTTP on 127.0.0.1: `/fetch/https/host/…`, `/fetch?url=…`, and as a proxy for `http://` URLs.
 * @throws PORT_TAKEN with the port
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { agent, clock, log } = options
  let own: readonly string[] = []
  let answers = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method = '', url = '' } = request
    let asked: string | null = null
    response.setHeader('x-content-type-options', 'nosniff')
    // Should a browser show it after all, nothing in it runs.
    response.setHeader('content-security-policy', "sandbox; default-src 'none'")
    try {
      assertNoBrowser(headers)
      // What stands before us may have gone by the other one (RFC 9112 §3.2).
      if (request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length > 1)
        throw new LarderError('BAD_REQUEST', 'The call has two Host fields')
      if (url.startsWith('/')) assertOwnHost(headers.host, own)
      if (isLoop(headers)) throw new LarderError('GATEWAY_LOOP', 'The agent’s own request came back to its gateway')
      const target = readTarget(method, url, own)
      asked = target.url
      const trusted = () => {
        if (!showsToken(headers['proxy-authorization'], options.token)) return false
        places.trust(request.socket)
        return true
      }
      const chooser = listedBy(target.url, options.hosts()) ?? (trusted() ? 'policy' : null)
      if (chooser === null) {
        throw new LarderError('GATEWAY_HOST_REFUSED', `${new URL(target.url).host} is not in gateway.hosts`, {
          host: new URL(target.url).host
        })
      }
      if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0')
        throw new LarderError('BAD_REQUEST', 'The gateway takes no bodies')
      if (answers >= MAX_ANSWERS) throw new LarderError('BUSY', `The gateway gives ${MAX_ANSWERS} answers already`)
      answers++
      try {
        await serve(agent, clock, request, response, target, chooser)
      } finally {
        answers--
      }
    } catch (error) {
      if (!(error instanceof LarderError)) log.error({ err: error }, 'a call of the gateway failed')
      refuse(response, error, method, asked)
    }
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: CALL_TIMEOUT_MS,
      ...silentCallersLeave,
      keepAliveTimeout: 60_000
    },
    (request, response) => void answer(request, response)
  )
  const places = new ConnectionPlaces(server, { most: MAX_CONNECTIONS, reserved: RESERVED_CONNECTIONS })
  server.timeout = IDLE_TIMEOUT_MS
  server.on('connect', (request, socket) => {
    const { view } = errorAnswer(
      new LarderError(
        'GATEWAY_METHOD',
        'The gateway makes no tunnels: what goes through one it could neither check nor keep. Use it as a proxy for http:// alone'
      )
    )
    const body = `${JSON.stringify(view)}\n`
    socket.end(
      `HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nLarder-Error: GATEWAY_METHOD\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
    request.destroy()
  })
  server.on('clientError', answerUnreadable)
  const port = await listenOn(server, { host: '127.0.0.1', port: options.port }).catch((error: unknown) => {
    const taken = systemCode(error) === 'EADDRINUSE' || systemCode(error) === 'EACCES'
    if (!taken) throw error
    throw new LarderError('PORT_TAKEN', `Port ${options.port} on 127.0.0.1 for the gateway is taken or not allowed`, {
      port: options.port,
      setting: 'ports.gateway',
      cause: error
    })
  })
  own = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  return {
    port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
