import type { IncomingHttpHeaders } from 'node:http'
import type { OriginFaults } from './origin-server-faults.ts'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  /** First byte and number of bytes; null: no body. */
  readonly body: readonly [first: number, length: number] | null
  /** Several ranges were asked for: the parts that follow each other instead of `body`. */
  readonly parts?: readonly RangeOfMany[]
}

/** One part of `multipart/byteranges`: what is written before it, and its bytes. */
export interface RangeOfMany {
  readonly head: string
  readonly first: number
  readonly length: number
}

/** After the last part. */
export const partsEnd = '\r\n--larder-test-range--\r\n'

interface Question {
  readonly method: string
  readonly conditions: IncomingHttpHeaders
  readonly bytes: number
  readonly etag: string | null
  readonly lastModified: Date | null
  readonly faults: OriginFaults
  /** Requests for this file so far, this one included. */
  readonly answered: number
}

/** What a right server (RFC 9110 §13, §14) answers, but for the faults it was given. */
export function evaluate(question: Question): Answer {
  const { conditions, bytes, faults } = question
  let etag = faults.noValidators ? null : question.etag
  let modified = faults.noValidators ? null : question.lastModified
  if (faults.changingValidators) {
    etag = `"changing-${question.answered}"`
    modified = modified && new Date(modified.getTime() + question.answered * 1000)
  }
  if (faults.weakEtag && etag !== null) etag = `W/${etag}`
  const date = modified && modified.toUTCString()
  const headers: Record<string, string> = {}
  if (etag !== null) headers['ETag'] = etag
  if (date) headers['Last-Modified'] = date
  if (!faults.noRanges) headers['Accept-Ranges'] = 'bytes'

  const ifMatch = faults.ignoreIfRange ? undefined : conditions['if-match']
  if (ifMatch !== undefined && !tagsOf(ifMatch).some((tag) => tag === '*' || (tag === etag && !tag.startsWith('W/'))))
    return { status: 412, headers, body: null }
  if (!faults.ignoreConditions && !faults.noValidators) {
    const noneMatch = conditions['if-none-match']
    const since = conditions['if-modified-since']
    const unchanged =
      noneMatch !== undefined
        ? etag !== null && tagsOf(noneMatch).some((tag) => tag === '*' || weak(tag) === weak(etag))
        : since !== undefined && modified !== null && Math.floor(modified.getTime() / 1000) * 1000 <= Date.parse(since)
    if (unchanged) return { status: 304, headers, body: null }
  }

  const range = faults.noRanges || question.method !== 'GET' ? undefined : conditions.range
  const ifRange = faults.ignoreIfRange ? undefined : conditions['if-range']?.toString()
  const rangeHolds = ifRange === undefined || (ifRange.startsWith('"') ? ifRange === etag : ifRange === date)
  const many = range !== undefined && rangeHolds && !faults.oneRange ? parseRanges(range, bytes) : null
  if (many) return severalParts(many, bytes, headers)
  const asked = range !== undefined && rangeHolds ? parseRange(range, bytes) : null
  if (asked === 'unsatisfiable')
    return {
      status: 416,
      headers: { ...headers, 'Content-Range': `bytes */${bytes}`, 'Content-Length': '0' },
      body: null
    }
  const [first, length] = asked ?? [0, bytes]
  if (asked) {
    const right = `bytes ${first}-${first + length - 1}/${bytes}`
    const told = faults.contentRange ? faults.contentRange(right) : right
    if (told !== null) headers['Content-Range'] = told
  }
  if (!faults.noLength && !faults.endless) headers['Content-Length'] = String(length)
  return { status: asked ? 206 : 200, headers, body: [first, length] }
}

const tagsOf = (field: string): string[] => field.split(',').map((tag) => tag.trim())
const weak = (tag: string): string => tag.replace(/^W\//, '')

function severalParts(ranges: readonly [number, number][], bytes: number, headers: Record<string, string>): Answer {
  const parts = ranges.map(([first, length]) => ({
    head: `\r\n--larder-test-range\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${first + length - 1}/${bytes}\r\n\r\n`,
    first,
    length
  }))
  const whole = parts.reduce((sum, { head, length }) => sum + head.length + length, partsEnd.length)
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Type': 'multipart/byteranges; boundary=larder-test-range',
      'Content-Length': String(whole)
    },
    body: [0, 0],
    parts
  }
}

/** Two ranges or more, each with both ends, within the content; null for anything else. */
function parseRanges(field: string, bytes: number): [number, number][] | null {
  if (!/^bytes=\d+-\d+(,\d+-\d+)+$/.test(field)) return null
  const ranges = field
    .slice('bytes='.length)
    .split(',')
    .map((one) => one.split('-').map(Number) as [number, number])
  if (ranges.some(([first, last]) => first > last || last >= bytes)) return null
  return ranges.map(([first, last]) => [first, last - first + 1])
}

/** Several ranges, or none that is understood: null, the whole is sent. */
function parseRange(field: string, bytes: number): [first: number, length: number] | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(field.trim())
  if (!match || (match[1] === '' && match[2] === '')) return null
  if (match[1] === '') {
    const suffix = Math.min(Number(match[2]), bytes)
    return suffix === 0 ? 'unsatisfiable' : [bytes - suffix, suffix]
  }
  const first = Number(match[1])
  const last = match[2] === '' ? bytes - 1 : Math.min(Number(match[2]), bytes - 1)
  if (match[2] !== '' && Number(match[2]) < first) return null
  return first >= bytes ? 'unsatisfiable' : [first, last - first + 1]
}
