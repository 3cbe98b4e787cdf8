import type { Clock } from '../lib/clock.ts'
import { hasCode } from '../lib/errors.ts'
import type { Pace } from '../rates/pace.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { discard, type Answer, type Exchange } from './exchange.ts'
import { breaksOff } from './failures.ts'
import type { OriginVersion } from './origin.ts'
import type { Quirks } from './quirks.ts'
import { stretchOf, type Stretch } from './stretch.ts'
import { isMisnamed, judgeTags, misnamed } from './tag-looks.ts'
import { hostOf } from './url.ts'
import { strongLastModified } from './validator-fields.ts'
import { isSameByDate, isWhole, namesVersion } from './version.ts'

export interface OpenOptions {
  readonly exchange: Exchange
  readonly clock: Clock
  readonly random: () => number
  readonly stallMs: number
  readonly quirks: Quirks
  /** How often it may be begun; twice where nothing is said. */
  readonly starts?: number | undefined
  /** Answered to the question for the version already. */
  readonly first?: Answer | undefined
  /** Takes a whole answer that is of another version than was asked for. @returns false when it has no use for it */
  readonly adopt?: ((answer: Answer) => boolean) | undefined
  readonly fields: Readonly<Record<string, string>>
  /** Aborted by the caller or by the end of the client. */
  readonly signal: AbortSignal
  /** Holds the reading back; the connection's own flow control does the rest. */
  readonly pace?: Pace | undefined
}

/** Where the bytes of a version come from; remembers where redirects led. */
export class Source {
  /** Asked first: redirects need not be walked again, unless what they led to has expired (signed URLs do). */
  url: string
  readonly #options: OpenOptions
  readonly #version: OriginVersion
  /** Until it turns out that the origin gives none. */
  #ranges: boolean
  #first: Answer | undefined

  constructor(options: OpenOptions, version: OriginVersion) {
    this.#options = options
    this.#version = version
    this.url = version.finalUrl
    this.#ranges = version.ranges
    this.#first = options.first
  }

  /** What has broken off can be gone on with. */
  get goesOn(): boolean {
    const { etag, lastModified } = this.#version
    return this.#ranges && (etag ?? lastModified) !== null
  }

