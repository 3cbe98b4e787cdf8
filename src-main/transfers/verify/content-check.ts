import { hash } from 'node:crypto'
import type { Checked } from '../../cache/provenance.ts'
import type { ContentKind } from '../../contract/request.ts'
import type { PeerId, Sha256Hex } from '../../contract/ids.ts'
import { hasCode, LarderError } from '../../lib/errors.ts'
import { pieceLength, pieceStart } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import type { Job } from '../job.ts'
import type { OriginSource } from '../origin-lane.ts'
import type { Swarm } from '../swarm.ts'
import { findDissent } from './dissent.ts'
import { fetchSpan, fetchSpans, NO_RANGES, type FetchedSpan, type SpanSource } from './origin-spans.ts'
import { planSample, type Span } from './sample-plan.ts'
import { sourceOf } from './source-facts.ts'

/** Contents up to this size are compared whole where a sample cannot be had, and scripts always. */
const WHOLE_BYTES = 1024 * 1024
/** A check that is not through by then is none: nobody waits longer for it than for a fallback. */
const LIMIT_MS = 15_000

/** A piece whose record says other than the origin, which was asked twice. */
export interface Lie {
  readonly record: PieceRecord
  /** SHA-256 of the piece as the origin has it. */
  readonly truth: Buffer
}

export type Judgement =
  /** Pieces whose signers are believed no more. */
  | { readonly is: 'disowned'; readonly pieces: readonly number[] }
  | { readonly is: 'checked'; readonly checked: Checked }
  | { readonly is: 'lie'; readonly lie: Lie }

/**
 * Finds out by what a content may be believed before anybody gets it. Without a digest, what other PCs gave is compared with the
 * origin at places of this PC's own choice. The asking begins with the first piece from a peer, so that it costs no time at the end.
 */
export class ContentCheck {
  readonly #job: Job
  readonly #source: OriginSource
  readonly #swarm: Swarm
  readonly #expected: Sha256Hex | null
  readonly #kind: ContentKind
  /** Pieces that lay here before, perhaps from another network. */
  #older: ReadonlySet<number>
  readonly #abort = new AbortController()
  #early: Promise<FetchedSpan[] | typeof NO_RANGES> | undefined
  #sampledBytes = 0

  /** @param swarm the other holders of it */
  constructor(
    job: Job,
    source: OriginSource,
    content: { expected: Sha256Hex | null; kind: ContentKind },
    swarm: Swarm
  ) {
    this.#swarm = swarm
    this.#job = job
    this.#source = source
    this.#expected = content.expected
    this.#kind = content.kind
    this.#older = new Set(source.version.finalUrl.startsWith('http:') ? job.partial.have : [])
  }

  /** Content bytes asked of the origin only to compare them. */
  get sampledBytes(): number {
    return this.#sampledBytes
  }

  /** Peers give (part of) it, and this PC does not download it itself. Harmless to repeat. */
  begin(): void {
    if (this.#early || !this.#wanted || !this.#ranges) return
    this.#early = this.#within(fetchSpans(this.#spans, this.#plan([{ start: 0, end: this.#job.plan.lengthBytes }])))
    this.#early.catch(() => {})
  }

  /** All pieces are here. @throws ORIGIN_CHANGED when the origin has another version by now, or contradicts itself */
  async judge(): Promise<Judgement> {
    const foreign = this.foreign()
    if (this.#named) return this.#checked('digest')
    if (foreign.length === 0) return this.#checked('origin')
    const disowned = this.#disowned(foreign)
    if (disowned.length > 0) return { is: 'disowned', pieces: disowned }
    if (!this.#wanted) return this.#checked('members')
    try {
      const spans = await this.#truth(foreign)
      if (spans === NO_RANGES) return this.#checked('members')
      const foreignSet = new Set(foreign)
      for (const span of spans)
        for (const index of this.#piecesOf(span)) {
          if (!foreignSet.has(index) || (await this.#agrees(index, span))) continue
          return { is: 'lie', lie: await this.#confirm(index) }
        }
      const lie = await this.#settleDissent(foreignSet)
      if (lie) return { is: 'lie', lie }
      // Somebody may have been found out meanwhile.
      const late = this.#disowned(foreign)
      return late.length > 0 ? { is: 'disowned', pieces: late } : this.#checked('sample')
    } catch (error) {
      if (hasCode(error, 'ORIGIN_CHANGED', 'NOT_FOUND', 'CACHE_DAMAGED') || this.#abort.signal.aborted) throw error
      return this.#checked('members')
    }
  }

  close(): void {
    this.#abort.abort(new LarderError('CANCELLED', 'The check of a content was broken off'))
  }

  get #named(): boolean {
    return this.#expected !== null || this.#job.key.startsWith('sha256:')
  }

  get #wanted(): boolean {
    return !this.#named && this.#job.world.settings.sharing.withoutDigest !== 'trust'
  }

  get #ranges(): boolean {
    return this.#source.version.ranges || this.#compareWhole
  }

  get #compareWhole(): boolean {
    return this.#job.plan.lengthBytes <= WHOLE_BYTES && (this.#kind === 'script' || !this.#source.version.ranges)
  }

  get #spans(): SpanSource {
    return {
      origin: this.#job.world.origin,
      ...this.#source,
      signal: this.#abort.signal,
      received: (bytes) => (this.#sampledBytes += bytes)
    }
  }

  /** What lay here before is gone or has been compared. */
  forgetOlder(): void {
    this.#older = new Set()
  }

  /** Pieces whose bytes this PC did not get from the origin itself, in this run where that matters. */
  foreign(): number[] {
    const { partial, world } = this.#job
    return [...partial.have].filter(
      (index) => partial.record(index)!.signer !== world.network.self || this.#older.has(index)
    )
  }

  #disowned(pieces: readonly number[]): number[] {
    const { partial, world } = this.#job
    return pieces.filter((index) => world.evidence.distrusts(partial.record(index)!.signer))
  }

  /** Somebody accused of something that nobody here could check gave part of it. */
  get #suspicious(): boolean {
    const { partial, world } = this.#job
    return [...partial.have].some((index) => world.evidence.suspects(partial.record(index)!.signer))
  }

  #plan(regions: readonly Span[]): Span[] {
    const { plan, world } = this.#job
    if (this.#compareWhole) return [{ start: 0, end: plan.lengthBytes }]
    const { sampleShare, sampleBytes } = world.settings.sharing
    return planSample(regions, {
      lengthBytes: plan.lengthBytes,
      pcs: this.#suspicious ? 1 : world.network.connected().length + 1,
      limits: { share: sampleShare, bytes: sampleBytes },
      random: world.random
    })
  }

  async #truth(foreign: readonly number[]): Promise<FetchedSpan[] | typeof NO_RANGES> {
    if (!this.#ranges) return NO_RANGES
    const early = this.#early
    const spans = early ?? this.#within(fetchSpans(this.#spans, this.#plan(this.#regions(foreign))))
    const fetched = await spans
    if (fetched !== NO_RANGES || this.#compareWhole || this.#job.plan.lengthBytes > WHOLE_BYTES) return fetched
    return this.#within(fetchSpans(this.#spans, [{ start: 0, end: this.#job.plan.lengthBytes }]))
  }

  #regions(pieces: readonly number[]): Span[] {
    const { plan } = this.#job
    const regions: { start: number; end: number }[] = []
    for (const index of pieces) {
      const start = pieceStart(plan, index)
      const end = start + pieceLength(plan, index)
      const last = regions.at(-1)
      if (last?.end === start) last.end = end
      else regions.push({ start, end })
    }
    return regions
  }

  *#piecesOf({ start, end }: Span): Generator<number> {
    const { pieceBytes } = this.#job.plan
    for (let index = Math.floor(start / pieceBytes); index * pieceBytes < end; index++) yield index
  }

