import type { ByteSpan } from './growing-reader.ts'

/** Up to so many bytes the whole is fetched, whatever part of it is asked for. */
const SMALL_BYTES = 16 * 1024 ** 2

/**
 *     transfer   fetch the whole, for this PC and the others, and give the span out of it
 *     origin     the span alone, from the origin: waiting for what lies before it would be worse than having no Larder
 */
export type RangeRoute = 'transfer' | 'origin'

/**
 * Decides how a span of a content that is not complete here is obtained. Who asks up to the end resumes a download, and who
 * asks for half of it wants most of it; a few bytes out of a large file are a look into it.
 */
export function routeRange(span: ByteSpan, lengthBytes: number, isHere: boolean): RangeRoute {
  if (isHere || span.end === lengthBytes || lengthBytes <= SMALL_BYTES) return 'transfer'
  return (span.end - span.start) * 2 >= lengthBytes ? 'transfer' : 'origin'
}
