import { LarderError } from '../../lib/errors.ts'
import type { Priority } from '../../contract/request.ts'
import type { OriginClient, OriginVersion } from '../../origin/origin.ts'
import { SPANS_PER_REQUEST, type Asking, type Span } from './sample-plan.ts'

/** Requests for one span each at the same time: a few round trips less, no burst. */
const AT_ONCE = 4

/** A span as the origin has it. */
export interface FetchedSpan extends Span {
  readonly bytes: Buffer
}

export interface SpanSource {
  readonly origin: Pick<OriginClient, 'open' | 'openSeveral'>
  readonly version: OriginVersion
  readonly headers: Record<string, string> | undefined
  readonly signal: AbortSignal
  readonly priority?: () => Priority
  /** Content bytes that came in. */
  readonly received: (bytes: number) => void
}

/** The origin gives no ranges of this content. */
export const NO_RANGES = Symbol('no ranges')

/** Bytes of one span. @throws the codes of {@link OriginClient.open} */
export async function fetchSpan(source: SpanSource, span: Span): Promise<FetchedSpan | typeof NO_RANGES> {
  const body = await source.origin.open(source.version, span, optionsOf(source))
  try {
    if (body.start !== span.start) return NO_RANGES
    const chunks: Buffer[] = []
    let length = 0
    // Read to its end: a connection that is left in the middle is of no further use.
    for await (const chunk of body) {
      source.received(chunk.length)
      chunks.push(chunk)
      length += chunk.length
      if (length > span.end - span.start) break
    }
    if (length < span.end - span.start)
      throw new LarderError('ORIGIN_PROTOCOL', 'The origin sent less than it was asked for')
    return { ...span, bytes: Buffer.concat(chunks).subarray(0, span.end - span.start) }
  } finally {
    body.destroy()
  }
}

/**
 * The spans of a plan, in any order: together where the origin can, else another plan with one request each.
 * @param together undefined: too few to try
 * @throws as {@link fetchSpan}
 */
export async function fetchSample(
  source: SpanSource,
  plan: (asking: Asking) => readonly Span[],
  together: boolean
): Promise<FetchedSpan[] | typeof NO_RANGES> {
  const several = together ? await fetchTogether(source, plan('together')) : null
  return several ?? fetchEach(source, plan('each'))
}

async function fetchTogether(source: SpanSource, spans: readonly Span[]): Promise<FetchedSpan[] | null> {
  const fetched: FetchedSpan[] = []
  for (let at = 0; at < spans.length; at += SPANS_PER_REQUEST) {
    const some = spans.slice(at, at + SPANS_PER_REQUEST)
    const parts = await source.origin.openSeveral(source.version, some, optionsOf(source))
    if (parts === null) return null
    source.received(parts.reduce((sum, { bytes }) => sum + bytes.length, 0))
    fetched.push(...parts)
  }
  return fetched
}

async function fetchEach(source: SpanSource, spans: readonly Span[]): Promise<FetchedSpan[] | typeof NO_RANGES> {
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

function optionsOf({ headers, signal, priority }: SpanSource) {
  return { signal, ...(headers && { headers }), ...(priority && { priority }) }
}
