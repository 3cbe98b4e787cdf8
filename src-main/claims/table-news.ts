import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimDecision, MasterHistory } from '../contract/peer-messages.ts'
import type { ClaimRoster } from './claim-roster.ts'
import type { Candidate } from './election.ts'
import { FEW_HOLDERS, HolderRing } from './ring-of-holders.ts'

/** So much of an election is told: for a small content, and to a crowd, the first and the second, which says why. */
const MOST_CANDIDATES = 16
const FEW_CANDIDATES = 2

/** What a table has decided. */
export interface Decided {
  readonly key: ContentKey
  readonly epoch: number
  readonly master: PeerId | null
  readonly leaseMs: number
  readonly masters: MasterHistory
  readonly brokenOff: number
  readonly order: readonly Candidate[]
  readonly why: string
  readonly isBrief: boolean
  /** Complete holders serve. */
  readonly isHeld: boolean
}

/** What the claimants of one content have been told, and what is news to them. */
export class TableNews {
  readonly #roster: ClaimRoster
  /** Counts changes of master, epoch or phase. */
  #major = 0
  /** As of this listing of the roster. */
  #ring: { readonly holders: HolderRing; readonly listing: number; readonly isBrief: boolean } | null = null

  constructor(roster: ClaimRoster) {
    this.#roster = roster
  }

  get major(): number {
    return this.#major
  }

  /** Master, epoch or phase has changed. */
  changed(): void {
    this.#major++
  }

  /** What this agent is to know now; marks it as told. */
  tell(id: PeerId, { key, epoch, master, leaseMs, masters, brokenOff, order, why, isBrief }: Decided): ClaimDecision {
    const claimant = this.#roster.get(id)
    const knowsElection = claimant?.toldMajor === this.#major
    const few = isBrief || this.#roster.memberCount > FEW_HOLDERS
    const told = knowsElection ? [] : order.slice(0, few ? FEW_CANDIDATES : MOST_CANDIDATES)
    if (claimant) {
      claimant.toldMajor = this.#major
      claimant.toldMinor = this.#revision(isBrief)
    }
    return {
      t: 'claim.decision',
      key,
      epoch,
      master,
      leaseMs,
      holders: this.#holders(isBrief).of(id),
      masters,
      ...(brokenOff > 0 && { brokenOff }),
      candidates: told.map(({ id, pieces, weight, eligible, about }) => ({
        id,
        pieces,
        weight,
        eligible,
        ...(about && { about })
      })),
      why: why.slice(0, 200)
    }
  }

  /** Claimants that do not know the newest. Those that have the whole content care for the master only, as long as one is needed. */
  outdated({ isBrief, isHeld }: Pick<Decided, 'isBrief' | 'isHeld'>): PeerId[] {
    const ids: PeerId[] = []
    const revision = this.#revision(isBrief)
    for (const { id, role, toldMajor, toldMinor } of this.#roster.claimants()) {
      if (role === 'holding' && isHeld) continue
      if (toldMajor < this.#major || (role !== 'holding' && toldMinor < revision)) ids.push(id)
    }
    return ids
  }

  #holders(isBrief: boolean): HolderRing {
    const { listing } = this.#roster
    if (this.#ring?.listing !== listing || this.#ring.isBrief !== isBrief) {
      const holders = new HolderRing(isBrief ? this.#roster.listedWithPieces() : this.#roster.listed())
      this.#ring = { holders, listing, isBrief }
    }
    return this.#ring.holders
  }

  /** Counts what is news to those that seek. */
  #revision(isBrief: boolean): number {
    return isBrief ? this.#roster.completeRevision : this.#roster.revision
  }
}
