// Why it is like this: docs/decisions/0067-a-sample-by-chance.md
/** Bytes `[start, end)` of a content. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What one PC may ask the origin for to check a content: this much of it, or this many bytes where that is more. */
export interface SampleLimits {
  /** 0 to 1. */
  readonly share: number
  readonly bytes: number
}

export interface SampleQuestion {
  readonly lengthBytes: number
  /** That may ask for it, this one included. */
  readonly pcs: number
  readonly limits: SampleLimits
  /** It is checked whatever that costs. */
  readonly certain?: boolean
  /** What chance says, uniform in [0, 1), where it was asked before; absent: it is asked then. */
  readonly luck?: number
}

/** Spans by one request each, or all of them by one. */
export type Asking = 'each' | 'together'

/** All PCs of a site together ask for this part of a content at most, on the average. */
export const SITE_SHARE = 0.05
/** What asking costs beside the bytes asked for: header fields both ways. */
export const REQUEST_BYTES = 1024
/** The same for each span of several in one request. */
export const PART_BYTES = 160
/** The smallest sample: one request and as much content. */
export const LEAST_BYTES = 2 * REQUEST_BYTES
/** From this budget on it is worth trying to ask for several spans at once. */
const TOGETHER_FROM_BYTES = 4 * LEAST_BYTES
/** A change of a file stays near itself: more spans find more, longer ones hardly. */
const MAX_SPANS = { each: 16, together: 384 } as const
const MAX_SPAN_BYTES = { each: 16 * 1024, together: 256 } as const
const LEAST_SPAN_BYTES = 64
/** Spans of one request: servers refuse more than 200, and header fields above 8 KiB. */
export const SPANS_PER_REQUEST = 192
/** Requests for one sample at most: together, and where that does not work one by one. */
export const MAX_REQUESTS = 1 + MAX_SPANS.together / SPANS_PER_REQUEST + MAX_SPANS.each
/** Compared whole at most, in one go. */
const MAX_BYTES = 4 * 1024 * 1024
/** Head and tail are looked at always, once there are this many spans: where formats keep what matters. */
const SPANS_WITH_ENDS = 4
const MAX_END_BYTES = 16 * 1024

/** Bytes one PC may spend on checking a content on the average, requests included. */
export function sampleBudget({ lengthBytes, pcs, limits }: SampleQuestion): number {
  const own = Math.max(lengthBytes * limits.share, limits.bytes)
  const ofSite = (lengthBytes * SITE_SHARE) / Math.max(1, pcs)
  return Math.min(own, ofSite, MAX_BYTES)
}

/** What the smallest sample of so many bytes costs. */
export function leastCost(bytes: number): number {
  return REQUEST_BYTES + Math.min(bytes, LEAST_BYTES - REQUEST_BYTES)
}

/** Several spans at once are worth a try: the budget has room for more than a few. */
export function worthTogether(question: SampleQuestion): boolean {
  return sampleBudget(question) >= TOGETHER_FROM_BYTES
}

/** Probability that this PC checks something that costs this much. 1: always. */
export function sampleChance(question: SampleQuestion, costBytes: number): number {
  return question.certain ? 1 : Math.min(1, sampleBudget(question) / costBytes)
}

/**
 * Which bytes to compare with the origin, in ascending order, apart from each other. Head and tail when the budget has room for
 * them, the rest at random. None at all when the budget is less than the smallest sample and chance says so.
 * @param regions what is to be checked, ascending and apart
 * @param random uniform in [0, 1)
 */
export function planSample(
  regions: readonly Span[],
  question: SampleQuestion & { readonly random: () => number },
  asking: Asking
): Span[] {
  const total = regions.reduce((sum, { start, end }) => sum + end - start, 0)
  if (total === 0) return []
  const least = leastCost(total)
  const chance = sampleChance(question, least)
  if (chance < 1 && (question.luck ?? question.random()) >= chance) return []
  const budget = Math.max(least, sampleBudget(question))
  if (budget >= total + REQUEST_BYTES * regions.length && regions.length <= MAX_SPANS.each) return [...regions]
  const { count, length, end } = shapeOf(budget, total, asking)
  const wanted: Span[] = end > 0 ? [head(end), tail(end, total)] : []
  for (let i = wanted.length; i < count; i++) {
    const start = Math.floor(question.random() * (total - length + 1))
    wanted.push({ start, end: start + length })
  }
  return joined(wanted).flatMap((span) => placed(span, regions))
}

/** How many spans of which length a budget is good for; `end`: how much of head and tail, which count as two. */
function shapeOf(budget: number, total: number, asking: Asking): { count: number; length: number; end: number } {
  const together = asking === 'together'
  const requests = together ? Math.ceil(Math.min(MAX_SPANS.together, budget / PART_BYTES) / SPANS_PER_REQUEST) : 0
  const perSpan = together ? PART_BYTES : REQUEST_BYTES
  const rest = budget - requests * REQUEST_BYTES
  const least = together ? PART_BYTES + LEAST_SPAN_BYTES : LEAST_BYTES
  const count = Math.max(1, Math.min(MAX_SPANS[asking], Math.floor(rest / least)))
  const bytes = rest - count * perSpan
  // Half of the budget for the two ends at most.
  const end = count < SPANS_WITH_ENDS ? 0 : Math.min(MAX_END_BYTES, Math.floor(bytes / 4), total)
  const left = end === 0 ? count : count - 2
  const each = Math.max(1, Math.floor((bytes - 2 * end) / left))
  return { count, length: Math.min(each, MAX_SPAN_BYTES[asking], total), end }
}

/**
 * The part of patches of `patchBytes` bytes, anywhere in the content, that at least one of `askers` PCs sees, each with its own
 * chance and its own random spans. Overlaps of spans are left out of account, which makes it a little too high.
 */
export function caughtShare(patchBytes: number, askers: number, question: SampleQuestion, asking: Asking): number {
  const { lengthBytes } = question
  const least = leastCost(lengthBytes)
  const chance = sampleChance(question, least)
  const budget = Math.max(least, sampleBudget(question))
  if (budget >= lengthBytes + REQUEST_BYTES) return 1 - (1 - chance) ** askers
  const { count, length, end } = shapeOf(budget, lengthBytes, asking)
  const places = lengthBytes - patchBytes + 1
  const seen = (bytes: number) => Math.min(places, bytes) / places
  const missedByOne = 1 - chance + chance * (1 - seen(length + patchBytes - 1)) ** (end > 0 ? count - 2 : count)
  // The ends are the same for all: what they miss, they miss for everybody.
  const missedByEnds = end > 0 ? 1 - seen(2 * end) : 1
  return 1 - missedByEnds * missedByOne ** askers
}

const head = (bytes: number): Span => ({ start: 0, end: bytes })
const tail = (bytes: number, total: number): Span => ({ start: total - bytes, end: total })

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
