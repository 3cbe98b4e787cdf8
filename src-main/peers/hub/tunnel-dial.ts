import type { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { HubProblem } from '../../contract/hub-view.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemCode } from '../../lib/errors.ts'
import { MAX_TUNNEL_FRAME_BYTES, TUNNEL_PATH, tunnelStream } from './tunnel-stream.ts'

const OPEN_MS = 10_000

interface TunnelOptions {
  /** `https://host/path/`. */
  readonly url: string
  /** Its trust, proxy and client certificate are those for origins. */
  readonly agent: Agent
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Why there is no tunnel; a clause about the hub. */
export class NoTunnel extends Error {
  readonly problem: HubProblem

  constructor(message: string, problem: HubProblem = 'unreachable') {
    super(message)
    this.problem = problem
  }
}

/** Node's and OpenSSL's codes for a certificate that is not believed. */
const NOT_BELIEVED = /CERT|ISSUER|SIGNATURE|SELF_SIGNED|ALTNAME/

/**
 * A stream of bytes to a hub behind a reverse proxy, inside a WebSocket. Nothing is believed of anyone who is at its end: what it
 * carries is the same TLS connection that goes without a proxy over TCP.
 * @throws NoTunnel
 */
export async function openTunnel({ url, agent, clock, signal }: TunnelOptions): Promise<Duplex> {
  const unwanted = 'was no longer wanted'
  if (signal.aborted) throw new NoTunnel(unwanted)
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${url.replace(/^http/i, 'ws').replace(/\/?$/, '/')}${TUNNEL_PATH}`, {
      agent,
      maxPayload: MAX_TUNNEL_FRAME_BYTES,
      perMessageDeflate: false,
      followRedirects: false
    })
    const fail = (why: string, problem?: HubProblem) => {
      limit.cancel()
      signal.removeEventListener('abort', abort)
      ws.terminate()
      reject(new NoTunnel(why, problem))
    }
    const abort = () => fail(unwanted)
    const limit = clock.after(OPEN_MS, () => fail('did not answer in time behind its proxy'))
    signal.addEventListener('abort', abort, { once: true })
    // Stays for what comes after the end of a failed attempt.
    ws.on('error', (error) => {
      const code = systemCode(error)
      fail(
        `cannot be reached (${code ?? error.message.slice(0, 100)})`,
        NOT_BELIEVED.test(code ?? '') ? 'certificate' : 'unreachable'
      )
    })
    ws.once('unexpected-response', (_request, answer) => {
      answer.resume()
      fail(...meaningOf(answer.statusCode ?? 0))
    })
    ws.once('open', () => {
      limit.cancel()
      signal.removeEventListener('abort', abort)
      resolve(tunnelStream(ws))
    })
  })
}

function meaningOf(status: number): [string, HubProblem] {
  if (status === 404) return ['is not at this path, says the proxy (404)', 'path']
  if (status === 502 || status === 503 || status === 504)
    return [`does not answer its proxy (${status})`, 'proxy-alone']
  if (status === 401 || status === 403 || status === 407)
    return [`is kept from this PC by a proxy (${status})`, 'kept-away']
  if (status >= 300 && status < 400) return [`is somewhere else, says the proxy (${status})`, 'path']
  return [`is behind a proxy that does not pass WebSocket (${status})`, 'websocket']
}
