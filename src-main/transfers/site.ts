import type { EventEmitter } from 'node:events'
import type { Claim, ClaimInit } from '../claims/claims.ts'
import type { AloneWhy } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Introduced } from '../peers/network.ts'
import type { GateLimits } from './wan-gate.ts'

/** Why a holder in another subnet was of no use. */
export type FarProblem = 'unreachable' | 'refused' | 'not-there' | 'slow'

/** The other subnets of this site, by way of a hub, as a transfer sees them. */
export interface Site extends EventEmitter<{ down: []; busy: [ContentKey] }> {
  /** A content of this size is asked for at a hub. */
  concerns(lengthBytes: number): boolean
  /** A hub is connected. */
  readonly reachable: boolean
  readonly limits: GateLimits
  open(init: ClaimInit): Claim
  /** Connects to a holder that the hub has named. */
  introduce(id: PeerId): Promise<Introduced>
  failed(key: ContentKey, id: PeerId, problem: FarProblem): void
  alone(key: ContentKey, why: AloneWhy): void
  /** The hub has not decided in time. */
  unanswered(key: ContentKey): void
  /** All of it is here, and served. */
  hold(key: ContentKey): void
}
