import type { PeerId } from '../contract/ids.ts'
import type { ClaimPut, ClaimReport, ClaimResign } from '../contract/peer-messages.ts'
import type { Candidate } from './election.ts'

/** What happened to a claim table. `from` is always a live member, or the coordinator itself. */
export type TableEvent =
  | { readonly type: 'claimPut'; readonly from: PeerId; readonly put: ClaimPut }
  | { readonly type: 'claimClosed'; readonly from: PeerId }
  | { readonly type: 'holdingAnswered'; readonly from: PeerId; readonly pieces: number; readonly complete: boolean }
  | {
      readonly type: 'masterReported'
      readonly from: PeerId
      readonly epoch: number
      readonly problem: ClaimReport['problem']
    }
  | {
      readonly type: 'masterResigned'
      readonly from: PeerId
      readonly epoch: number
      readonly why: ClaimResign['why']
      readonly brokeOff?: boolean | undefined
    }
  /** The connection to a member is gone. */
  | { readonly type: 'memberLost'; readonly id: PeerId }
  /** {@link Surroundings.elsewhere} has changed. */
  | { readonly type: 'decidedElsewhere' }
  /** The agents before this one in rendezvous order are gone: no need to wait longer than a window any more. */
  | { readonly type: 'becameRightful' }
  /** Its coordinator stood still for long: it is not master any more itself, and elects nobody before that time. */
  | { readonly type: 'stoodBack'; readonly self: PeerId; readonly untilMs: number }
  /** {@link ClaimTable.wakeAtMs} has come. */
  | { readonly type: 'timePassed' }

/** A decision that the agent which keeps this table goes by itself: it cannot reach its claimants, or they not the other table. */
export interface Elsewhere {
  /** The agent that keeps this table; it passes on what it gets. */
  readonly via: PeerId
  readonly epoch: number
  readonly master: PeerId
}

/** What the table needs to know of the world at the moment of an event. */
export interface Surroundings {
  /** Monotonic. */
  readonly nowMs: number
  /** The coordinator has a connection to this member (or is it). */
  isLive(id: PeerId): boolean
  /** What the coordinator itself was told as claimant of another table for this content; null when it has no other, or is master of none. */
  elsewhere(): Elsewhere | null
  /** As the coordinator sees the members, it is first in rendezvous order for this content. */
  isRightful(): boolean
}

/** What is to be done about it. */
export type TableEffect =
  /** Answer this one at once, whatever it was told before. */
  | { readonly type: 'tell'; readonly to: PeerId }
  /** Tell all who have not heard the newest: `now` for elections, `soon` for other changes of master, `lazily` for holders. */
  | { readonly type: 'tellAll'; readonly when: 'now' | 'soon' | 'lazily' }
  /** Ask the members who have no claim whether they hold the content; a little later when it was done just now. */
  | { readonly type: 'askMembers' }
  /** The election was held without the answers of these. */
  | { readonly type: 'unanswered'; readonly by: readonly PeerId[] }
  | {
      readonly type: 'masterElected'
      readonly epoch: number
      readonly master: PeerId
      readonly why: string
      readonly order: readonly Candidate[]
    }
  | { readonly type: 'masterLost'; readonly epoch: number; readonly master: PeerId; readonly why: string }
  /** The last claimant has left; the table can be forgotten. */
  | { readonly type: 'emptied' }
