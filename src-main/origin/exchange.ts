import { request as requestPlainly, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { request as requestSecurely } from 'node:https'
import type { Readable } from 'node:stream'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { namesThisPc, type Chooser } from './address-policy.ts'
import type { Agents } from './agents.ts'
import { mayShowCertificate, wishFor, type CertificateRule, type CertificateWish } from './certificate-choice.ts'
import type { ClientCertificate, ClientCertificates } from './client-certificates.ts'
import { failureOf } from './failures.ts'
import type { AddressGuard } from './guarded-lookup.ts'
import { MendedConnection } from './mended-connection.ts'
import type { Quirks } from './quirks.ts'
import { ChainCookies, isRedirect, nextHop } from './redirects.ts'
import type { AnsweredBy } from './origin.ts'
import { fieldsFor } from './request-headers.ts'
import { hostOf } from './url.ts'

/** A body of at most so many bytes is read to its end to keep the connection; a longer one is not worth it. */
const DRAIN_BYTES = 16 * 1024
const DRAIN_MS = 2000
/** Longest header section taken; what common clients take. */
const MAX_HEADER_BYTES = 128 * 1024

/** The head of an answer that came in; its body waits. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Who answered. */
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  /** It, or what led to it, came from this PC, its link or a metadata service: nobody else may be given it. */
  readonly local: boolean
  readonly body: Readable
  /** A client certificate was shown on the way. */
  readonly certified: boolean
  /** A cookie that a step of the chain had set was shown. */
  readonly cookied: boolean
  /** It says two things about how long it is. */
  readonly doubtfulLength: boolean
  readonly answeredBy: AnsweredBy
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
  /** Who chose the URL; the user by default. */
  readonly chooser?: Chooser | undefined
  /** The digest of the bytes is known: a redirect from https to http can do no harm. */
  readonly vouched?: boolean | undefined
  /** Limit for the first byte of the answer where it is shorter than the usual one, ms. */
  readonly answerWithinMs?: number
  readonly signal?: AbortSignal
}

/** Asks and follows redirects, once. @throws LarderError */
export type Exchange = (ask: Ask) => Promise<Answer>

export interface ExchangeOptions {
  readonly clock: Clock
  readonly agents: Agents
  readonly guard: AddressGuard
  /** Nothing of it is given to others: where it comes from does not make it private. */
  readonly alone?: boolean | undefined
  readonly certificates: ClientCertificates
  readonly certificateRules: readonly CertificateRule[]
  readonly userAgent: string
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  readonly quirks: Quirks
  /** Called with each answer's header fields. */
  readonly answered?: (host: string, headers: IncomingHttpHeaders) => void
}

export function createExchange(options: ExchangeOptions): Exchange {
  return async (ask) => {
    const visited = [ask.url]
    let fields = fieldsFor(ask.fields, ask.named, ask.url)
    let certificate = await certificateFor(options, ask)
    const certified = certificate !== undefined
    let chooser = ask.chooser ?? 'user'
    let local = false
    let cookied = false
    const cookies = new ChainCookies()
    for (;;) {
      const url = visited.at(-1)!
      // Once the chain has left the host that was named, somebody else chooses every further step.
      if (!isNamedHost(ask.named, url)) chooser = 'other'
      const cookie = cookies.for(url, fields['cookie'])
      cookied ||= cookie !== null
      const sent = cookie === null ? fields : { ...fields, cookie }
      const answer = await askMending(options, ask, { url, fields: sent, certificate, chooser })
      local ||= answer.local
      const { location } = answer.headers
      if (!isRedirect(answer.status, location)) return { ...answer, certified, local, cookied }
      discard(answer, options.clock)
      const mayRepeat = cookies.took(url, answer.headers['set-cookie'])
      const next = nextHop(visited, location, { mayRepeat, mayDowngrade: ask.vouched === true })
      // What was left out stays out: once the chain has left the origin, somebody else chooses the way back.
      fields = fieldsFor(fields, ask.named, next)
      if (!mayShowCertificate(ask.named, next)) certificate = undefined
      visited.push(next)
    }
  }
}

/** The host that was named; any name of this PC for another one. */
function isNamedHost(named: string, url: string): boolean {
  const [host, at] = [new URL(named).hostname, new URL(url).hostname]
  return host === at || (namesThisPc(host) && namesThisPc(at))
}

