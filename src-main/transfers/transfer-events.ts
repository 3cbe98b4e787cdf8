import type { Priority, ReasonCode } from '../contract/request.ts'
import type { LarderError } from '../lib/errors.ts'
import type { WaitLimits } from './fallback.ts'

/** What a transfer is in; its phases are drawn in `transfer-machine.ts`. */
export interface TransferState {
  readonly phase: 'electing' | 'active' | 'finishing' | 'holding' | 'failed' | 'closed'
  readonly origin: 'idle' | 'queued' | 'running' | 'held'
  /** By number, in the order in which they came. */
  readonly interests: ReadonlyMap<number, InterestFacts>
  /** None: nobody has decided, or this PC has just given up its mastership. */
  readonly role: 'none' | 'master' | 'follower'
  /** Somebody is master. */
  readonly led: boolean
  /** Why it downloads from the origin although it is not master; null: it does not. */
  readonly direct: ReasonCode | null
  readonly originError: LarderError | null
  /** The first coordinator was of no use and another was asked. */
  readonly askedNextCoordinator: boolean
  readonly serving: boolean
  /** Another subnet of the site may be downloading it: as master, too, this PC asks peers only. */
  readonly shut: boolean
  /** A new master looks what its neighbours have before it asks the origin; monotonic ms. */
  readonly mapsDueMs: number
  readonly heldSinceMs: number
  readonly wait: WaitTimes
}

export interface InterestFacts {
  readonly priority: Priority
  readonly paused: boolean
  /** Monotonic ms. */
  readonly deadlineMs: number
}

/** How long it has been waiting for others; monotonic ms. */
export interface WaitTimes {
  readonly sinceMs: number
  readonly progressAtMs: number | null
  readonly pieceAtMs: number | null
  /** There has been progress at some time, whatever begins again. */
  readonly hasMoved: boolean
}

/** What can be had where, when it looks for something to do. */
export interface Sight {
  readonly nowMs: number
  /** All pieces are here. */
  readonly complete: boolean
  /** Something is missing that the origin is to be asked for. */
  readonly gap: boolean
  /** Neighbours that have been asked for their maps and have not answered. */
  readonly unanswered: number
  /** It is not known yet who signed wrong records: peers are not asked. */
  readonly suspects: boolean
}

export interface TickFacts {
  readonly nowMs: number
  readonly sources: number
  readonly allBusy: boolean
  /** The master is connected. */
  readonly masterKnown: boolean
  /** See `Wait.allMute`. */
  readonly allMute?: boolean
  readonly unanswered: number
  readonly remainingMs: number | null
  readonly limits: WaitLimits
}

export interface DecisionFacts {
  readonly nowMs: number
  readonly role: 'none' | 'master' | 'follower'
  readonly led: boolean
  /** Some holder has all of it. */
  readonly holderComplete: boolean
  /** This PC has just become master. */
  readonly elected: boolean
  /** This PC may be master at all. */
  readonly mayLead: boolean
  /** As many masters have begun it in vain as may; `why` is null where this PC has not heard it of them, and is to see for itself. */
  readonly over?: { readonly why: LarderError | null } | null
}

/** Why pieces of a complete content were dropped, which are wanted again; null: nothing more can be done. */
export type Anew = 'foreign' | 'damaged' | 'unchecked' | null

export type TransferEvent =
  | { readonly e: 'interestJoined'; readonly id: number; readonly interest: InterestFacts; readonly nowMs: number }
  | { readonly e: 'interestPaused'; readonly id: number; readonly paused: boolean; readonly nowMs: number }
  | { readonly e: 'interestLeft'; readonly id: number; readonly nowMs: number }
  | ({ readonly e: 'decided' } & DecisionFacts)
  | ({ readonly e: 'looked' } & Sight)
  | ({ readonly e: 'ticked' } & TickFacts)
  | {
      readonly e: 'nextCoordinatorAsked'
      readonly accepted: boolean
      readonly otherwise: ReasonCode
      readonly nowMs: number
    }
  | { readonly e: 'slotGranted' }
  /** Whether its subnet may ask the origin, and why it may. */
  | { readonly e: 'gateTurned'; readonly open: boolean; readonly reason: ReasonCode | null }
  /** The origin has nothing more to give now. */
  | { readonly e: 'originIdle' }
  /** `brokenOff`: how often masters of the site have begun it in vain, this time not counted. */
  | {
      readonly e: 'originFailed'
      readonly error: LarderError
      readonly neighbours: number
      readonly brokenOff?: number
    }
  | { readonly e: 'pieceArrived'; readonly nowMs: number }
  /** Bytes are moving: here, or at the master. */
  | { readonly e: 'progressed'; readonly nowMs: number }
  | { readonly e: 'memberLost'; readonly wasMaster: boolean; readonly nowMs: number }
  | { readonly e: 'servingChanged'; readonly serving: boolean; readonly mayLead: boolean; readonly neighbours: number }
  | { readonly e: 'completed' }
  /** `again`: some pieces were dropped and are to be fetched again. */
  | {
      readonly e: 'completionFailed'
      readonly error: LarderError
      readonly again: Anew
      readonly nowMs: number
    }
  /** Pieces cannot be stored. */
  | { readonly e: 'broke'; readonly error: LarderError }
  | { readonly e: 'closed' }

export type TransferEffect =
  /** Look what can be had where: an event `looked`; several at once are one. */
  | { readonly do: 'look' }
  | { readonly do: 'askPeers' }
  | { readonly do: 'stopPeers' }
  | { readonly do: 'enterLine' }
  | { readonly do: 'leaveLine' }
  | { readonly do: 'startOrigin' }
  | { readonly do: 'holdOrigin' }
  | { readonly do: 'goOnOrigin' }
  | { readonly do: 'stopOrigin' }
  | { readonly do: 'lookWhenMapsAreDue'; readonly inMs: number }
  | { readonly do: 'beEligible'; readonly eligible: boolean }
  | { readonly do: 'resign'; readonly why: 'paused' | 'origin-error' | 'disk-full'; readonly brokeOff?: boolean }
  | { readonly do: 'askNextCoordinator'; readonly otherwise: ReasonCode }
  /** Nobody whom the coordinator named is of use. */
  | { readonly do: 'reportUseless' }
  | { readonly do: 'noteReason'; readonly code: ReasonCode }
  | { readonly do: 'tellFallback'; readonly code: ReasonCode }
  | { readonly do: 'tellMasterLost' }
  | { readonly do: 'tellChanged' }
  | { readonly do: 'complete' }
  | { readonly do: 'hold' }
  | { readonly do: 'fail'; readonly error: LarderError }
  /** Nobody waits for it any more. */
  | { readonly do: 'abandon' }
