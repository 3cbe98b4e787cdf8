// Why it is like this: docs/decisions/0062-a-sample-at-the-origin.md
import type { Checked } from '../../cache/provenance.ts'
import type { ContentKind } from '../../contract/request.ts'
import type { PeerId, Sha256Hex } from '../../contract/ids.ts'
import { sleep } from '../../lib/clock.ts'
import { hasCode, LarderError } from '../../lib/errors.ts'
import { pieceLength, pieceStart } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import type { Job } from '../job.ts'
import type { OriginSource } from '../origin-lane.ts'
import type { Swarm } from '../swarm.ts'
import { findDissent } from './dissent.ts'
import type { Span } from './sample-plan.ts'
import { firstDifference, Sampler, type Sample } from './sampler.ts'
import { sourceOf } from './source-facts.ts'

/** How often a busy holder is asked again, and after how long. */
const SHOW_TRIES = 5
const BUSY_MS = 500
/** Pieces that the origin is asked for to settle who of two signers is right. */
const MOST_TRUTHS = 3

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
  /** It could not be checked, and is not to be had unchecked. */
  | { readonly is: 'unchecked' }

/**
 * Finds out by what a content may be believed before anybody gets it. Without a digest, what other PCs gave is compared with the
 * origin at places of this PC's own choice. The asking begins with the first piece from a peer, so that it costs no time at the end.
 */
