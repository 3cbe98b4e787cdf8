import type { EventEmitter } from 'node:events'
import type { Claim, ClaimInit } from '../claims/claims.ts'
import type { AloneWhy, HubCame, HubKept } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Introduced } from '../peers/network.ts'
import type { GateLimits, HubUse } from './wan-gate.ts'

/** Why a holder in another subnet was of no use. */
export type FarProblem = 'unreachable' | 'refused' | 'not-there' | 'slow'

export interface SiteEvents {
  /** No hub is connected any more. */
  down: []
  busy: [ContentKey]
  /** What a deposit says it has of a content; by its id as a source. */
  deposit: [PeerId, ContentKey, HubKept | HubCame]
  /** This deposit cannot be asked any more. */
  depositLost: [PeerId]
}

/** The other subnets of this site, by way of a hub, as a transfer sees them. */
export interface Site extends EventEmitter<SiteEvents> {
  /** A content of this size is asked for at a hub. */
  concerns(lengthBytes: number): boolean
  /** Whether a hub is connected, and is of use. */
  readonly use: HubUse
  readonly limits: GateLimits
  open(init: ClaimInit): Claim
  /** Connects to a holder that the hub has named. */
  introduce(id: PeerId): Promise<Introduced>
  /** It is not a PC but what a hub keeps. */
  isDeposit(id: PeerId): boolean
  /** Asks what is there; it is told by `deposit`. @returns false when it cannot be asked */
  askDeposit(id: PeerId, key: ContentKey, lengthBytes: number): boolean
  failed(key: ContentKey, id: PeerId, problem: FarProblem): void
  alone(key: ContentKey, why: AloneWhy): void
  /** The hub has not decided in time. */
  unanswered(key: ContentKey): void
  /** All of it is here, and served. */
  hold(key: ContentKey): void
}
