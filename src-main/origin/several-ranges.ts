import { hasCode, LarderError } from '../lib/errors.ts'
import { askForVersion, type OpenOptions } from './body-source.ts'
import { codingOf } from './coding.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { cancelled, discard, type Answer } from './exchange.ts'
import { boundaryOf, cutRanges, parseByteRanges, type RangePart } from './multipart.ts'
import type { OriginVersion } from './origin.ts'
import { hostOf } from './url.ts'
import { answersVersion, namesVersion } from './version.ts'

/** What a server may write around each part. */
const PART_OVERHEAD_BYTES = 1024

/** What a host answers that never gives ranges together: the whole, one of them, or that it will not have such a request. */
const sayNo = new Set([200, 206, 400, 413, 414, 416, 431])

export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Asks for many small ranges in one request. Some origins (object stores above all) answer that with the whole content: such an
 * answer is ended at once, and the host is not asked like that for a day.
 * @param ranges ascending and apart
 * @returns null where this origin does not give them together
 * @throws ORIGIN_CHANGED, CANCELLED
 */
export async function openSeveral(
  options: Pick<OpenOptions, 'exchange' | 'clock' | 'quirks' | 'fields' | 'signal' | 'pace'>,
  version: OriginVersion,
  ranges: readonly ByteRange[]
): Promise<RangePart[] | null> {
  const { quirks } = options
  if (!version.ranges || quirks.has(version.url, 'no-ranges') || quirks.has(version.url, 'one-range')) return null
  const validator = version.etag ?? version.lastModified
  const own: Record<string, string> = {
    range: `bytes=${ranges.map(({ start, end }) => `${start}-${end - 1}`).join(',')}`,
    ...(validator !== null && { 'if-range': validator })
  }
  try {
    const answer = await askForVersion(options, version, version.finalUrl, own)
    const parts = await readParts(options, version, ranges, answer)
    if (parts === null && sayNo.has(answer.status)) quirks.note(version.url, 'one-range')
    return parts
  } catch (error) {
    if (options.signal.aborted) throw cancelled(options.signal)
    if (hasCode(error, 'ORIGIN_CHANGED')) throw error
    // A connection that broke says nothing about the host; ranges asked for one by one are tried again by themselves.
    return null
  }
}

async function readParts(
  { clock, signal, pace }: Pick<OpenOptions, 'clock' | 'signal' | 'pace'>,
  version: OriginVersion,
  ranges: readonly ByteRange[],
  answer: Answer
): Promise<RangePart[] | null> {
  const { status, headers, body } = answer
  const length = headers['transfer-encoding'] === undefined ? parseContentLength(headers['content-length']) : null
  const isOther = status === 200 && !answersVersion(version, { status, headers, total: length })
  if (status === 412 || isOther || (answer.local && version.unshareable === null)) {
    discard(answer, clock)
    throw changed(answer)
  }
  const boundary = boundaryOf(headers['content-type'])
  const one = parseContentRange(headers['content-range'])
  const most = ranges.reduce((sum, { start, end }) => sum + end - start + PART_OVERHEAD_BYTES, PART_OVERHEAD_BYTES)
  if (
    status !== 206 ||
    (boundary === null && one?.kind !== 'bytes') ||
    codingOf(headers, answer.url) !== null ||
    (length ?? 0) > most
  ) {
    discard(answer, clock)
    return null
  }
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    received += chunk.length
    if (received > most) return null
    const held = pace?.(chunk.length, signal)
    if (held) await held
  }
  const bytes = Buffer.concat(chunks)
  const parts =
    boundary !== null
      ? parseByteRanges(bytes, boundary, version.lengthBytes)
      : one?.kind === 'bytes' && one.end - one.start === bytes.length
        ? [{ start: one.start, end: one.end, bytes }]
        : null
  const total = boundary === null && one?.kind === 'bytes' ? one.total : version.lengthBytes
  if (!answersVersion(version, { status, headers, total })) {
    // The same version, and another length of it: it does not know how to answer.
    if (namesVersion(version, headers)) return null
    throw changed(answer)
  }
  return parts && cutRanges(parts, ranges)
}

function changed({ url }: Answer): LarderError {
  const host = hostOf(url)
  return new LarderError('ORIGIN_CHANGED', `${host} has another version of the file by now.`, { host })
}