  async #agrees(index: number, span: FetchedSpan): Promise<boolean> {
    const { plan, partial } = this.#job
    const at = pieceStart(plan, index)
    const from = Math.max(span.start, at)
    const to = Math.min(span.end, at + pieceLength(plan, index))
    const ours = (await partial.read(index)).subarray(from - at, to - at)
    return ours.equals(span.bytes.subarray(from - span.start, to - span.start))
  }

  /** Holders that have another content than is here: the origin says of one piece who is right. @returns the lie that is here */
  async #settleDissent(foreign: ReadonlySet<number>): Promise<Lie | undefined> {
    const dissent = await findDissent(this.#job, this.#swarm)
    if (!dissent) return undefined
    const { index, peer } = dissent
    const record = this.#job.partial.record(index)!
    const truth = await this.#pieceAtOrigin(index)
    if (!truth.equals(record.digest)) return foreign.has(index) ? { record, truth } : undefined
    await this.#proveDissenter(peer, index, truth)
    return undefined
  }

  /** What is here is right: whoever signed the other's piece has signed a lie. */
  async #proveDissenter(peer: PeerId, index: number, truth: Buffer): Promise<void> {
    const { key, plan, world } = this.#job
    const { signal } = this.#abort
    try {
      const pieces = world.network.fetchPieces(peer, key, plan, { first: index, count: 1 }, { signal, stallMs: 5000 })
      for await (const { record, release } of pieces) {
        release()
        const spki = world.network.memberKey(record.signer)
        if (record.index !== index || record.digest.equals(truth) || !spki || !world.records.verify(key, record, spki))
          continue
        const credential = this.#swarm.credential(record.signer) ?? null
        world.evidence.prove({ key, url: this.#source.version.finalUrl, record, truth, credential })
      }
    } catch {
      // It does not show what it has; that is no proof.
    }
  }

  /** Nobody is accused on one answer: the whole piece is asked for again. */
  async #confirm(index: number): Promise<Lie> {
    const record = this.#job.partial.record(index)!
    const truth = await this.#pieceAtOrigin(index)
    if (truth.equals(record.digest))
      throw new LarderError('ORIGIN_CHANGED', 'The origin gave different bytes for the same version', { piece: index })
    return { record, truth }
  }

  /** SHA-256 of a piece as the origin has it. */
  async #pieceAtOrigin(index: number): Promise<Buffer> {
    const { plan } = this.#job
    const start = pieceStart(plan, index)
    const piece = await this.#within(fetchSpan(this.#spans, { start, end: start + pieceLength(plan, index) }))
    return hash('sha256', piece === NO_RANGES ? await this.#wholePiece(index) : piece.bytes, 'buffer')
  }

  async #wholePiece(index: number): Promise<Buffer> {
    const { plan } = this.#job
    const whole = await this.#within(fetchSpan(this.#spans, { start: 0, end: plan.lengthBytes }))
    if (whole === NO_RANGES) throw new LarderError('ORIGIN_PROTOCOL', 'The origin does not begin at the beginning')
    return whole.bytes.subarray(pieceStart(plan, index), pieceStart(plan, index) + pieceLength(plan, index))
  }

  /** @throws TIMEOUT after the limit */
  #within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const limit = this.#job.world.clock.after(LIMIT_MS, () =>
        reject(new LarderError('TIMEOUT', 'The origin did not answer in time to compare a content with it'))
      )
      work.then(resolve, reject).finally(() => limit.cancel())
    })
  }

  #checked(verifiedBy: Checked['verifiedBy']): Judgement {
    const { world } = this.#job
    return { is: 'checked', checked: { verifiedBy, source: sourceOf(this.#source.version, world) } }
  }
}
