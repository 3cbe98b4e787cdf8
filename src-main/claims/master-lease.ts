import type { PeerId } from '../contract/ids.ts'
import type { ClaimPut, MasterHistory } from '../contract/peer-messages.ts'
import type { Claimant, ClaimRoster } from './claim-roster.ts'
import { isElectable } from './election.ts'
import { learnFrom, type Lesson } from './former-decisions.ts'
import { MAX_EPOCH, mergeMasters, rememberMaster } from './master-history.ts'
import { MasterReports } from './master-reports.ts'
import type { Surroundings, TableEffect } from './table-events.ts'

/** An epoch so far ahead of the table's is not believed: nobody lives through so many elections between two messages. */
const MAX_EPOCH_LEAD = 65_536

/** Who is master of one content, since which epoch and why, and for how long without a sign of life. All times monotonic. */
export class MasterLease {
  readonly #roster: ClaimRoster
  readonly #leaseMs: number
  readonly #reports = new MasterReports()
  #master: PeerId | null = null
  #epoch = 0
  #masters: MasterHistory = []
  /** When the master was heard last, or named as such by another. */
  #heardMs = 0
  #endsMs = 0
  /** Why it fell vacant, until it is filled. */
  #vacancy: string | null = null

  constructor(roster: ClaimRoster, leaseMs: number) {
    this.#roster = roster
    this.#leaseMs = leaseMs
  }

  get master(): PeerId | null {
    return this.#master
  }

  get epoch(): number {
    return this.#epoch
  }

  /** This one and those before it. */
  get masters(): MasterHistory {
    return this.#masters
  }

  /** The master's claim, as far as it has put one. */
  get claimant(): Claimant | undefined {
    return this.#master === null ? undefined : this.#roster.get(this.#master)
  }

  get endsMs(): number {
    return this.#endsMs
  }

  /** When reports of followers are to be looked at again; Infinity for never. */
  get reportsDueMs(): number {
    return this.#reports.dueMs
  }

  /** The epoch of the next election. */
  get nextEpoch(): number {
    return Math.min(this.#epoch + 1, MAX_EPOCH)
  }

  /** With what became of the master before, while there is none. */
  explain(why: string): string {
    return this.#vacancy === null ? why : `${why}; the master before: ${this.#vacancy}`
  }

  /** A new master, or the same in a later epoch. */
  set(master: PeerId, epoch: number): void {
    this.#master = master
    this.#epoch = epoch
    this.#vacancy = null
    this.#masters = rememberMaster(this.#masters, epoch, master)
    this.#reports.forget()
  }

  /** Nobody is master, and nobody has to be. */
  clear(): void {
    this.#master = null
    this.#reports.forget()
  }

  /** The master is gone or of no use, and another one is to be elected. */
  vacate(why: string): TableEffect[] {
    const master = this.#master!
    this.clear()
    this.#vacancy = why
    return [{ type: 'masterLost', epoch: this.#epoch, master, why }]
  }

  /** A sign of life of the master. */
  renew(nowMs: number): void {
    this.#heardMs = nowMs
    this.extend(nowMs)
  }

  /** It is waited for as long as after a sign of life. */
  extend(nowMs: number): void {
    this.#endsMs = nowMs + this.#leaseMs
  }

  skipTo(epoch: number): void {
    this.#epoch = epoch
  }

  /** What a claim says of earlier decisions. @returns null when the mastership stays as it is */
  learn(
    from: Claimant,
    put: ClaimPut,
    { why, isOpen, world }: { readonly why: string; readonly isOpen: boolean; readonly world: Surroundings }
  ): Lesson | null {
    if (put.epoch === 0 || put.epoch > this.#epoch + MAX_EPOCH_LEAD) return null
    this.#masters = mergeMasters(this.#masters, put.masters, put.epoch)
    if (put.master !== null) this.#masters = rememberMaster(this.#masters, put.epoch, put.master)
    return learnFrom(from, put, {
      epoch: this.#epoch,
      master: this.#master,
      masterPieces: this.claimant?.pieces ?? -1,
      why,
      isOpen,
      couldBeMaster: (id) => this.#couldBeMaster(id, world)
    })
  }

  reportedBy(id: PeerId, nowMs: number): void {
    this.#reports.add(id, nowMs)
  }

  /** Its reports count no more. */
  forgetReporter(id: PeerId): void {
    this.#reports.delete(id)
  }

  /** What the reports of followers come to. @param held complete holders serve, and it is they who are reported */
  judge(held: boolean, world: Surroundings): ReturnType<MasterReports['judge']> {
    const { claimant } = this
    let followers = 0
    let others = false
    for (const c of this.#roster.claimants()) {
      if (c.role !== 'holding' && c.id !== this.#master) followers++
      if (c !== claimant && isElectable(c) && !c.silent && !c.reported) others = true
    }
    const master = this.#master === null ? 'none' : world.isLive(this.#master) ? 'live' : 'lost'
    return this.#reports.judge({
      nowMs: world.nowMs,
      leaseMs: this.#leaseMs,
      held,
      master,
      masterHeardMs: this.#heardMs,
      followers,
      others
    })
  }

  /**
   * A follower named this one master: believable unless we know better. Whoever names it was connected with it when it
   * moved here; so it may be one that this coordinator, fresh on the network, is yet to meet. That is not enough to
   * unseat another master.
   */
  #couldBeMaster(id: PeerId, world: Surroundings): boolean {
    if (this.#master !== null && !world.isLive(id)) return false
    const claimant = this.#roster.get(id)
    return claimant === undefined || (isElectable(claimant) && !claimant.silent && !claimant.reported)
  }
}
