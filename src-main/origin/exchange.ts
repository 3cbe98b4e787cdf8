import type { ClientRequest, IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import got from 'got'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { Agents } from './agents.ts'
import { mayShowCertificate, wishFor, type CertificateRule, type CertificateWish } from './certificate-choice.ts'
import type { ClientCertificate, ClientCertificates } from './client-certificates.ts'
import { failureOf } from './failures.ts'
import { isRedirect, nextHop } from './redirects.ts'
import { fieldsFor } from './request-headers.ts'
import { hostOf } from './url.ts'

/** A body of at most so many bytes is read to its end to keep the connection; a longer one is not worth it. */
const DRAIN_BYTES = 16 * 1024
const DRAIN_MS = 2000

/** The head of an answer that came in; its body waits. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Who answered. */
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  readonly body: Readable
  /** A client certificate was shown on the way. */
  readonly certified: boolean
}

export interface Ask {
  readonly method: 'GET' | 'HEAD'
  readonly url: string
  /** The URL the caller named; credentials go to its origin only. */
  readonly named: string
  /** Fields of the caller. */
  readonly fields: Readonly<Record<string, string>>
  /** Fields of this request (`Range`, conditions); sent at every step. */
  readonly own?: Readonly<Record<string, string>>
  /** The client certificate the caller wants to show to the origin it named. */
  readonly certificate?: CertificateWish | undefined
  readonly signal?: AbortSignal
}

/** Asks and follows redirects, once. @throws LarderError */
export type Exchange = (ask: Ask) => Promise<Answer>

export interface ExchangeOptions {
  readonly clock: Clock
  readonly agents: Agents
  readonly certificates: ClientCertificates
  readonly certificateRules: readonly CertificateRule[]
  readonly userAgent: string
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  /** Called with each answer's header fields. */
  readonly answered?: (host: string, headers: IncomingHttpHeaders) => void
}

export function createExchange(options: ExchangeOptions): Exchange {
  return async (ask) => {
    const visited = [ask.url]
    let fields = fieldsFor(ask.fields, ask.named, ask.url)
    let certificate = await certificateFor(options, ask)
    const certified = certificate !== undefined
    for (;;) {
      const url = visited.at(-1)!
      const answer = await askOnce(options, ask, { url, fields, certificate })
      const { location } = answer.headers
      if (!isRedirect(answer.status, location)) return { ...answer, certified }
      discard(answer, options.clock)
      const next = nextHop(visited, location)
      // What was left out stays out: once the chain has left the origin, somebody else chooses the way back.
      fields = fieldsFor(fields, ask.named, next)
      if (!mayShowCertificate(ask.named, next)) certificate = undefined
      visited.push(next)
    }
  }
}

/** Ends an answer whose body is not wanted, keeping the connection where that is cheap. */
export function discard(answer: HopAnswer, clock: Clock): void {
  const short =
    answer.method === 'HEAD' ||
    answer.status === 204 ||
    answer.status === 304 ||
    Number(answer.headers['content-length'] ?? Infinity) <= DRAIN_BYTES
  if (!short) return void answer.body.destroy()
  const limit = clock.after(DRAIN_MS, () => answer.body.destroy())
  answer.body.once('close', () => limit.cancel())
  answer.body.once('end', () => limit.cancel())
  answer.body.resume()
}

async function certificateFor(
  { certificates, certificateRules }: ExchangeOptions,
  ask: Ask
): Promise<ClientCertificate | undefined> {
  if (!mayShowCertificate(ask.named, ask.url)) return undefined
  const wish = wishFor(ask.url, ask.certificate, certificateRules)
  return wish && certificates.choose(wish, hostOf(ask.url))
}

type HopAnswer = Omit<Answer, 'certified'>

interface Hop {
  readonly url: string
  readonly fields: Record<string, string>
  readonly certificate: ClientCertificate | undefined
}

function askOnce(options: ExchangeOptions, ask: Ask, { url, fields, certificate }: Hop): Promise<HopAnswer> {
  const host = hostOf(url)
  return new Promise((resolve, reject) => {
    if (ask.signal?.aborted) return reject(cancelled(ask.signal))
    const agent = options.agents.for(url, certificate)
    const stream = got.stream(url, {
      method: ask.method,
      headers: { 'user-agent': options.userAgent, accept: '*/*', ...fields, ...ask.own, 'accept-encoding': 'identity' },
      agent,
      decompress: false,
      followRedirect: false,
      throwHttpErrors: false,
      http2: false,
      retry: { limit: 0 },
      // Limits run on the injected clock instead.
      timeout: {}
    })
    let timer: Timer | undefined
    const settle = () => {
      timer?.cancel()
      ask.signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: LarderError) => {
      settle()
      reject(error)
      stream.destroy()
    }
    const limit = (ms: number, error: () => LarderError) => {
      timer?.cancel()
      timer = options.clock.after(ms, () => fail(error()))
    }
    const onAbort = () => fail(cancelled(ask.signal!))
    ask.signal?.addEventListener('abort', onAbort, { once: true })

    limit(
      options.connectTimeoutMs,
      () =>
        new LarderError('ORIGIN_UNREACHABLE', `${host} did not accept a connection in time.`, {
          host,
          problem: 'ETIMEDOUT'
        })
    )
    const onConnected = () =>
      limit(
        options.responseTimeoutMs,
        () => new LarderError('ORIGIN_STALLED', `${host} did not answer in time.`, { host })
      )
    stream.once('request', (request: ClientRequest) => onceConnected(request, onConnected))
    stream.once('response', (response: { statusCode: number; headers: IncomingHttpHeaders }) => {
      settle()
      options.answered?.(host, response.headers)
      resolve({ status: response.statusCode, headers: response.headers, url, method: ask.method, body: stream })
    })
    // Stays for the life of the stream: errors of the body reach its reader, this keeps them from being unhandled.
    stream.on('error', (error: unknown) => {
      settle()
      reject(failureOf(error, host))
    })
  })
}

/** Calls back when the request has a connection that is ready to carry it. */
function onceConnected(request: ClientRequest, connected: () => void): void {
  request.once('socket', (socket) => {
    const secure = socket as Partial<TLSSocket> & { secureConnecting?: boolean }
    if (request.reusedSocket) return connected()
    if (secure.encrypted && secure.secureConnecting !== false) socket.once('secureConnect', connected)
    else if (socket.connecting) socket.once('connect', connected)
    else connected()
  })
}

/** An aborted request; the caller's own error when it gave one. */
export function cancelled(signal: AbortSignal): LarderError {
  return signal.reason instanceof LarderError
    ? signal.reason
    : new LarderError('CANCELLED', 'The download was cancelled.', { cause: signal.reason })
}
