// Why it is like this: docs/decisions/0001-always-ask-the-origin-for-the-version.md
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { CachingRules } from './caching.ts'
import { forbidsSharing } from './caching.ts'
import type { Chooser } from './address-policy.ts'
import type { CertificateWish } from './certificate-choice.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { discard, type Answer, type Exchange } from './exchange.ts'
import { statusFailure } from './failures.ts'
import { fetchChecksumDigest } from './checksum-file.ts'
import { fetchMetalinkDigest } from './metalink-fetch.ts'
import type { OriginVersion, ProbeResult } from './origin.ts'
import { privateByDefault, type SharedAnyway } from './private-by-default.ts'
import { hostOf } from './url.ts'
import type { StoredValidators } from './validators.ts'
import { isStoredVersion, versionOf } from './version.ts'

export interface ProbeOptions {
  readonly exchange: Exchange
  readonly clock: Clock
  readonly rules: CachingRules
  readonly sharedAnyway: SharedAnyway
  readonly stallMs: number
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
  readonly stored?: StoredValidators
  readonly signal?: AbortSignal
  /** A former answer to HEAD did not agree with the answer to GET: ask with GET, twice, and believe only what stays. */
  readonly suspect: boolean
}

/** What a server may answer to HEAD that it would not to GET; a presigned URL answers 403, for its signature covers the method. */
const headRefused = new Set([400, 403, 405, 501])

/** Asks once (with the detours the origin makes necessary) which version lies at the origin. */
export async function probeOnce(options: ProbeOptions, probe: Probe): Promise<ProbeResult> {
  const first = await ask(options, probe, probe.suspect ? 'GET' : 'HEAD', probe.stored)
  if (first.status === 304 && probe.stored) {
    const isPrivate = privateByDefault({ ...first, url: probe.url }, options.sharedAnyway) !== null
    if (isPrivate || !confirms(first, probe.stored)) return probeOnce(options, { ...probe, stored: undefined })
    return { status: 'unchanged', policy: options.rules.renewed(probe.stored.policy, first.headers) }
  }
  let version = read(options, probe, first)
  if (probe.suspect) {
    const again = read(options, probe, await ask(options, probe, 'GET', undefined))
    version = onlyStable(version, again)
  }
  if (probe.stored && version.unshareable === null && isStoredVersion(probe.stored, version))
    return { status: 'unchanged', policy: version.policy }
  if (version.sha256 === null && version.lengthBytes !== null) {
    const sha256 = await fetchMetalinkDigest(options, probe, { linkField: first.headers.link, version })
    if (sha256 !== null) version = { ...version, sha256 }
    else if (options.looksBeside(probe.url) && !probe.authorised) {
      const beside = await fetchChecksumDigest(options, probe, version)
      if (beside !== null) version = { ...version, sha256: beside }
    }
  }
  return { status: 'version', version }
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

/** An answer that can be read as a version: HEAD where it is answered in full, else a GET of one byte. */
async function ask(
  options: ProbeOptions,
  probe: Probe,
  method: 'HEAD' | 'GET',
  stored: StoredValidators | undefined
): Promise<Answer> {
  const conditions: Record<string, string> =
    stored?.etag != null
      ? { 'if-none-match': stored.etag }
      : stored?.lastModified != null
        ? { 'if-modified-since': stored.lastModified }
        : {}
  const send = async (method: 'HEAD' | 'GET', range: string | null) => {
    const answer = await options.exchange({
      method,
      url: probe.url,
      named: probe.url,
      fields: probe.fields,
      certificate: probe.certificate,
      chooser: probe.chooser,
      own: { ...conditions, ...(range === null ? {} : { range }), 'want-repr-digest': 'sha-256=10' },
      signal: probe.signal
    })
    discard(answer, options.clock)
    return answer
  }
  if (method === 'HEAD') {
    const answer = await send('HEAD', null)
    if (answer.status === 304 || (answer.status === 200 && saysEnough(answer))) return answer
    if (answer.status !== 200 && !headRefused.has(answer.status))
      throw statusFailure(answer.status, answer.headers, hostOf(answer.url), options.clock.wallMs())
  }
  const answer = await send('GET', 'bytes=0-0')
  if (answer.status === 416 && !isEmptyFile(answer)) return accept(options, await send('GET', null))
  return accept(options, answer)
}

function accept(options: ProbeOptions, answer: Answer): Answer {
  if ([200, 206, 304].includes(answer.status) || isEmptyFile(answer)) return answer
  if (answer.status < 400)
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      `${hostOf(answer.url)} answered with status ${answer.status}, which makes no sense here.`,
      { host: hostOf(answer.url), status: answer.status }
    )
  throw statusFailure(answer.status, answer.headers, hostOf(answer.url), options.clock.wallMs())
}

/** Servers that do not bother about HEAD leave the length out or say 0. */
function saysEnough(answer: Answer): boolean {
  if (answer.headers['content-encoding'] !== undefined) return true
  return (parseContentLength(answer.headers['content-length']) ?? 0) > 0
}

function isEmptyFile(answer: Answer): boolean {
  const range = parseContentRange(answer.headers['content-range'])
  return answer.status === 416 && range?.kind === 'unsatisfied' && range.total === 0
}

function read(options: ProbeOptions, probe: Probe, answer: Answer): OriginVersion {
  const version = versionOf(
    {
      status: answer.status,
      headers: answer.headers,
      url: probe.url,
      finalUrl: answer.url,
      ranged: answer.method === 'GET',
      authorised: probe.authorised,
      local: answer.local,
      answeredBy: answer.answeredBy,
      fields: Object.keys(probe.fields)
    },
    options.rules
  )
  const because = privateByDefault({ ...answer, url: probe.url }, options.sharedAnyway)
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
