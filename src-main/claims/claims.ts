import type { EventEmitter } from 'node:events'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage, MasterHistory } from '../contract/peer-messages.ts'
import type { MasterView } from '../contract/snapshot.ts'
import type { Candidate } from './election.ts'

/** A content that cannot be gone on with is begun this often for a site, by one PC after the other. */
export const MOST_BROKEN_OFF = 2

/** Others may have given up a PC that was silent for this long and go on without it: a connection ends after 12 s of silence. */
export const GIVEN_UP_MS = 10_000

/** What a {@link ClaimLink} tells. `banned`: nothing this member says about this content counts from now on. */
export interface ClaimLinkEvents {
  message: [PeerId, ClaimMessage]
  joined: [PeerId]
  lost: [PeerId]
  banned: [PeerId, ContentKey]
}

/** The members this agent is connected to, as claims see them. */
export interface ClaimLink extends EventEmitter<ClaimLinkEvents> {
  readonly self: PeerId
  /** Live members with a proven connection, without self. */
  members(): readonly PeerId[]
  /** @returns false when the member is not connected; messages to one member arrive in order */
  send(to: PeerId, message: ClaimMessage): boolean
  isBanned(id: PeerId, key: ContentKey): boolean
  /** Where a member is; members at one address share one place among the coordinators. Null: it says nothing about who is there. */
  addressOf?(id: PeerId): string | null
}

/** What the coordinator decided for this claim. */
export type Decision =
  /** Window still open, or no coordinator reached yet. */
  | { readonly role: 'undecided' }
  | {
      readonly role: 'master'
      readonly epoch: number
      readonly masters: MasterHistory
      readonly holders: readonly Holder[]
      readonly brokenOff?: number | undefined
    }
  /**
   * `master` null: complete holders serve and nobody needs the origin; or, without a complete holder among `holders`,
   * nobody may be master (all weight 0, paused, metered, out of space), so that nothing is to be hoped for from peers.
   */
  | {
      readonly role: 'follower'
      readonly epoch: number
      readonly master: PeerId | null
      readonly masters: MasterHistory
      readonly holders: readonly Holder[]
      /** How often masters have begun it in vain; from {@link MOST_BROKEN_OFF} on nobody is elected. */
      readonly brokenOff?: number | undefined
    }

export interface Holder {
  readonly id: PeerId
  readonly complete: boolean
}

/** This agent's claim on one content. */
export interface Claim extends EventEmitter<{ decision: [Decision] }> {
  readonly key: ContentKey
  readonly decision: Decision
  /** Tells the coordinator what changed; small changes are gathered. `complete` turns the claim into `holding`. */
  update(state: { pieces?: number; bytes?: number; eligible?: boolean; complete?: boolean }): void
  /** The master of the current epoch does not answer, does not move, or served damaged pieces. */
  report(problem: 'unreachable' | 'stalled' | 'corrupt'): void
  /**
   * Nothing has come under the present coordinator, whatever it said: it is passed over for this content from now on, and
   * the next in order is asked. @returns false when there is nothing to pass over: this agent coordinates, is master, or is done
   */
  askNextCoordinator(): boolean
  /**
   * This agent is master and cannot go on; another is elected. It stays a claimant, not eligible until `update({eligible: true})`.
   * `brokeOff`: the origin broke off and would have to begin again; another one is to try, and this one only where there is none.
   */
  resign(why: 'origin-error' | 'disk-full' | 'paused' | 'leaving', how?: { brokeOff: boolean }): void
  close(): void
}

export interface ClaimInit {
  readonly key: ContentKey
  readonly pieceCount: number
  /** Verified pieces held already. */
  readonly pieces: number
  readonly weight: number
  readonly eligible: boolean
}

/** This machine as a candidate. */
export interface Machine {
  /** 0–99; 0 is never elected. */
  readonly weight: number
  /** What it was decided on, for people. */
  readonly about: string
}

export interface ClaimSettings {
  /** How long a coordinator waits for further claims before it elects. */
  readonly windowMs: number
  /** How long after its start an agent waits for others to be found before it elects anybody. */
  readonly settleMs: number
  /** A master that is silent for this long loses its mastership. */
  readonly leaseMs: number
}

/** An election as its coordinator saw it. */
export interface ElectedInfo {
  readonly key: ContentKey
  readonly epoch: number
  readonly master: PeerId
  readonly why: string
  /** Best first. */
  readonly candidates: readonly Candidate[]
  /** Since the first claim, or since the mastership fell vacant. */
  readonly tookMs: number
}

export interface MasterLostInfo {
  readonly key: ContentKey
  readonly epoch: number
  readonly master: PeerId
  readonly why: string
}

/** Claims of this agent and the claim tables it keeps as coordinator. */
export interface Claims {
  /**
   * Claims a content. The first decision comes as an event, never before this call has returned.
   * @throws INTERNAL when this agent has an open claim on it already
   */
  open(init: ClaimInit): Claim
  /** Masters as far as this agent knows; with candidates where it is coordinator. */
  view(): Omit<MasterView, 'url' | 'masterName' | 'coordinatorName'>[]
  /** The weight of this machine has changed: all claims put it, and a master that may not be one any more gives up its mastership. */
  setMachine(machine: Machine): void
  /** This process, or the whole PC, stood still: time to look what that means, should nothing else have happened since. */
  wokeUp(): void
  start(): void
  stop(): void
}
