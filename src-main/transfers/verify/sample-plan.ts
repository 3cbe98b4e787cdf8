// Why it is like this: docs/decisions/0062-a-sample-at-the-origin.md
/** Bytes `[start, end)` of a content. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What one PC may ask the origin for to check a content: so much of it, or so many bytes where that is more. */
export interface SampleLimits {
  /** 0 to 1. */
  readonly share: number
  readonly bytes: number
}

/** All PCs of a site together ask for this part of a content at most, as long as the least for each is not more. */
const SITE_SHARE = 0.05
/** What asking costs beside the bytes asked for: header fields both ways. */
export const REQUEST_BYTES = 1024
/** Below this nothing is worth a request; as much as each PC spends anyway to ask for the version. */
const LEAST_BYTES = 2 * REQUEST_BYTES
/** A change of a file is rarely smaller than this and stays near it: more spans find more, longer ones hardly. */
export const MAX_SPANS = 32
const MAX_SPAN_BYTES = 64 * 1024
/** Fetched spans wait in memory for the pieces. */
const MAX_BYTES = 4 * 1024 * 1024
/** Head and tail are looked at always, once there are so many spans: where formats keep what matters. */
const SPANS_WITH_ENDS = 4

/**
 * Bytes one PC may spend on checking a content, requests included.
 * @param pcs that may ask for it, this one included
 */
export function sampleBudget(lengthBytes: number, pcs: number, limits: SampleLimits): number {
  const own = Math.max(lengthBytes * limits.share, limits.bytes)
  const ofSite = (lengthBytes * SITE_SHARE) / Math.max(1, pcs)
  return Math.max(LEAST_BYTES, Math.min(own, ofSite, MAX_BYTES))
}

/**
 * Which bytes to compare with the origin, in ascending order, apart from each other. Head and tail when the budget has room for
 * them, the rest at random.
 * @param regions what is to be checked, ascending and apart; not empty
 * @param random uniform in [0, 1)
 */
export function planSample(
  regions: readonly Span[],
  question: {
    readonly lengthBytes: number
    readonly pcs: number
    readonly limits: SampleLimits
    readonly random: () => number
  }
): Span[] {
  const total = regions.reduce((sum, { start, end }) => sum + end - start, 0)
  if (total === 0) return []
  const budget = sampleBudget(question.lengthBytes, question.pcs, question.limits)
  if (budget >= total + REQUEST_BYTES * regions.length && total <= MAX_BYTES && regions.length <= MAX_SPANS)
    return [...regions]
  const count = Math.max(1, Math.min(MAX_SPANS, Math.floor(budget / LEAST_BYTES)))
  const bytes = budget - count * REQUEST_BYTES
  const wanted: Span[] = []
  let left = count
  let each = Math.max(1, Math.floor(bytes / count))
  if (count >= SPANS_WITH_ENDS) {
    // Half of the budget for the two ends at most.
    const end = Math.min(MAX_SPAN_BYTES, Math.floor(bytes / 4), total)
    wanted.push({ start: 0, end }, { start: total - end, end: total })
    left -= 2
    each = Math.max(1, Math.floor((bytes - 2 * end) / left))
  }
  const length = Math.min(each, MAX_SPAN_BYTES, total)
  for (let i = 0; i < left; i++) {
    const start = Math.floor(question.random() * (total - length + 1))
    wanted.push({ start, end: start + length })
  }
  return joined(wanted).flatMap((span) => placed(span, regions))
}

/**
 * The part of patches of `patchBytes` bytes, anywhere in the content, that at least one of `pcs` PCs sees: each with its own
 * random spans. Overlaps of spans are left out of account, which makes it a little too high.
 */
export function caughtShare(
  lengthBytes: number,
  patchBytes: number,
  pcs: number,
  limits: SampleLimits,
  askedBy = pcs
): number {
  const budget = sampleBudget(lengthBytes, askedBy, limits)
  const spans = planSample([{ start: 0, end: lengthBytes }], {
    lengthBytes,
    pcs: askedBy,
    limits,
    // Evenly spread: the lengths count, not the places.
    random: evenly(Math.max(1, Math.floor(budget / LEAST_BYTES)))
  })
  const places = lengthBytes - patchBytes + 1
  const missedByOne = spans.reduce((missed, { start, end }) => {
    const atEnd = start === 0 || end === lengthBytes
    const hits = Math.min(places, atEnd ? end - start : end - start + patchBytes - 1)
    return missed * (1 - hits / places)
  }, 1)
  const ends = spans.filter(({ start, end }) => start === 0 || end === lengthBytes)
  // The ends are the same for all: what they miss, they miss for everybody.
  const missedByEnds = ends.reduce((missed, { start, end }) => missed * (1 - (end - start) / places), 1)
  return 1 - missedByEnds * (missedByOne / missedByEnds) ** pcs
}

function evenly(count: number): () => number {
  let i = 0
  return () => ((i++ % count) + 0.5) / (count + 1)
}

/** Overlapping spans are one. */
function joined(spans: readonly Span[]): Span[] {
  const out: Span[] = []
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = out.at(-1)
    if (last && span.start <= last.end) out[out.length - 1] = { start: last.start, end: Math.max(last.end, span.end) }
    else out.push(span)
  }
  return out
}

/** Where a span counted over the regions alone lies in the content; cut where they end. */
function placed({ start, end }: Span, regions: readonly Span[]): Span[] {
  const out: Span[] = []
  let before = 0
  for (const region of regions) {
    const length = region.end - region.start
    const from = Math.max(start - before, 0)
    const to = Math.min(end - before, length)
    if (from < to) out.push({ start: region.start + from, end: region.start + to })
    before += length
  }
  return out
}
