import { parseContentRange } from './content-range.ts'

/** Bytes `[start, end)` of a content as an origin sent them. */
export interface RangePart {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const MAX_HEAD_BYTES = 2048
/** RFC 2046 §5.1.1 allows 70; servers are not that careful. */
const MAX_BOUNDARY = 200

/** The boundary of `multipart/byteranges; boundary=…` (RFC 9110 §14.6); null when it is none. */
export function boundaryOf(contentType: string | undefined): string | null {
  if (contentType === undefined || contentType.length > 1000) return null
  const [type, ...parameters] = contentType.split(';')
  if (type!.trim().toLowerCase() !== 'multipart/byteranges') return null
  for (const parameter of parameters) {
    const match = /^\s*boundary=(?:"([^"\r\n]+)"|([^\s"]+))\s*$/i.exec(parameter)
    const boundary = match?.[1] ?? match?.[2]
    if (boundary !== undefined) return boundary.length <= MAX_BOUNDARY ? boundary : null
  }
  return null
}

/**
 * The parts of a body of several ranges. The length of each comes from its own `Content-Range`: bytes of the content that look
 * like a boundary mean nothing.
 * @param total bytes of the whole content, when it is known
 * @returns null when the body is not what it should be, or about another length
 */
export function parseByteRanges(body: Buffer, boundary: string, total: number | null): RangePart[] | null {
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: RangePart[] = []
  let at = body.indexOf(delimiter)
  for (;;) {
    if (at < 0 || !body.subarray(at, at + delimiter.length).equals(delimiter)) return null
    at += delimiter.length
    if (body[at] === 0x2d && body[at + 1] === 0x2d) return parts
    const head = body.indexOf(HEAD_END, at)
    if (head < 0 || head - at > MAX_HEAD_BYTES) return null
    const range = parseContentRange(fieldOf(body.toString('latin1', at, head), 'content-range'))
    if (range?.kind !== 'bytes' || (total !== null && range.total !== null && range.total !== total)) return null
    const start = head + HEAD_END.length
    const end = start + range.end - range.start
    if (end > body.length || !body.subarray(end, end + CRLF.length).equals(CRLF)) return null
    parts.push({ start: range.start, end: range.end, bytes: body.subarray(start, end) })
    at = end + CRLF.length
  }
}

function fieldOf(head: string, name: string): string | undefined {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim()
  }
  return undefined
}

/** Cuts the bytes of each wanted range out of what came; null when one is not all there. */
export function cutRanges(
  parts: readonly RangePart[],
  wanted: readonly { readonly start: number; readonly end: number }[]
): RangePart[] | null {
  const cut: RangePart[] = []
  for (const { start, end } of wanted) {
    const part = parts.find((one) => one.start <= start && end <= one.end)
    if (!part) return null
    cut.push({ start, end, bytes: part.bytes.subarray(start - part.start, end - part.start) })
  }
  return cut
}
