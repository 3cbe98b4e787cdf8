import { LarderError } from '../../lib/errors.ts'
import type { OriginClient, OriginVersion } from '../../origin/origin.ts'
import type { Span } from './sample-plan.ts'

/** Requests for spans at the same time: a few round trips less, no burst. */
const AT_ONCE = 4

/** A span as the origin has it. */
export interface FetchedSpan extends Span {
  readonly bytes: Buffer
}

export interface SpanSource {
  readonly origin: OriginClient
  readonly version: OriginVersion
  readonly headers: Record<string, string> | undefined
  readonly signal: AbortSignal
  /** Content bytes that came in. */
  readonly received: (bytes: number) => void
}

/** The origin gives no ranges of this content. */
export const NO_RANGES = Symbol('no ranges')

/** Bytes of one span. @throws the codes of {@link OriginClient.open} */
export async function fetchSpan(
  { origin, version, headers, signal, received }: SpanSource,
  span: Span
): Promise<FetchedSpan | typeof NO_RANGES> {
  const body = await origin.open(version, span, { signal, ...(headers && { headers }) })
  try {
    if (body.start !== span.start) return NO_RANGES
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body) {
      received(chunk.length)
      chunks.push(chunk)
      length += chunk.length
      if (length >= span.end - span.start) break
    }
    if (length < span.end - span.start)
      throw new LarderError('ORIGIN_PROTOCOL', 'The origin sent less than it was asked for')
    return { ...span, bytes: Buffer.concat(chunks).subarray(0, span.end - span.start) }
  } finally {
    body.destroy()
  }
}

/** Bytes of several spans, in any order. @throws as {@link fetchSpan} */
export async function fetchSpans(
  source: SpanSource,
  spans: readonly Span[]
): Promise<FetchedSpan[] | typeof NO_RANGES> {
  const waiting = [...spans]
  const fetched: FetchedSpan[] = []
  let ranges = true
  const lane = async () => {
    for (let span = waiting.shift(); span && ranges; span = waiting.shift()) {
      const result = await fetchSpan(source, span)
      if (result === NO_RANGES) ranges = false
      else fetched.push(result)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, spans.length) }, lane))
  return ranges ? fetched : NO_RANGES
}
