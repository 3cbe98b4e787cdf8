import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { namesThisPc, type Chooser } from './address-policy.ts'
import { mayShowCertificate, wishFor, type CertificateRule, type CertificateWish } from './certificate-choice.ts'
import type { ClientCertificate, ClientCertificates } from './client-certificates.ts'
import { ChainCookies, isRedirect, nextHop } from './redirects.ts'
import type { AnsweredBy } from './origin.ts'
import { fieldsFor } from './request-headers.ts'
import { hostOf } from './url.ts'

/** A body of at most this many bytes is read to its end to keep the connection; a longer one is not worth it. */
const DRAIN_BYTES = 16 * 1024
const DRAIN_MS = 2000
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
  /** On a connection of its own, where that can be had. */
  readonly apart?: boolean
  readonly signal?: AbortSignal
}

/** Asks and follows redirects, once. @throws LarderError */
export type Exchange = (ask: Ask) => Promise<Answer>

/** One step of a chain of redirects. */
export interface Hop {
  readonly url: string
  readonly fields: Record<string, string>
  readonly certificate: ClientCertificate | undefined
  readonly chooser: Chooser
}

export type HopAnswer = Omit<Answer, 'certified' | 'cookied'>

/** Asks one server one question; redirects are answers like others. @throws LarderError */
export type AskHop = (ask: Ask, hop: Hop) => Promise<HopAnswer>

/** Who may be shown a client certificate, and which. */
export interface Certification {
  readonly certificates: ClientCertificates
  readonly certificateRules: readonly CertificateRule[]
}

/** The rules of a chain of redirects, over whatever asks its single steps. */
export function createExchange(askHop: AskHop, certification: Certification, clock: Clock): Exchange {
  return async (ask) => {
    const visited = [ask.url]
    let fields = fieldsFor(ask.fields, ask.named, ask.url)
    let certificate = await certificateFor(certification, ask)
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
      const answer = await askHop(ask, { url, fields: sent, certificate, chooser })
      local ||= answer.local
      const { location } = answer.headers
      if (!isRedirect(answer.status, location)) return { ...answer, certified, local, cookied }
      discard(answer, clock)
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
  { certificates, certificateRules }: Certification,
  ask: Ask
): Promise<ClientCertificate | undefined> {
  if (!mayShowCertificate(ask.named, ask.url)) return undefined
  const wish = wishFor(ask.url, ask.certificate, certificateRules)
  return wish && certificates.choose(wish, hostOf(ask.url))
}

/** An aborted request; the caller's own error when it gave one. */
export function cancelled(signal: AbortSignal): LarderError {
  return signal.reason instanceof LarderError
    ? signal.reason
    : new LarderError('CANCELLED', 'The download was cancelled.', { cause: signal.reason })
}
