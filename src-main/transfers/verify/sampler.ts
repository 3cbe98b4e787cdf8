import { hash } from 'node:crypto'
import type { ContentKind } from '../../contract/request.ts'
import { LarderError } from '../../lib/errors.ts'
import { pieceLength, pieceStart, type PiecePlan } from '../../pieces/plan.ts'
import type { TransferWorld } from '../job.ts'
import { fetchSample, fetchSpan, NO_RANGES, type FetchedSpan, type SpanSource } from './origin-spans.ts'
import {
  leastCost,
  planSample,
  REQUEST_BYTES,
  sampleChance,
  worthTogether,
  type SampleQuestion,
  type Span
} from './sample-plan.ts'

/** Contents up to this size are compared whole where a sample cannot be had, and scripts always. */
export const WHOLE_BYTES = 1024 * 1024
/** A check that is not through by then is none: nobody waits longer for it than for a fallback. */
const LIMIT_MS = 15_000

/** What is sampled, and for whom. */
export interface Sampled extends Pick<SpanSource, 'version' | 'headers' | 'priority'> {
  readonly plan: PiecePlan
  readonly kind: ContentKind
  readonly signal: AbortSignal
  /** Somebody accused of a lie signed part of it: checked for certain, with all of the budget of the site. */
  readonly suspicious: () => boolean
}

export type SamplerWorld = Pick<TransferWorld, 'origin' | 'network' | 'settings' | 'random' | 'clock'>

/** `not-drawn`: chance spared this PC the question. `no-ranges`: the origin gives none. */
export type Sample =
  | { readonly is: 'spans'; readonly spans: readonly FetchedSpan[] }
  | { readonly is: 'not-drawn' }
  | { readonly is: 'no-ranges' }

/** Fetches places of a content from its origin, as many as the budget of this PC is good for. */
export class Sampler {
  readonly #world: SamplerWorld
  readonly #what: Sampled
  #receivedBytes = 0
  #fetched: readonly FetchedSpan[] = []
  /** Drawn once, so that it can be known beforehand. */
  readonly #luck: number

  constructor(world: SamplerWorld, what: Sampled) {
    this.#world = world
    this.#what = what
    this.#luck = world.random()
  }