/** Ends an answer whose body is not wanted, keeping the connection where that is cheap. */
export function discard(answer: HopAnswer, clock: Clock): void {
  if (answer.body.readableEnded || answer.body.destroyed) return
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

type HopAnswer = Omit<Answer, 'certified' | 'cookied'>

interface Hop {
  readonly url: string
  readonly fields: Record<string, string>
  readonly certificate: ClientCertificate | undefined
  readonly chooser: Chooser
}

/** A server whose header section the parser refuses is asked once more, with that mended. */
async function askMending(options: ExchangeOptions, ask: Ask, hop: Hop): Promise<HopAnswer> {
  const { quirks } = options
  await options.agents.prepare(hop.url)
  const mend = () => {
    options.guard.assertHost(new URL(hop.url).hostname, hop.chooser)
    return options.agents.connect(hop.url, hop.chooser, hop.certificate)
  }
  if (quirks.has(hop.url, 'malformed')) {
    const socket = await connected(options, ask, hop, mend())
    if (socket) return askOnce(options, ask, hop, new MendedConnection(socket))
  }
  try {
    return await askOnce(options, ask, hop)
  } catch (error) {
    if (!(error instanceof LarderError) || !String(error.details['problem']).startsWith('HPE_')) throw error
    if (ask.signal?.aborted) throw cancelled(ask.signal)
    const socket = await connected(options, ask, hop, mend())
    if (!socket) throw error
    const answer = await askOnce(options, ask, hop, new MendedConnection(socket))
    quirks.note(hop.url, 'malformed')
    return answer
  }
}

/** Waits for a connection within the limits of its request. */
async function connected(
  { clock, connectTimeoutMs }: ExchangeOptions,
  { signal }: Ask,
  { url }: Hop,
  connecting: Promise<Socket> | null
): Promise<Socket | null> {
  if (connecting === null) return null
  const host = hostOf(url)
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => {})
  const onAbort = () => late.reject(cancelled(signal!))
  const limit = clock.after(connectTimeoutMs, () => late.reject(notConnected(host)))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([connecting, late.promise])
  } catch (error) {
    connecting.then(
      (socket) => socket.destroy(),
      () => {}
    )
    throw failureOf(error, host)
  } finally {
    limit.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

function notConnected(host: string): LarderError {
  return new LarderError('ORIGIN_UNREACHABLE', `${host} did not accept a connection in time.`, {
    host,
    problem: 'ETIMEDOUT'
  })
}

function askOnce(
  options: ExchangeOptions,
  ask: Ask,
  { url, fields, certificate, chooser }: Hop,
  mended?: MendedConnection
): Promise<HopAnswer> {
  const host = hostOf(url)
  const { guard } = options
  return new Promise((resolve, reject) => {
    if (ask.signal?.aborted) return reject(cancelled(ask.signal))
    guard.assertHost(new URL(url).hostname, chooser)
    const { direct, ...agent } = options.agents.for(url, chooser, certificate)
    let local = false
    let head: HopAnswer | null = null
    let over = false
    const question = {
      method: ask.method,
      headers: { 'user-agent': options.userAgent, accept: '*/*', ...fields, ...ask.own, 'accept-encoding': 'identity' },
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(mended && { createConnection: () => mended as unknown as Socket })
    }
    const request = url.startsWith('https:')
      ? requestSecurely(url, mended ? question : { ...question, agent: agent.https })
      : requestPlainly(url, mended ? question : { ...question, agent: agent.http })
    let timer: Timer | undefined
    const settle = () => {
      timer?.cancel()
      ask.signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: LarderError) => {
      over = true
      settle()
      reject(error)
      request.destroy()
    }
    const limit = (ms: number, error: () => LarderError) => {
      timer?.cancel()
      timer = options.clock.after(ms, () => fail(error()))
    }
    const onAbort = () => fail(cancelled(ask.signal!))
    ask.signal?.addEventListener('abort', onAbort, { once: true })

    limit(options.connectTimeoutMs, () => notConnected(host))
    const onConnected = () =>
      limit(
        Math.min(options.responseTimeoutMs, ask.answerWithinMs ?? Infinity),
        () => new LarderError('ORIGIN_STALLED', `${host} did not answer in time.`, { host })
      )
    onceConnected(request, ({ remoteAddress }) => {
      local = direct && options.alone !== true && guard.isLocal(remoteAddress ?? '')
      onConnected()
    })
    request.once('response', (response) => {
      over = true
      settle()
      // Errors of the body reach its reader; this keeps them from being unhandled.
      response.on('error', () => {})
      options.answered?.(host, response.headers)
      const answer: HopAnswer = {
        status: response.statusCode ?? 0,
        headers: response.headers,
        url,
        method: ask.method,
        local,
        body: response,
        doubtfulLength: mended?.doubtfulLength ?? false,
        answeredBy: endsOf(response.socket)
      }
      if (ask.method === 'GET') return resolve(answer)
      // There is no body; whoever asks next finds the connection free.
      head = answer
      response.resume()
      request.once('close', () => resolve(answer))
    })
    request.on('error', (error: unknown) => {
      settle()
      // What a server sends behind the answer to HEAD takes nothing from it.
      if (head) return resolve(head)
      // The server had given up the connection before it saw the request.
      const isStale = !over && request.reusedSocket && systemCode(error) === 'ECONNRESET'
      if (isStale) resolve(askOnce(options, ask, { url, fields, certificate, chooser }))
      else reject(failureOf(error, host))
    })
    request.end()
  })
}

function endsOf(socket: Socket | undefined): AnsweredBy {
  const issuer =
    socket && 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate()?.issuer : undefined
  return {
    address: socket?.remoteAddress ?? null,
    localAddress: socket?.localAddress ?? null,
    issuer:
      Object.entries(issuer ?? {})
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(', ') || null
  }
}

/** Calls back when the request has a connection that is ready to carry it. */
function onceConnected(request: ClientRequest, connected: (socket: Socket) => void): void {
  request.once('socket', (socket) => {
    const secure = socket as Partial<TLSSocket> & { secureConnecting?: boolean }
    const ready = () => connected(socket)
    if (request.reusedSocket) return ready()
    if (secure.encrypted && secure.secureConnecting !== false) socket.once('secureConnect', ready)
    else if (socket.connecting) socket.once('connect', ready)
    else ready()
  })
}

/** An aborted request; the caller's own error when it gave one. */
export function cancelled(signal: AbortSignal): LarderError {
  return signal.reason instanceof LarderError
    ? signal.reason
    : new LarderError('CANCELLED', 'The download was cancelled.', { cause: signal.reason })
}
