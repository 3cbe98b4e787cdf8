import type { Clock } from '../lib/clock.ts'
import type { ByteSpan } from './growing-reader.ts'

/** Up to this many bytes the whole is fetched, whatever part of it is asked for. */
const SMALL_BYTES = 16 * 1024 ** 2

/**
 *     transfer   fetch the whole, for this PC and the others, and give the span out of it
 *     origin     the span alone, from the origin: waiting for what lies before it would be worse than having no Larder
 */
export type RangeRoute = 'transfer' | 'origin'

/** A part of this share or more of a content is wanted for the content, not for a look into it. */
const LARGE_SHARE = 1 / 16
/** What a program reads to know what it has before it (headers, a directory at the end) is less. */
const LOOK_BYTES = 1024 ** 2

/**
 * Decides how a span of a content that is not complete here is obtained. A request up to the end resumes a download; one for a large
 * part of it, or for parts of it one beside the other, downloads it in parts (aria2, BITS, hubs of models). A few bytes out of a large
 * file are a look into it.
 * @param state `isHere`: all of the span is on this PC; `others`: other spans of this content asked for recently
 */
export function routeRange(
  span: ByteSpan,
  lengthBytes: number,
  { isHere, others }: { isHere: boolean; others: number }
): RangeRoute {
  if (isHere || span.end === lengthBytes || lengthBytes <= SMALL_BYTES) return 'transfer'
  const bytes = span.end - span.start
  if (bytes >= lengthBytes * LARGE_SHARE || (others > 0 && bytes >= LOOK_BYTES)) return 'transfer'
  return 'origin'
}

/** Spans of a content count as one download's for this long. */
const LATELY_MS = 60_000
const MAX_CONTENTS = 256

/** Which contents are asked for in spans, recently. */
export class RecentSpans {
  readonly #clock: Clock
  readonly #byContent = new Map<string, { at: number; spans: Set<string> }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes a span. @returns how many others of the same content were asked for recently */
  note(content: string, { start, end }: ByteSpan): number {
    const now = this.#clock.monotonicMs()
    const before = this.#byContent.get(content)
    const known = before && now - before.at < LATELY_MS ? before.spans : new Set<string>()
    const others = [...known].filter((span) => span !== `${start}-${end}`).length
    if (known.size < 8) known.add(`${start}-${end}`)
    this.#byContent.delete(content)
    this.#byContent.set(content, { at: now, spans: known })
    if (this.#byContent.size > MAX_CONTENTS) this.#byContent.delete(this.#byContent.keys().next().value!)
    return others
  }
}
