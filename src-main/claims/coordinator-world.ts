import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import type { ClaimSettings, ElectedInfo, MasterLostInfo } from './claims.ts'
import type { Elsewhere } from './table-events.ts'

/** What the coordinator needs of the agent around it. */
export interface CoordinatorWorld {
  readonly self: PeerId
  readonly clock: Clock
  readonly settings: ClaimSettings
  /** Members with a live connection, without self. */
  readonly live: ReadonlySet<PeerId>
  /** What this agent was told about this content as claimant of another coordinator. */
  elsewhere(key: ContentKey): Elsewhere | null
  /** This agent is the one to coordinate this content. */
  isRightful(key: ContentKey): boolean
  /** This agent does not listen to what this member says about this content. */
  isBanned(id: PeerId, key: ContentKey): boolean
  /** When this agent has had time to meet the others (monotonic). */
  settledAtMs(): number
  send(to: PeerId, message: ClaimMessage): void
  /** Who is known to have all of it. Where this is given, nobody is asked. */
  registered?(key: ContentKey): Iterable<PeerId>
  onElected?(info: ElectedInfo): void
  onMasterLost?(info: MasterLostInfo): void
  /** This member asks for more contents than its share of this coordinator; told each time. */
  onFlood?(id: PeerId): void
}
