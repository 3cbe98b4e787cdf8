// Why it is like this: docs/decisions/0001-always-ask-the-origin-for-the-version.md
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { CachingRules } from './caching.ts'
import { forbidsSharing } from './caching.ts'
import type { Chooser } from './address-policy.ts'
import type { CertificateWish } from './certificate-choice.ts'
import { codingOf } from './coding.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { discard, type Answer, type Exchange } from './exchange.ts'
import { statusFailure } from './failures.ts'
import { fetchChecksumDigest } from './checksum-file.ts'
import { fetchMetalinkDigest } from './metalink-fetch.ts'
import type { OriginVersion, ProbeResult } from './origin.ts'
import { privateByDefault, type SharedAnyway } from './private-by-default.ts'
import { hostOf } from './url.ts'
import type { StoredValidators } from './validators.ts'
import type { Quirk, Quirks } from './quirks.ts'
import type { TagFacts } from './tag-looks.ts'
import { strongEtag, strongLastModified } from './validator-fields.ts'
import { isSameByDate, isStoredVersion, isWhole, versionOf } from './version.ts'

export interface ProbeOptions {
  readonly exchange: Exchange
  readonly clock: Clock
  readonly rules: CachingRules
  readonly sharedAnyway: SharedAnyway
  readonly stallMs: number
  readonly quirks: Quirks
  /** A URL without the query parameters that do not count; a right to read among them is none that rules out sharing. */
  readonly nameOf: (url: string) => string
  /** A checksum file beside this URL may be asked for. */
  readonly looksBeside: (url: string) => boolean
}

export interface Probe {
  readonly url: string
  readonly fields: Readonly<Record<string, string>>
  /** The request says who is asking. */
  readonly authorised: boolean
  readonly certificate?: CertificateWish | undefined
  readonly chooser?: Chooser | undefined
  readonly vouched?: boolean | undefined
  readonly stored?: StoredValidators | undefined
  readonly signal?: AbortSignal
  /** What its earlier attempts found out. */
  readonly learned: { headRefused: boolean }
  /** A former answer to HEAD did not agree with the answer to GET: ask with GET, twice, and believe only what stays. */
  readonly suspect: boolean
  /** What the server has just answered to a question for another version. */
  readonly adopted?: Answer | undefined
  /** The bytes are wanted next, all of them, and nobody else may have them: asked with GET, so that they come along. */
  readonly whole: boolean
}

/** Servers, and what guards them, answer so to fields and ranges that they do not want; a plain question may do. */
const refusesTheAsking = new Set([400, 403, 405, 406, 412, 431, 501])

/** A server that hangs at HEAD is asked with GET after this long. */
const HEAD_WAIT_MS = 5000

/**
 * What a HEAD that brought no answer says about GET. A status says nothing: servers route, sign, limit and proxy HEAD apart (404, 403,
 * 429, 500, 502 …), unless it says when to come back; neither does a silence or a reset. That there is no way to the server holds for both.
 */
export function saysNothingOfGet(error: LarderError): boolean {
  const { problem } = error.details
  if (error.code === 'ORIGIN_STALLED' || error.code === 'ORIGIN_PROTOCOL') return true
  return (
    error.code === 'ORIGIN_UNREACHABLE' &&
    ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(problem))
  )
}

/**
 * What came of a probe; `held`: a GET was answered with the whole, whose bytes wait to be read or destroyed; `plain`: HEAD was answered by the
 * URL itself, and costs nothing to ask again.
 */
export type ProbeAnswer =
  | Extract<ProbeResult, { status: 'unchanged' }>
  | (Extract<ProbeResult, { status: 'version' }> & { readonly held?: Answer | undefined; readonly plain: boolean })

