import type { CachedContent, StoredVersion } from '../cache/cache.ts'
import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { VerifiedBy } from '../contract/provenance.ts'
import type { ContentKind } from '../contract/request.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { ServedContent } from '../peers/network.ts'
import { pieceLength } from '../pieces/plan.ts'
import type { PeerFaults } from './peer-faults.ts'
import { firstGap, type Run } from './choose-run.ts'
import type { HotPieces } from './hot-pieces.ts'
import type { Anew } from './transfer-events.ts'
import { InFlight } from './in-flight.ts'
import { ReceivedPieces } from './received-pieces.ts'
import type { Job } from './job.ts'
import type { Swarm } from './swarm.ts'
import type { ContentCheck, Judgement } from './verify/content-check.ts'

/** What the whole is to be, and how it is kept. */
export interface WholeInit {
  /** Digest of the whole, when one is known beforehand. */
  readonly expected: Sha256Hex | null
  readonly stored: StoredVersion
  readonly kind: ContentKind
}

/**
 * `again`: pieces were dropped and are wanted again: damaged ones, those that others signed after a lie, or all that others signed of
 * what cannot be checked. Null: nothing more can be done.
 */
export type Completion = { readonly content: CachedContent } | { readonly error: LarderError; readonly again: Anew }

/**
 * The pieces of one content as they come together. Every piece is accepted in one place, {@link accept}, and the whole is judged
 * in one place, {@link complete}, before anybody gets it.
 */
export class Assembly {
  readonly inFlight: InFlight
  readonly received: ReceivedPieces
  readonly #job: Job
  readonly #whole: WholeInit
  readonly #swarm: Swarm
  readonly #faults: PeerFaults
  readonly #check: ContentCheck
  #verifiedBy: VerifiedBy | null = null

  constructor(job: Job, whole: WholeInit, swarm: Swarm, faults: PeerFaults, check: ContentCheck) {
    this.#job = job
    this.#whole = whole
    this.#swarm = swarm
    this.#faults = faults
    this.#check = check
    this.inFlight = new InFlight(job.partial.have, new Bitmap(job.plan.count))
    this.received = new ReceivedPieces(job.plan, job.partial.have, job.arrivals)
  }

  /** By what the whole was verified; null: it is not complete yet. */
  get verifiedBy(): VerifiedBy | null {
    return this.#verifiedBy
  }

  get allHere(): boolean {
    return this.#job.partial.have.complete
  }

  has(index: number): boolean {
    return this.#job.partial.have.has(index)
  }

  async read(index: number): Promise<{ bytes: Buffer; digest: Buffer }> {
    const { partial } = this.#job
    const record = partial.record(index)
    const bytes = await partial.read(index)
    return { bytes, digest: record?.digest ?? Buffer.alloc(32) }
  }

  /** A piece is verified and stored. @returns false when it had come already, or has been dropped again meanwhile */
  accept(index: number, bytes: number, from: 'origin' | 'peer'): boolean {
    if (!this.has(index) || !this.inFlight.arrived(index)) return false
    this.received.arrived(index, bytes, from)
    const { partial } = this.#job
    const record = partial.record(index)
    if (record && from === 'origin') this.#faults.judge(index, record)
    else if (record) {
      const credential = this.#swarm.credential(record.signer)
      if (credential) partial.addCredential(credential, record.signer)
    }
    this.#swarm.announce(index, from === 'origin')
    return true
  }

