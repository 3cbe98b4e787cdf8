import type { Readable } from 'node:stream'
import { sleep, type Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { Pace } from '../rates/pace.ts'
import { codingOf, decodedFrom } from './coding.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { cancelled, discard, type Answer, type Exchange } from './exchange.ts'
import { breaksOff, failureOf, retryOf, statusFailure } from './failures.ts'
import type { OriginBody, OriginVersion } from './origin.ts'
import type { Quirks } from './quirks.ts'
import { MAX_STARTS, PROGRESS_BYTES, pauseBeforeRetry, type RetryCost } from './retry.ts'
import { hostOf } from './url.ts'
import { answersVersion, isSameByDate, isWhole, namesVersion } from './version.ts'
import { strongLastModified } from './validator-fields.ts'

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
  readonly fields: Readonly<Record<string, string>>
  /** Aborted by the caller or by the end of the client. */
  readonly signal: AbortSignal
  /** Holds the reading back; the connection's own flow control does the rest. */
  readonly pace?: Pace | undefined
}

/** One connection's part of a body. */
interface Stretch {
  readonly bytes: Readable
  /** Offset of its first byte. */
  readonly from: number
  /** Offset it must reach, exclusive; null: it ends when it ends. */
  readonly until: number | null
  /** Bytes of the whole content, as this answer has it. */
  readonly whole: number | null
}

/**
 * Bytes `[start, end)` of a version as a stream that mends itself.
 *
 *     connecting ──► reading ──► ended
 *         ▲             │ broken, stalled, too short
 *         └── pausing ◄─┘                          gives up after a few tries without progress
 */
export async function openBody(
  options: OpenOptions,
  version: OriginVersion,
  range: { start: number; end: number | null; readOnTo?: number | null }
): Promise<RunningBody> {
  const { clock } = options
  const abort = new AbortController()
  const signal = AbortSignal.any([options.signal, abort.signal])
  const source = new Source({ ...options, signal }, version)
  let { end } = range
  const mendable = version.etag !== null || version.lastModified !== null || version.sha256 !== null
  /** Offset to reach, exclusive; null while nobody has said how long the content is. */
  let goal = end ?? version.lengthBytes
  let attempt = 0
  let starts = 0
  const mostStarts = options.starts ?? MAX_STARTS

  /** Pauses, or throws when trying again is of no use. */
  const pauseAfter = async (thrown: unknown, cost: RetryCost): Promise<void> => {
    if (signal.aborted) throw cancelled(signal)
    const error = failureOf(thrown, hostOf(source.url))
    const pause = pauseBeforeRetry(error, ++attempt, options.random(), cost)
    const isOver = cost === 'the-whole' && starts >= mostStarts
    if (isOver && retryOf(error) !== 'never') throw breaksOff(hostOf(source.url), error)
    if (pause === null || isOver) throw error
    await sleep(clock, pause, signal).catch(() => {
      throw cancelled(signal)
    })
  }
  const connect = async (at: number): Promise<Stretch> => {
    for (;;) {
      try {
        const stretch = await source.connect(at, goal, starts < mostStarts)
        if (stretch.from === 0) starts++
        goal ??= stretch.whole
        return stretch
      } catch (thrown) {
        await pauseAfter(thrown, at === 0 ? 'nothing' : source.goesOn ? 'the-rest' : 'the-whole')
      }
    }
  }

  const first = goal !== null && range.start >= goal ? null : await connect(range.start)
  const start = first?.from ?? range.start
  // A whole answer to a closed range is read on rather than thrown away.
  if (first !== null && range.readOnTo !== undefined && first.until !== null && end !== null && first.until > end)
    goal = end = range.readOnTo

  async function* read(): AsyncGenerator<Buffer> {
    let stretch = first
    let at = start
    let progressAt = at
    while (stretch !== null) {
      let broken: unknown
      try {
        for await (const chunk of withinLimits(
          stretch,
          { at, stopAt: end },
          { clock, stallMs: options.stallMs, host: hostOf(source.url), signal }
        )) {
          at += chunk.length
          if (at - progressAt >= PROGRESS_BYTES) {
            progressAt = at
            attempt = 0
          }
          const held = options.pace?.(chunk.length, signal)
          if (held) await held
          yield chunk
        }
        if (goal !== null && at < goal)
          broken = new LarderError('ORIGIN_UNREACHABLE', `${hostOf(source.url)} ended the answer too early.`, {
            host: hostOf(source.url),
            bytes: at
          })
      } catch (thrown) {
        broken = thrown
      } finally {
        letGo(stretch.bytes)
      }
      if (broken === undefined) return
      if (signal.aborted) throw cancelled(signal)
      const error = failureOf(broken, hostOf(source.url))
      // All bytes are here; only the end of the answer was missing, or followed by something that is none of its body.
      if (goal !== null && at >= goal && (retryOf(error) !== 'never' || error.details['problem'] !== undefined)) return
      // A server may send less of a range than it was asked for; that is no failure as long as it gets on.
      const shortened = stretch.until !== null && at === stretch.until && at > stretch.from
      if (!shortened) {
        if (!mendable && at > 0) throw error
        await pauseAfter(error, at === 0 ? 'nothing' : source.goesOn ? 'the-rest' : 'the-whole')
      }
      stretch = await connect(at)
    }
  }

  const bytes = read()
  return {
    start,
    end,
    destroy() {
      abort.abort(new LarderError('CANCELLED', 'The download was ended.'))
      if (first) letGo(first.bytes)
    },
    [Symbol.asyncIterator]: () => bytes
  }
}