/** Asks once (with the detours the origin makes necessary) which version lies at the origin. */
export async function probeOnce(options: ProbeOptions, asked: Probe): Promise<ProbeAnswer> {
  const { adopted } = asked
  const probe = {
    ...asked,
    stored: asked.stored && namedBy(options.quirks, asked.url, asked.stored),
    suspect: asked.suspect && adopted === undefined
  }
  const withGet =
    probe.suspect ||
    probe.learned.headRefused ||
    ['no-head', 'asked-once'].some((quirk) => options.quirks.has(probe.url, quirk as Quirk))
  const whole = probe.whole && !withGet
  const first = adopted ?? (await ask(options, probe, whole ? 'whole' : withGet ? 'GET' : 'HEAD', probe.stored))
  if (first.status === 304 && probe.stored) {
    const isPrivate = privateByDefault({ ...first, url: options.nameOf(probe.url) }, options.sharedAnyway) !== null
    if (isPrivate || !confirms(first, probe.stored)) return probeOnce(options, { ...probe, stored: undefined })
    return { status: 'unchanged', policy: options.rules.renewed(probe.stored.policy, first.headers) }
  }
  let version = read(options, probe, first, !whole && adopted === undefined)
  if (probe.suspect) {
    discard(first, options.clock)
    const second = await ask(options, probe, 'GET', undefined)
    discard(second, options.clock)
    const again = read(options, probe, second)
    if (isSameByDate(version, again) && version.etag !== again.etag) options.quirks.note(probe.url, 'tag-per-node')
    version = onlyStable(version, again)
  }
  const held = first.method === 'GET' && isWhole(first.status) && !probe.suspect ? first : undefined
  if (probe.stored && version.unshareable === null && isStoredVersion(probe.stored, version)) {
    if (held) discard(held, options.clock)
    return { status: 'unchanged', policy: version.policy }
  }
  if (version.sha256 === null && version.lengthBytes !== null) {
    const sha256 = await fetchMetalinkDigest(options, probe, { linkField: first.headers.link, version })
    if (sha256 !== null) version = { ...version, sha256 }
    else if (options.looksBeside(probe.url) && !probe.authorised) {
      const beside = await fetchChecksumDigest(options, probe, version)
      if (beside !== null) version = { ...version, sha256: beside }
    }
  }
  return { status: 'version', version, held, plain: first.method === 'HEAD' && first.url === probe.url }
}

/** What was kept while tags were believed is told by its date where they say nothing. */
function namedBy(quirks: Quirks, url: string, stored: StoredValidators): StoredValidators {
  return stored.lastModified !== null && quirks.has(url, 'tag-per-node') ? { ...stored, etag: null } : stored
}

/** The version only one of two answers stands for is none; what both say holds. */
function onlyStable(a: OriginVersion, b: OriginVersion): OriginVersion {
  const lengthBytes = a.lengthBytes === b.lengthBytes ? b.lengthBytes : null
  return {
    ...b,
    etag: a.etag === b.etag ? b.etag : null,
    lastModified: a.lastModified === b.lastModified ? b.lastModified : null,
    sha256: a.sha256 === b.sha256 ? b.sha256 : null,
    lengthBytes
  }
}

/** An answer that can be read as a version: HEAD where it is answered in full, else a GET of one byte; or a GET of the `whole`. */
async function ask(
  options: ProbeOptions,
  probe: Probe,
  method: 'HEAD' | 'GET' | 'whole',
  stored: StoredValidators | undefined
): Promise<Answer> {
  const conditions: Record<string, string> =
    stored?.etag != null
      ? { 'if-none-match': stored.etag }
      : stored?.lastModified != null
        ? { 'if-modified-since': stored.lastModified }
        : {}
  const send = async (method: 'HEAD' | 'GET', range: string | null) => {
    const limit = method === 'HEAD' ? { answerWithinMs: HEAD_WAIT_MS } : {}
    const answer = await options.exchange({
      method,
      url: probe.url,
      named: probe.url,
      fields: probe.fields,
      certificate: probe.certificate,
      chooser: probe.chooser,
      vouched: probe.vouched,
      ...limit,
      own: {
        ...conditions,
        ...(range !== null && { range }),
        ...((method === 'HEAD' || range !== null) && { 'want-repr-digest': 'sha-256=10' })
      },
      signal: probe.signal
    })
    // A whole answer may be what is wanted next.
    if (!(method === 'GET' && isWhole(answer.status))) discard(answer, options.clock)
    return answer
  }
  if (method === 'whole') return accept(options, await send('GET', null))
  let refused = false
  if (method === 'HEAD') {
    try {
      const answer = await send('HEAD', null)
      if (answer.status === 304 || (isWhole(answer.status) && saysEnough(answer))) return answer
      if (answer.status >= 400 && answer.headers['retry-after'] !== undefined)
        throw statusFailure(answer.status, answer.headers, hostOf(answer.url), options.clock.wallMs())
      refused = answer.status >= 400
    } catch (error) {
      if (!(error instanceof LarderError) || !saysNothingOfGet(error)) throw error
      refused = true
    }
  }
  probe.learned.headRefused ||= refused
  const walked = await send('GET', 'bytes=0-0')
  // What a redirect led to may have expired on the way.
  const answer = walked.status >= 400 && walked.url !== probe.url ? await send('GET', 'bytes=0-0') : walked
  const asksTooMuch = (answer.status === 416 && !isEmptyFile(answer)) || refusesTheAsking.has(answer.status)
  const accepted = accept(options, asksTooMuch ? await send('GET', null) : answer)
  if (refused) options.quirks.note(probe.url, 'no-head')
  return accepted
}

