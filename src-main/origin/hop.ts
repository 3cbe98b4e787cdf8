import { request as requestPlainly, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { request as requestSecurely } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { Agents } from './agents.ts'
import { decodedFrom, transferCodingsOf } from './coding.ts'
import { cancelled, type Ask, type AskHop, type Hop, type HopAnswer } from './exchange.ts'
import { failureOf } from './failures.ts'
import type { AddressGuard } from './guarded-lookup.ts'
import { MendedConnection } from './mended-connection.ts'
import type { AnsweredBy } from './origin.ts'
import type { Quirks } from './quirks.ts'
import { hostOf } from './url.ts'

/** Longest header section taken; as much as curl takes. */
const MAX_HEADER_BYTES = 300 * 1024

export interface HopOptions {
  readonly clock: Clock
  readonly agents: Agents
  readonly guard: AddressGuard
  /** Nothing of it is given to others: where it comes from does not make it private. */
  readonly alone?: boolean | undefined
  readonly userAgent: string
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  readonly quirks: Quirks
  /** Called with each answer's header fields. */
  readonly answered?: (host: string, headers: IncomingHttpHeaders) => void
}

/** Asks over HTTP and HTTPS. */
export function hopsOverSockets(options: HopOptions): AskHop {
  return (ask, hop) => askMending(options, ask, hop)
}

/** A server whose header section the parser refuses is asked once more, with that mended. */
async function askMending(options: HopOptions, ask: Ask, hop: Hop): Promise<HopAnswer> {
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
  const own = ask.apart ? await connected(options, ask, hop, mend()) : null
  try {
    return await askOnce(options, ask, hop, own ?? undefined)
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
  { clock, connectTimeoutMs }: HopOptions,
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
  options: HopOptions,
  ask: Ask,
  { url, fields, certificate, chooser }: Hop,
  own?: MendedConnection | Socket
): Promise<HopAnswer> {
  const host = hostOf(url)
  const { guard } = options
  return new Promise((resolve, reject) => {
    if (ask.signal?.aborted) {
      own?.destroy()
      return reject(cancelled(ask.signal))
    }
    guard.assertHost(new URL(url).hostname, chooser)
    const { direct, ...agent } = options.agents.for(url, chooser, certificate)
    let local = false
    let head: HopAnswer | null = null
    let over = false
    const question = {
      method: ask.method,
      headers: { 'user-agent': options.userAgent, accept: '*/*', ...fields, ...ask.own, 'accept-encoding': 'identity' },
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(own && { createConnection: () => own as Socket })
    }
    const request = url.startsWith('https:')
      ? requestSecurely(url, own ? question : { ...question, agent: agent.https })
      : requestPlainly(url, own ? question : { ...question, agent: agent.http })
    // Bounded by their bytes.
    request.maxHeadersCount = 0
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
        status: understood(response.statusCode ?? 0),
        headers: response.headers,
        url,
        method: ask.method,
        local,
        body: ask.method === 'GET' ? decodedFrom(transferCodingsOf(response.headers), response) : response,
        doubtfulLength: own instanceof MendedConnection && own.doubtfulLength,
        answeredBy: endsOf(response.socket)
      }
      if (ask.method === 'GET') return resolve(answer)
      // There is no body; whoever asks next finds the connection free.
      head = answer
      response.resume()
      request.once('close', () => resolve(answer))
    })
    request.once('upgrade', () =>
      fail(
        new LarderError('ORIGIN_PROTOCOL', `${host} changes to a protocol that nobody asked for.`, {
          host,
          status: 101
        })
      )
    )
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

/** Success codes that mean something of their own (IANA registry); of these Larder takes what `probe.ts` and `body-source.ts` name. */
const namedSuccess = new Set([200, 201, 202, 203, 204, 205, 206, 207, 208, 226])

/** A success that nobody has defined counts as 200 (RFC 9110 §15). */
function understood(status: number): number {
  return status >= 200 && status < 300 && !namedSuccess.has(status) ? 200 : status
}