  /**
   * @param mayStart it may be begun from the start once more
   * @throws ORIGIN_CHANGED, and the codes of a probe
   */
  async connect(at: number, wanted: number | null, mayStart: boolean): Promise<Stretch> {
    const version = this.#version
    const { clock, quirks } = this.#options
    const asked = this.#ranges && (at > 0 || (wanted !== null && wanted !== version.lengthBytes))
    const own: Record<string, string> = {}
    if (asked) {
      own['range'] = `bytes=${at}-${wanted === null ? '' : wanted - 1}`
      const validator = version.etag ?? version.lastModified
      if (validator !== null) own['if-range'] = validator
    }
    const answer = this.#first ?? (await askForVersion(this.#options, version, this.url, own))
    this.#first = undefined
    this.url = answer.url
    try {
      if (await this.#hasTagPerNode(answer)) {
        quirks.note(version.url, 'tag-per-node')
        // What has come already is worth more than the name.
        if (at === 0 && isMisnamed(version, quirks)) throw misnamed(version)
      }
      const sameAnyway = quirks.has(version.url, 'tag-per-node')
      const stretch = stretchOf(version, answer, { at, wanted, asked, sameAnyway }, clock.wallMs())
      if (asked && isWhole(answer.status)) {
        if (version.ranges) quirks.note(version.url, 'no-ranges')
        if (at > 0) this.#ranges = false
        if (at > 0 && !mayStart) throw breaksOff(hostOf(answer.url))
      }
      return stretch
    } catch (thrown) {
      const isOther = at === 0 && hasCode(thrown, 'ORIGIN_CHANGED') && isWhole(answer.status)
      if (!(isOther && this.#options.adopt?.(answer))) discard(answer, clock)
      if (!this.#ranges || !(await this.#isAboutRanges(thrown, answer, at))) throw thrown
      // Another range than was asked for, or none of what there is: it is not asked for ranges any more.
      quirks.note(version.url, 'no-ranges')
      this.#ranges = false
      if (!mayStart) throw breaksOff(hostOf(answer.url), thrown)
      return this.connect(at, wanted, mayStart)
    }
  }

  /**
   * The answer has another entity tag, but the date and length of the version. Further answers tell whether the file is another one, or
   * whether each answer just has a tag of its own.
   */
  async #hasTagPerNode(answer: Answer): Promise<boolean> {
    const version = this.#version
    const { quirks } = this.#options
    if (version.etag === null || quirks.has(version.url, 'tag-per-node')) return false
    if (answer.headers.etag === undefined || answer.headers.etag.trim() === version.etag) return false
    if (!isSameByDate(version, factsOf(answer))) return false
    const seen: (string | null)[] = [version.etag, answer.headers.etag.trim()]
    while (judgeTags(seen) === 'look-again') {
      const byHead = quirks.has(version.url, 'no-head') ? null : await this.#headOf('HEAD')
      // The bytes that GET brings are not read.
      const next = byHead ?? (await this.#headOf('GET'))
      if (next === null || !isSameByDate(version, factsOf(next))) return false
      seen.push(next.headers.etag?.trim() ?? null)
    }
    return judgeTags(seen) === 'meaningless'
  }

  /** What is wrong is how it gives parts, and not that the file is another one. */
  async #isAboutRanges(thrown: unknown, { status, headers }: Answer, at: number): Promise<boolean> {
    const version = this.#version
    if (status === 206) return hasCode(thrown, 'ORIGIN_PROTOCOL')
    if (status !== 416 || (headers.etag !== undefined && !namesVersion(version, headers))) return false
    const said = parseContentRange(headers['content-range'])
    if (said?.kind !== 'unsatisfied' || version.lengthBytes === null) return false
    if (said.total === version.lengthBytes) return at < said.total
    // Without a tag only another answer tells whether the file has become shorter.
    const now = headers.etag === undefined ? await this.#headOf('HEAD') : null
    return now !== null && namesVersion(version, now.headers) && factsOf(now).lengthBytes === version.lengthBytes
  }

  /** Null: it does not answer that with a content. */
  async #headOf(method: 'GET' | 'HEAD'): Promise<Answer | null> {
    const own: Record<string, string> = method === 'GET' && this.#ranges ? { range: 'bytes=0-0' } : {}
    const answer = await askOne(this.#options, this.#version, this.url, own, method).catch(() => null)
    if (answer === null) return null
    discard(answer, this.#options.clock)
    return isWhole(answer.status) || (answer.status === 206 && 'range' in own) ? answer : null
  }
}

/** What it takes to ask for a version. */
type Asking = Pick<OpenOptions, 'exchange' | 'fields' | 'signal' | 'clock'>

/** Asks where redirects led, and where it was named when that does not answer as it did: signed URLs expire, mirrors die. */
export async function askForVersion(
  options: Asking,
  version: OriginVersion,
  url: string,
  own: Record<string, string>
): Promise<Answer> {
  if (url !== version.url) {
    const answer = await askOne(options, version, url, own).catch((error: unknown) => {
      if (options.signal.aborted) throw error
      return null
    })
    if (answer !== null && (answer.status < 400 || answer.status === 412 || answer.status === 416)) return answer
    if (answer !== null) discard(answer, options.clock)
  }
  return askOne(options, version, version.url, own)
}

function askOne(
  { exchange, fields, signal }: Asking,
  version: OriginVersion,
  url: string,
  own: Record<string, string>,
  method: 'GET' | 'HEAD' = 'GET'
): Promise<Answer> {
  return exchange({
    method,
    url,
    named: version.url,
    fields,
    certificate: version.certificate,
    chooser: version.chooser,
    vouched: version.vouched,
    own,
    signal
  })
}

function factsOf({ headers, status }: Answer): Pick<OriginVersion, 'lastModified' | 'lengthBytes'> {
  const range = status === 206 ? parseContentRange(headers['content-range']) : null
  return {
    lastModified: strongLastModified(headers['last-modified'], headers.date),
    lengthBytes: status === 206 ? (range?.total ?? null) : parseContentLength(headers['content-length'])
  }
}
