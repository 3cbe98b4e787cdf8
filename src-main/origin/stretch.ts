import type { Readable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { codingOf, decodedFrom } from './coding.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { cancelled, type Answer } from './exchange.ts'
import { statusFailure } from './failures.ts'
import type { OriginVersion } from './origin.ts'
import { hostOf } from './url.ts'
import { answersVersion, isWhole, namesVersion } from './version.ts'

/** One connection's part of a body. */
export interface Stretch {
  readonly bytes: Readable
  /** Offset of its first byte. */
  readonly from: number
  /** Offset it must reach, exclusive; null: it ends when it ends. */
  readonly until: number | null
  /** Bytes of the whole content, as this answer has it. */
  readonly whole: number | null
  /** A coding is taken off it: bytes may have come although none has been seen. */
  readonly coded?: boolean
  /** Offset it has come to, exclusive. */
  reached: number
}

/** Checks that an answer is about this version and this range, and says which bytes it carries. */
export function stretchOf(
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
  const rest = status === 416 ? parseContentRange(headers['content-range']) : null
  if (
    rest?.kind === 'unsatisfied' &&
    ![null, rest.total].includes(version.lengthBytes) &&
    namesVersion(version, headers)
  )
    throw lies('says another length of the same version')
  if (rest?.kind === 'unsatisfied' && rest.total === version.lengthBytes && range.at < rest.total)
    throw lies('refuses a part of what it says it has')
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
    const isWholeAnyway = said?.kind === 'bytes' && said.start === 0 && said.end === said.total
    if (said?.kind !== 'bytes' || !(range.asked || isWholeAnyway)) throw lies('answered a range without saying which')
    if (coding !== null) throw lies('sends a range of compressed data')
    if (!answersVersion(named, { status, headers, total: said.total }))
      throw namesVersion(named, headers) ? lies('says another length of the same version') : changed()
    if (said.start !== range.at || (range.wanted !== null && said.end > range.wanted))
      throw lies('sends another range than it was asked for')
    const length = parseContentLength(headers['content-length'])
    if (length !== null && length !== said.end - said.start) throw lies('says two different lengths for one range')
    return { bytes: answer.body, from: said.start, until: said.end, whole: said.total, reached: said.start }
  }
  if (coding !== null) {
    if (named.etag !== null && headers.etag?.trim() !== named.etag) throw changed()
    const bytes = decodedFrom(coding, answer.body)
    return { bytes, from: 0, until: version.lengthBytes, whole: null, coded: true, reached: 0 }
  }
  const length = headers['transfer-encoding'] === undefined ? parseContentLength(headers['content-length']) : null
  if (!answersVersion(named, { status, headers, total: length })) throw changed()
  return { bytes: answer.body, from: 0, until: length ?? version.lengthBytes, whole: length, reached: 0 }
}

/**
 * The bytes of a stretch in `[at, stopAt)`: never more than it may have, and never a longer silence than the limit. Time that the
 * consumer takes does not count.
 */
export async function* withinLimits(
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
      offset = stretch.reached = end
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

/** Nobody reads on. An answer that has come whole leaves its connection to the next one. */
export function letGo(bytes: Readable): void {
  if ('complete' in bytes && bytes.complete === true) bytes.resume()
  else bytes.destroy()
}