export class ContentCheck {
  readonly #job: Job
  readonly #source: OriginSource
  readonly #swarm: Swarm
  readonly #expected: Sha256Hex | null
  readonly #sampler: Sampler
  /** Pieces that lay here before, perhaps from another network. */
  #older: ReadonlySet<number>
  readonly #abort = new AbortController()
  #early: Promise<Sample> | undefined
  /** Others have been told that this PC compares it. */
  #announced: (() => void) | undefined
  /** A piece may count as had before its arrival is told: then the whole is judged first. */
  #judged = false

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
    this.#sampler = new Sampler(job.world, {
      version: source.version,
      headers: source.headers,
      plan: job.plan,
      kind: content.kind,
      priority: job.ownPriority,
      signal: this.#abort.signal,
      suspicious: () => this.#suspicious
    })
    this.#older = new Set(source.version.finalUrl.startsWith('http:') ? job.partial.have : [])
  }

  /** Content bytes asked of the origin only to compare them. */
  get sampledBytes(): number {
    return this.#sampler.receivedBytes
  }

  /** Those that chance spares the question are to wait for what this PC finds: told before anything can be had. */
  announce(): void {
    const { checks, network } = this.#job.world
    if (this.#wanted && network.connected().length > 0 && this.#sampler.isDrawn)
      this.#announced = checks?.announce(this.#job.key)
  }

  /** Peers give (part of) it, and this PC does not download it itself. Harmless to repeat. */
  begin(): void {
    if (this.#early || this.#judged || !this.#wanted) return
    this.#early = this.#sampler.take([{ start: 0, end: this.#job.plan.lengthBytes }])
    this.#early.catch(() => {})
  }

  /** All pieces are here. @throws ORIGIN_CHANGED when the origin has another version by now, or contradicts itself */
  async judge(): Promise<Judgement> {
    this.#judged = true
    try {
      const judgement = await this.#judge()
      // Of a lie its evidence comes first.
      if (judgement.is !== 'lie') this.over()
      return judgement
    } catch (error) {
      this.over()
      throw error
    }
  }

  /** Nobody needs to wait for this PC (any more). */
  over(): void {
    this.#announced?.()
    this.#announced = undefined
  }

  async #judge(): Promise<Judgement> {
    const foreign = this.foreign()
    if (this.#named) return this.#checked('digest')
    if (foreign.length === 0) return this.#checked('origin')
    const disowned = this.#disowned(foreign)
    if (disowned.length > 0) return { is: 'disowned', pieces: disowned }
    if (!this.#wanted) return this.#checked('members')
    try {
      const sample = await (this.#early ?? this.#sampler.take(this.#regions(foreign)))
      const foreignSet = new Set(foreign)
      if (sample.is === 'spans') {
        const { partial, plan } = this.#job
        const read = (index: number, into: Buffer) => partial.read(index, into)
        const differs = await firstDifference(plan, sample.spans, read, (index) => foreignSet.has(index))
        if (differs !== null) return { is: 'lie', lie: await this.#confirm(differs) }
      }
      const lie = await this.#settleDissent(foreignSet)
      if (lie) return { is: 'lie', lie }
      this.over()
      await this.#othersAreThrough()
      // Somebody may have been found out meanwhile.
      const late = this.#disowned(foreign)
      if (late.length > 0) return { is: 'disowned', pieces: late }
      return sample.is === 'spans' ? this.#checked('sample') : this.#unchecked
    } catch (error) {
      if (hasCode(error, 'ORIGIN_CHANGED', 'NOT_FOUND', 'CACHE_DAMAGED') || this.#abort.signal.aborted) throw error
      return this.#unchecked
    }
  }

  close(): void {
    this.over()
    this.#abort.abort(new LarderError('CANCELLED', 'The check of a content was broken off'))
  }

  /** What others compare, and accuse others of, is waited for; not for long. */
  async #othersAreThrough(): Promise<void> {
    const { key, world } = this.#job
    await world.checks?.over(key)
    await world.evidence.settled(key)
  }

  get #named(): boolean {
    return this.#expected !== null || this.#job.key.startsWith('sha256:')
  }

  get #wanted(): boolean {
    return !this.#named && this.#job.world.settings.sharing.withoutDigest !== 'trust'
  }

  get #unchecked(): Judgement {
    return this.#job.world.settings.sharing.withoutDigest === 'strict' ? { is: 'unchecked' } : this.#checked('members')
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

  /**
   * Holders that have another content than is here. Each has to show its own signed record of the piece first: then the origin, asked for
   * it, says which of the signers lie, and nobody costs this PC a question with a word alone.
   * @returns the lie that is here
   * @throws ORIGIN_CHANGED when the origin bears out none of them, or not even what it gave this PC: that speaks against nobody
   */
  async #settleDissent(foreign: ReadonlySet<number>): Promise<Lie | undefined> {
    const { partial, world } = this.#job
    const dissents = await findDissent(this.#job, this.#swarm)
    // All at once: one that hangs keeps nobody waiting.
    const shown = await Promise.all(dissents.map(({ peer, index }) => this.#shownBy(peer, index)))
    const others = shown
      .filter((one) => one !== undefined)
      .filter(({ index, digest }) => !digest.equals(partial.record(index)!.digest))
    let asked = 0
    let torn: number | undefined
    for (const [index, records] of Map.groupBy(others, ({ index }) => index)) {
      const theirs = records.filter(({ signer }) => !world.evidence.distrusts(signer))
      if (theirs.length === 0) continue
      if (asked++ === MOST_TRUTHS) break
      const ours = partial.record(index)!
      const truth = await this.#sampler.digestAtOrigin(index)
      const isTrue = ({ digest }: PieceRecord) => digest.equals(truth)
      if (isTrue(ours)) for (const record of theirs) this.#prove(record, truth)
      else if (foreign.has(index) && theirs.some(isTrue)) return { record: ours, truth }
      else torn ??= index
    }
    if (torn !== undefined) throw contradicted(torn)
    return undefined
  }

  /** Whoever signed it has signed a lie. */
  #prove(record: PieceRecord, truth: Buffer): void {
    const { key, world } = this.#job
    const credential = this.#swarm.credential(record.signer) ?? null
    world.evidence.prove({ key, url: this.#source.version.finalUrl, record, truth, credential })
  }

  /** The record that goes with the other's piece, if a member that is believed has signed it. */
  async #shownBy(peer: PeerId, index: number): Promise<PieceRecord | undefined> {
    const { key, plan, world } = this.#job
    const { signal } = this.#abort
    for (let tries = 0; tries < SHOW_TRIES; tries++)
      try {
        const pieces = world.network.fetchPieces(peer, key, plan, { first: index, count: 1 }, { signal, stallMs: 5000 })
        for await (const { record, release } of pieces) {
          release()
          const spki = world.network.memberKey(record.signer)
          return record.index === index && spki && world.records.verify(key, record, spki) ? record : undefined
        }
      } catch (error) {
        // It does not show what it has; that is not proof.
        if (!hasCode(error, 'PEER_BUSY')) return undefined
        await sleep(world.clock, BUSY_MS * (0.5 + world.random()), signal)
      }
    return undefined
  }

  /** Nobody is accused on one answer: the whole piece is asked for again. */
  async #confirm(index: number): Promise<Lie> {
    const record = this.#job.partial.record(index)!
    const truth = await this.#sampler.digestAtOrigin(index)
    if (truth.equals(record.digest)) throw contradicted(index)
    return { record, truth }
  }

  #checked(verifiedBy: Checked['verifiedBy']): Judgement {
    const { world } = this.#job
    return { is: 'checked', checked: { verifiedBy, source: sourceOf(this.#source.version, world) } }
  }
}

function contradicted(piece: number): LarderError {
  return new LarderError('ORIGIN_CHANGED', 'The origin gave different bytes for the same version', { piece })
}