  /** The first pieces that are wanted and, unless `alone`, that no neighbour has. */
  nextGap(alone: boolean): Run | null {
    return firstGap(this.inFlight.wanted, alone ? null : this.#swarm.neighbours.holders)
  }

  /** Makes the content of its pieces. What is not as it should be is dropped, as far as it is known which pieces that are. */
  async complete(): Promise<Completion> {
    const { expected, stored, kind } = this.#whole
    try {
      const judgement = await this.#check.judge()
      if (judgement.is !== 'checked') return await this.#dropWhatIsWrong(judgement)
      const { checked } = judgement
      const { partial, world } = this.#job
      const signers = new Set([...partial.have].map((index) => partial.record(index)!.signer))
      const content = await partial.complete(expected, stored, kind, checked)
      const unnamed = checked.verifiedBy === 'sample' || checked.verifiedBy === 'members'
      if (unnamed && [...signers].some((id) => world.evidence.distrusts(id))) {
        // Convicted while it was being put into the cache, where nobody could find it yet.
        await world.evidence.recall(content.sha256, 'a PC that signed pieces of it has lied about others')
        return { error: lied(), again: null }
      }
      this.#verifiedBy = checked.verifiedBy
      return { content }
    } catch (thrown) {
      const error = LarderError.from(thrown, 'CACHE_UNUSABLE')
      try {
        if (hasCode(error, 'DIGEST_MISMATCH') && (await this.#dropForeign())) return { error, again: 'foreign' }
      } catch (failure) {
        return { error: LarderError.from(failure, 'CACHE_UNUSABLE'), again: null }
      }
      return { error, again: hasCode(error, 'CACHE_DAMAGED') && this.#forgetDamaged() ? 'damaged' : null }
    }
  }

  /** This agent may serve what is here so far. */
  served(hot: HotPieces, served: (peer: PeerId, bytes: number) => void): ServedContent {
    const { partial, plan } = this.#job
    return {
      plan,
      has: (i) => partial.have.has(i),
      record: (i) => partial.record(i)!,
      read: (i) => hot.get(partial.record(i)!.digest, pieceLength(plan, i), (into) => partial.read(i, into)),
      served,
      close: () => {}
    }
  }

  /** A signer of one lie may have signed others, and may not be alone: after a lie everything others signed is dropped. */
  async #dropWhatIsWrong(judgement: Exclude<Judgement, { is: 'checked' }>): Promise<Completion> {
    const error = lied()
    if (judgement.is === 'unchecked') {
      await this.#drop(this.#check.foreign())
      return { error, again: 'unchecked' }
    }
    if (judgement.is === 'disowned') {
      await this.#drop(judgement.pieces, 'known')
      return { error, again: 'damaged' }
    }
    const { record, truth } = judgement.lie
    if (record.signer !== this.#job.world.network.self) {
      this.#faults.suspect(record.index, record)
      this.#faults.judge(record.index, { ...record, digest: truth })
    }
    this.#check.over()
    await this.#drop(this.#check.foreign())
    return { error, again: 'foreign' }
  }

  /** The whole is wrong although each piece matched its record: somebody signed wrong records. All that others signed goes. */
  async #dropForeign(): Promise<boolean> {
    const foreign = this.#check.foreign()
    if (foreign.length > 0) await this.#drop(foreign)
    return foreign.length > 0
  }

  /** @param liars known: whoever signed them is believed no more, so that nobody who could be asked for them is a suspect */
  async #drop(pieces: readonly number[], liars: 'known' | 'unknown' = 'unknown'): Promise<void> {
    const { partial, world } = this.#job
    this.#check.forgetOlder()
    for (const i of pieces) {
      const record = partial.record(i)!
      if (liars === 'unknown' && record.signer !== world.network.self) this.#faults.suspect(i, record)
      this.received.dropped(i)
    }
    await partial.drop(pieces)
    // Only now: what is still being stored may be had, and told, until the drop.
    for (const i of pieces) if (!this.has(i)) this.inFlight.lost(i)
    this.#swarm.announceLoss()
  }

  /** Pieces rotted on the disk between their check and the end; the partial has forgotten them. */
  #forgetDamaged(): boolean {
    const { partial, plan } = this.#job
    if (partial.have.complete) return false
    this.received.recount()
    for (let i = 0; i < plan.count; i++) if (!partial.have.has(i)) this.inFlight.lost(i)
    this.#swarm.announceLoss()
    return true
  }
}

function lied(): LarderError {
  return new LarderError('PIECE_DIGEST_MISMATCH', 'Pieces that other PCs gave are not what the origin has')
}
