import type { Claim, Decision } from '../claims/claims.ts'
import type { PeerId } from '../contract/ids.ts'
import { signRecord, type PieceRecord } from '../pieces/record.ts'
import { checkRecord, type RecordVerdict } from './check-record.ts'
import type { Job } from './job.ts'
import type { TransferNews } from './transfer-news.ts'

/** A decision that somebody has made. */
export type MadeDecision = Exclude<Decision, { role: 'undecided' }>

/** Who is master of one content, and what follows from it: whose records count, and for which epoch this agent signs its own. */
export class Mastership {
  readonly #job: Job
  readonly #claim: Claim
  readonly #news: TransferNews
  /** What the master says it has received. */
  #bytes = 0
  #told: { master: PeerId | null; epoch: number } = { master: null, epoch: 0 }
  /** Of this agent's last term; 0: it never was master. */
  #ownEpoch = 0

  constructor(job: Job, claim: Claim, news: TransferNews) {
    this.#job = job
    this.#claim = claim
    this.#news = news
  }

  get role(): 'none' | 'master' | 'follower' {
    const { role } = this.#claim.decision
    return role === 'undecided' ? 'none' : role
  }

  get master(): PeerId | null {
    return this.#masterOf(this.#claim.decision)
  }

  get epoch(): number {
    const decision = this.#claim.decision
    return decision.role === 'undecided' ? 0 : decision.epoch
  }

  /** Takes over what was decided. @returns true when this agent has just been elected */
  note(decision: MadeDecision): boolean {
    const master = this.#masterOf(decision)
    if (master !== null && (master !== this.#told.master || decision.epoch !== this.#told.epoch)) {
      this.#told = { master, epoch: decision.epoch }
      this.#bytes = 0
      this.#news.masterElected(master, decision.epoch)
    }
    if (decision.role !== 'master' || this.#ownEpoch === decision.epoch) return false
    this.#ownEpoch = decision.epoch
    return true
  }

  /** Somebody says how many bytes it has received. @returns true when it is the master and has got further */
  hasProgressed(from: PeerId, bytes: number): boolean {
    if (from !== this.master || bytes <= this.#bytes) return false
    this.#bytes = bytes
    return true
  }

  /** Whether a record of a peer may be believed. */
  check(record: PieceRecord): RecordVerdict {
    const { key, world } = this.#job
    return checkRecord(record, {
      memberKey: (id) => world.network.memberKey(id),
      verify: (r, spki) => world.records.verify(key, r, spki)
    })
  }

  /** Record of a piece that this agent took from the origin. @param as `direct`: not as master; it vouches by itself */
  sign(index: number, digest: Buffer, as: 'master' | 'direct'): PieceRecord {
    const { key, world } = this.#job
    return signRecord(
      key,
      { index, epoch: as === 'master' ? this.#ownEpoch : 0, digest, signer: world.network.self },
      (message) => world.network.sign(message)
    )
  }

  #masterOf(decision: Decision): PeerId | null {
    if (decision.role === 'master') return this.#job.world.network.self
    return decision.role === 'follower' ? decision.master : null
  }
}
