import type { IncomingHttpHeaders } from 'node:http'
import fresh from 'fresh'
import { LarderError } from '../../lib/errors.ts'
import type { ByteSpan } from '../../requests/growing-reader.ts'
import type { FoundContent } from '../../requests/reading.ts'
import { via } from './fields.ts'

/** How a request is answered: status, fields, and which bytes follow. */
export interface ContentAnswer {
  readonly status: 200 | 206 | 304
  readonly headers: Readonly<Record<string, string>>
  /** Null: no body. */
  readonly span: ByteSpan | null
}

/**
 * Answers a GET or HEAD about a content (RFC 9110 §13.2.2, §14).
 * @throws PRECONDITION_FAILED, RANGE_UNSATISFIABLE (`details.lengthBytes`)
 */
export function decideAnswer(
  method: 'GET' | 'HEAD',
  request: IncomingHttpHeaders,
  content: FoundContent
): ContentAnswer {
  const { etag, lastModified, lengthBytes } = content
  const described = describe(content)
  assertPreconditions(request, content)
  if (
    fresh(
      { ...request, 'cache-control': undefined },
      { ...(etag !== null && { etag }), ...(lastModified !== null && { 'last-modified': lastModified }) }
    )
  ) {
    const { 'content-type': _type, 'content-disposition': _disposition, ...kept } = described
    return { status: 304, headers: kept, span: null }
  }
  const whole = { start: 0, end: lengthBytes }
  const ranged =
    method === 'GET' && request.range !== undefined && rangeHolds(request['if-range'], content)
      ? parseRange(request.range, lengthBytes)
      : null
  if (ranged === 'unsatisfiable')
    throw new LarderError('RANGE_UNSATISFIABLE', `The file has ${lengthBytes} bytes`, { lengthBytes })
  const span = ranged ?? whole
  const headers = {
    ...described,
    'accept-ranges': 'bytes',
    'content-length': String(span.end - span.start),
    ...(ranged && { 'content-range': `bytes ${span.start}-${span.end - 1}/${lengthBytes}` })
  }
  return { status: ranged ? 206 : 200, headers, span: method === 'HEAD' ? null : span }
}

/** Fields about the content, the origin's own where they were kept. */
function describe({ fields, etag, lastModified, stale, ageSeconds }: FoundContent): Record<string, string> {
  const own: Record<string, string> = { 'content-type': fields['content-type'] ?? 'application/octet-stream' }
  for (const name of ['cache-control', 'expires', 'vary', 'content-disposition', 'date'] as const)
    if (fields[name] !== undefined) own[name] = fields[name]
  return {
    ...own,
    ...(etag !== null && { etag }),
    ...(lastModified !== null && { 'last-modified': lastModified }),
    // An answer the origin has just confirmed has no age of its own (RFC 9111 §5.1).
    ...((stale || ageSeconds > 0) && { age: String(ageSeconds) }),
    via: via(undefined)
  }
}

function assertPreconditions(request: IncomingHttpHeaders, { etag, lastModified }: FoundContent): void {
  const match = request['if-match']
  if (match !== undefined) {
    const tags = match.split(',').map((tag) => tag.trim())
    if (tags.includes('*') || (etag !== null && isStrong(etag) && tags.includes(etag))) return
    throw new LarderError('PRECONDITION_FAILED', 'The file at the origin is not the version named in If-Match')
  }
  const since = request['if-unmodified-since']
  if (since === undefined || lastModified === null) return
  if (Date.parse(lastModified) > Date.parse(since))
    throw new LarderError('PRECONDITION_FAILED', 'The file at the origin is newer than If-Unmodified-Since')
}

/** `If-Range` compares strongly, dates to the letter (RFC 9110 §13.1.5). */
function rangeHolds(field: string | string[] | undefined, { etag, lastModified }: FoundContent): boolean {
  if (field === undefined) return true
  const text = String(field).trim()
  if (text.startsWith('"') || text.startsWith('W/')) return isStrong(text) && text === etag
  return text === lastModified
}

const isStrong = (tag: string): boolean => tag.startsWith('"')

/** One range; null for several, other units and what cannot be read: then the whole is the answer (RFC 9110 §14.2). */
function parseRange(field: string, lengthBytes: number): ByteSpan | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(field) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  if (first === '') {
    const suffix = Math.min(Number(last), lengthBytes)
    return suffix === 0 ? 'unsatisfiable' : { start: lengthBytes - suffix, end: lengthBytes }
  }
  const start = Number(first)
  const end = last === '' ? lengthBytes : Math.min(Number(last) + 1, lengthBytes)
  if (last !== '' && Number(last) < start) return null
  return start >= lengthBytes ? 'unsatisfiable' : { start, end }
}