/** Nobody reads on. An answer that has come whole leaves its connection to the next one. */
function letGo(bytes: Readable): void {
  if ('complete' in bytes && bytes.complete === true) bytes.resume()
  else bytes.destroy()
}

/** @see openBody */
export interface RunningBody extends OriginBody {
  /** Offset it goes to, exclusive: further than asked for where the origin ignored the range; null: to the end. */
  readonly end: number | null
}

/** Where the bytes of a version come from; remembers where redirects led. */
class Source {
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
      if (await this.#hasTagPerNode(answer, at)) quirks.note(version.url, 'tag-per-node')
      const sameAnyway = quirks.has(version.url, 'tag-per-node')
      const stretch = stretchOf(version, answer, { at, wanted, asked, sameAnyway }, clock.wallMs())
      if (asked && isWhole(answer.status)) {
        if (version.ranges) quirks.note(version.url, 'no-ranges')
        if (at > 0) this.#ranges = false
        if (at > 0 && !mayStart) throw breaksOff(hostOf(answer.url))
      }
      return stretch
    } catch (thrown) {
      discard(answer, clock)
      if (!hasCode(thrown, 'ORIGIN_PROTOCOL') || answer.status !== 206 || !this.#ranges) throw thrown
      // Another range than was asked for: it is not asked for ranges any more.
      quirks.note(version.url, 'no-ranges')
      this.#ranges = false
      if (!mayStart) throw breaksOff(hostOf(answer.url), thrown)
      return this.connect(at, wanted, mayStart)
    }
  }