  /** Content bytes asked of the origin. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Chance has chosen this PC to compare it, and not everybody. */
  get isDrawn(): boolean {
    const { plan, version, kind } = this.#what
    const small = plan.lengthBytes <= WHOLE_BYTES
    if ((kind === 'script' && small) || (!version.ranges && !small)) return false
    const cost = version.ranges ? leastCost(plan.lengthBytes) : plan.lengthBytes + REQUEST_BYTES
    const chance = sampleChance(this.#question, cost)
    return chance < 1 && this.#luck < chance
  }

  /** @throws TIMEOUT after the limit, ORIGIN_CHANGED, and the codes of an origin */
  async take(regions: readonly Span[]): Promise<Sample> {
    const { plan, version, kind } = this.#what
    const question = this.#question
    const { random } = this.#world
    const small = plan.lengthBytes <= WHOLE_BYTES
    const whole: Span = { start: 0, end: plan.lengthBytes }
    const wholeCost = plan.lengthBytes + REQUEST_BYTES
    if (kind === 'script' && small) return this.#spans([await this.#whole()])
    if (!version.ranges) {
      if (!small) return { is: 'no-ranges' }
      return this.#luck < sampleChance(question, wholeCost) ? this.#spans([await this.#whole()]) : { is: 'not-drawn' }
    }
    const fetched = await this.#within(async (signal) => {
      let drawn = true
      const sample = await fetchSample(
        this.#source(signal),
        (asking) => {
          const spans = planSample(regions, { ...question, random }, asking)
          drawn = spans.length > 0
          return spans
        },
        worthTogether(question)
      )
      return drawn ? sample : null
    })
    if (fetched === null) return { is: 'not-drawn' }
    if (fetched !== NO_RANGES) return this.#spans(fetched)
    if (!small) return { is: 'no-ranges' }
    // It said that it gives ranges. That this PC asks at all was left to chance already; the rest of the price is again.
    const chance = sampleChance(question, wholeCost) / sampleChance(question, leastCost(plan.lengthBytes))
    return random() < chance ? this.#spans([await this.#span(whole)]) : { is: 'not-drawn' }
  }

  /** SHA-256 of a piece as the origin has it. @throws ORIGIN_CHANGED when it says something else than it said of a place before */
  async digestAtOrigin(index: number): Promise<Buffer> {
    const { plan } = this.#what
    const start = pieceStart(plan, index)
    const end = start + pieceLength(plan, index)
    const piece = await this.#within((signal) => fetchSpan(this.#source(signal), { start, end }))
    const bytes = piece === NO_RANGES ? (await this.#whole()).bytes.subarray(start, end) : piece.bytes
    for (const span of this.#fetched)
      if (!agree({ start, bytes }, span))
        throw new LarderError('ORIGIN_CHANGED', 'The origin gave different bytes for the same version', {
          piece: index
        })
    return hash('sha256', bytes, 'buffer')
  }

  get #question(): SampleQuestion {
    const { sampleShare, sampleBytes, withoutDigest } = this.#world.settings.sharing
    const { plan } = this.#what
    const suspicious = this.#what.suspicious()
    return {
      lengthBytes: plan.lengthBytes,
      pcs: suspicious ? 1 : this.#pcs,
      limits: { share: sampleShare, bytes: sampleBytes },
      certain: suspicious || withoutDigest === 'strict',
      luck: this.#luck
    }
  }

  /** Identities cost nothing: with each of its own a liar would make everybody look less closely. */
  get #pcs(): number {
    const { network } = this.#world
    return 1 + new Set(network.connected().map(({ id }) => network.placeOf(id) ?? id)).size
  }

  #source(signal: AbortSignal): SpanSource {
    const { version, headers, priority } = this.#what
    return {
      origin: this.#world.origin,
      version,
      headers,
      signal,
      ...(priority && { priority }),
      received: (bytes) => (this.#receivedBytes += bytes)
    }
  }

  #spans(spans: readonly FetchedSpan[]): Sample {
    this.#fetched = spans
    return { is: 'spans', spans }
  }

  #whole(): Promise<FetchedSpan> {
    return this.#span({ start: 0, end: this.#what.plan.lengthBytes })
  }

  async #span(span: Span): Promise<FetchedSpan> {
    const fetched = await this.#within((signal) => fetchSpan(this.#source(signal), span))
    if (fetched === NO_RANGES) throw new LarderError('ORIGIN_PROTOCOL', 'The origin does not begin at the beginning')
    return fetched
  }

  /** @throws TIMEOUT after the limit; then nothing more is asked */
  #within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const limit = this.#world.clock.after(LIMIT_MS, () =>
      abort.abort(new LarderError('TIMEOUT', 'The origin did not answer in time to compare a content with it'))
    )
    return work(AbortSignal.any([this.#what.signal, abort.signal])).finally(() => limit.cancel())
  }
}

/** Two spans say the same wherever they overlap. */
function agree(one: { start: number; bytes: Buffer }, other: { start: number; bytes: Buffer }): boolean {
  const from = Math.max(one.start, other.start)
  const to = Math.min(one.start + one.bytes.length, other.start + other.bytes.length)
  return from >= to || part(one, from, to).equals(part(other, from, to))
}

const part = ({ start, bytes }: { start: number; bytes: Buffer }, from: number, to: number): Buffer =>
  bytes.subarray(from - start, to - start)

/** The first piece of which one of the spans says something else; null: none does. @param read reads one piece, into a buffer of its length */
export async function firstDifference(
  plan: PiecePlan,
  spans: readonly FetchedSpan[],
  read: (index: number, into: Buffer) => Promise<Buffer>,
  concerns: (index: number) => boolean
): Promise<number | null> {
  const byPiece = new Map<number, FetchedSpan[]>()
  for (const span of spans)
    for (let index = Math.floor(span.start / plan.pieceBytes); index * plan.pieceBytes < span.end; index++)
      if (concerns(index)) byPiece.set(index, [...(byPiece.get(index) ?? []), span])
  // One after the other into the same memory: most pieces of a content are looked at.
  let memory: Buffer | undefined
  for (const [index, its] of byPiece) {
    memory ??= Buffer.allocUnsafeSlow(Math.min(plan.pieceBytes, plan.lengthBytes))
    const at = pieceStart(plan, index)
    const length = pieceLength(plan, index)
    const ours = await read(index, memory.subarray(0, length))
    for (const { start, bytes } of its) {
      if (!agree({ start: at, bytes: ours }, { start, bytes })) return index
    }
  }
  return null
}