function accept(options: ProbeOptions, answer: Answer): Answer {
  if ([200, 203, 206, 304].includes(answer.status) || isEmptyFile(answer)) return answer
  if (answer.status < 400)
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      `${hostOf(answer.url)} answered with status ${answer.status}, which makes no sense here.`,
      { host: hostOf(answer.url), status: answer.status }
    )
  throw statusFailure(answer.status, answer.headers, hostOf(answer.url), options.clock.wallMs())
}

/** Servers that do not bother about HEAD leave the length out or say 0; what has to be decoded has no length anyway. */
function saysEnough(answer: Answer): boolean {
  if (codingOf(answer.headers, answer.url) !== null) return true
  return (parseContentLength(answer.headers['content-length']) ?? 0) > 0
}

function isEmptyFile(answer: Answer): boolean {
  const range = parseContentRange(answer.headers['content-range'])
  return answer.status === 416 && range?.kind === 'unsatisfied' && range.total === 0
}

/** Asks for a version once more, on a connection of its own. Null where the answer is none. */
export async function lookAgain(
  exchange: Exchange,
  clock: Clock,
  version: OriginVersion,
  signal: AbortSignal
): Promise<TagFacts | null> {
  const { url, certificate, chooser } = version
  const ask = { method: 'HEAD', url, named: url, fields: {}, certificate, chooser, apart: true } as const
  const answer = await exchange({ ...ask, answerWithinMs: HEAD_WAIT_MS, signal })
  discard(answer, clock)
  if (!isWhole(answer.status)) return null
  const { headers } = answer
  return {
    etag: strongEtag(headers.etag),
    lastModified: strongLastModified(headers['last-modified'], headers.date),
    lengthBytes: parseContentLength(headers['content-length'])
  }
}

/** @param ranged where it was asked with GET, it was asked for a range */
function read(options: ProbeOptions, probe: Probe, answer: Answer, ranged = true): OriginVersion {
  const version = versionOf(
    {
      status: answer.status,
      headers: answer.headers,
      url: probe.url,
      finalUrl: answer.url,
      ranged: ranged && answer.method === 'GET',
      authorised: probe.authorised,
      local: answer.local,
      answeredBy: answer.answeredBy,
      doubtfulLength: answer.doubtfulLength,
      tagPerNode: options.quirks.has(probe.url, 'tag-per-node'),
      fields: probe.fields
    },
    options.rules
  )
  const because = privateByDefault({ ...answer, url: options.nameOf(probe.url) }, options.sharedAnyway)
  // What another asker without that cookie would get is not known.
  if (answer.cookied && version.unshareable !== 'private')
    return { ...version, unshareable: 'private', because: because ?? 'sets-cookie' }
  return because === null || version.unshareable === 'private'
    ? version
    : { ...version, unshareable: 'private', because }
}

/** A 304 about another version, another length, or one that withdraws leave to share, confirms nothing. */
function confirms(answer: Answer, stored: StoredValidators): boolean {
  const { etag } = answer.headers
  if (stored.etag !== null && etag !== undefined && etag.replace(/^W\//, '') !== stored.etag) return false
  const length = parseContentLength(answer.headers['content-length'])
  if (length !== null && length !== 0 && length !== stored.lengthBytes) return false
  return !forbidsSharing(answer.headers)
}