  /**
   * The answer has another entity tag, but the date and length of the version. A third answer tells whether the file is another one, or
   * whether each answer just has a tag of its own.
   */
  async #hasTagPerNode(answer: Answer, at: number): Promise<boolean> {
    const version = this.#version
    const { quirks, clock } = this.#options
    if (at > 0 || version.etag === null || quirks.has(version.url, 'tag-per-node')) return false
    if (answer.headers.etag === undefined || answer.headers.etag.trim() === version.etag) return false
    if (!isSameByDate(version, factsOf(answer))) return false
    const third = await askOne(this.#options, version, this.url, {}, 'HEAD')
    discard(third, clock)
    return isWhole(third.status) && isSameByDate(version, factsOf(third)) && third.headers.etag !== answer.headers.etag
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

/** Checks that an answer is about this version and this range, and says which bytes it carries. */
function stretchOf(
  version: OriginVersion,
  answer: Answer,
  range: { at: number; wanted: number | null; asked: boolean; sameAnyway: boolean },
  wallMs: number
): Stretch {
  const host = hostOf(answer.url)
  const { status, headers } = answer
  const changed = () => new LarderError('ORIGIN_CHANGED', `${host} has another version of the file by now.`, { host })
  // What lies on this PC is not the version that others were told of, under whatever name.
  if (answer.local && version.unshareable === null) throw changed()
  const lies = (why: string) => new LarderError('ORIGIN_PROTOCOL', `${host} ${why}.`, { host })
  if (status === 412 || status === 416) throw changed()
  // Told apart by date and length where tags mean nothing.
  const named = range.sameAnyway && version.lastModified !== null ? { ...version, etag: null } : version
  if (!isWhole(status) && status !== 206) {
    if (status < 400) throw lies(`answered with status ${status}, which makes no sense here`)
    throw statusFailure(status, headers, host, wallMs)
  }
  const coding = codingOf(headers, answer.url)
  if (status === 206) {
    const said = parseContentRange(headers['content-range'])
    if (!range.asked || said?.kind !== 'bytes') throw lies('answered a range without saying which')
    if (coding !== null) throw lies('sends a range of compressed data')
    if (!answersVersion(named, { status, headers, total: said.total }))
      throw namesVersion(named, headers) ? lies('says another length of the same version') : changed()
    if (said.start !== range.at || (range.wanted !== null && said.end > range.wanted))
      throw lies('sends another range than it was asked for')
    const length = parseContentLength(headers['content-length'])
    if (length !== null && length !== said.end - said.start) throw lies('says two different lengths for one range')
    return { bytes: answer.body, from: said.start, until: said.end, whole: said.total }
  }
  if (coding !== null) {
    if (named.etag !== null && headers.etag?.trim() !== named.etag) throw changed()
    return { bytes: decodedFrom(coding, answer.body), from: 0, until: version.lengthBytes, whole: null }
  }
  const length = headers['transfer-encoding'] === undefined ? parseContentLength(headers['content-length']) : null
  if (!answersVersion(named, { status, headers, total: length })) throw changed()
  return { bytes: answer.body, from: 0, until: length ?? version.lengthBytes, whole: length }
}

/**
 * The bytes of a stretch in `[at, stopAt)`: never more than it may have, and never a longer silence than the limit. Time that the
 * consumer takes does not count.
 */
async function* withinLimits(
  stretch: Stretch,
  range: { at: number; stopAt: number | null },
  limits: { clock: Clock; stallMs: number; host: string; signal: AbortSignal }
): AsyncGenerator<Buffer> {
  const { clock, stallMs, host, signal } = limits
  const { bytes, until } = stretch
  const stopAt = range.stopAt ?? Infinity
  let stopped: LarderError | null = null
  const stop = (error: LarderError) => {
    stopped ??= error
    bytes.destroy(error)
  }
  let waitingSince: number | null = null
  const watch = clock.every(Math.max(10, stallMs / 4), () => {
    if (waitingSince !== null && clock.monotonicMs() - waitingSince >= stallMs)
      stop(new LarderError('ORIGIN_STALLED', `${host} stopped sending.`, { host }))
  })
  const onAbort = () => stop(cancelled(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) throw cancelled(signal)
    const iterator = (bytes as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    let offset = stretch.from
    for (;;) {
      waitingSince = clock.monotonicMs()
      const next = await iterator.next()
      waitingSince = null
      if (next.done) return
      const chunk = next.value
      const end = offset + chunk.length
      if (until !== null && end > until)
        throw new LarderError('ORIGIN_PROTOCOL', `${host} sends more than it said.`, { host })
      const wanted = chunk.subarray(Math.max(0, range.at - offset), Math.min(chunk.length, stopAt - offset))
      offset = end
      if (wanted.length > 0) yield wanted
      if (offset >= stopAt && offset !== until) return
    }
  } catch (thrown) {
    throw stopped ?? thrown
  } finally {
    watch.cancel()
    signal.removeEventListener('abort', onAbort)
  }
}
