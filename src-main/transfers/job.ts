import type { Cache, PartialContent } from '../cache/cache.ts'
import type { Claims } from '../claims/claims.ts'
import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import type { ContentKey } from '../contract/ids.ts'
import type { Priority } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock } from '../lib/clock.ts'
import type { OriginClient } from '../origin/origin.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { BegunFiles } from '../placing/begun-files.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { RecordVerifier } from '../pieces/record.ts'
import type { Arrivals } from './arrivals.ts'
import type { LeftOutPeers } from './left-out-peers.ts'
import type { OriginSlots } from './origin-slots.ts'
import type { Site } from './site.ts'
import type { Traffic } from './traffic.ts'
import type { Trust } from './verify/trust.ts'
import type { AnnouncedChecks } from './verify/announced-checks.ts'
import type { Recalls } from './verify/recalls.ts'

/** Facts of an event beside its type and sentence. */
export type EventFacts = Omit<AgentEvent, 'seq' | 'at' | 'type' | 'text'>

/** What transfers and requests need from the rest of the agent. */
export interface TransferWorld {
  readonly clock: Clock
  readonly cache: Cache
  readonly origin: OriginClient
  readonly network: PeerNetwork
  readonly claims: Claims
  readonly buffers: PieceBuffers
  /** Shared, so that the key of a member is read once and not for each content. */
  readonly records: RecordVerifier
  readonly originSlots: OriginSlots
  readonly traffic: Traffic
  /** Where this agent has files half written; absent: nobody looks at the next start. */
  readonly begunFiles?: Pick<BegunFiles, 'note' | 'forget' | 'keep'>
  readonly settings: Pick<Settings, 'transfers' | 'backgroundChannel' | 'sharing'>
  /** Who signed what is not true, and what follows. */
  readonly evidence: Trust
  /** Who compares what; absent: nobody is told, nobody tells. */
  readonly checks?: Pick<AnnouncedChecks, 'announce' | 'over'> | undefined
  /** The other subnets of the site; absent: no hub is set. */
  readonly site?: Site | undefined
  /** Who is asked for no pieces at present; absent: nobody. */
  readonly leftOut?: Pick<LeftOutPeers, 'includes' | 'silent' | 'delivered' | 'view'> | undefined
  /** What an administrator has recalled. */
  readonly recalls: Pick<Recalls, 'reason' | 'assertNotRecalled'>
  /** The networks this PC is in. */
  readonly networks: { of(localAddress: string): string | null; isHere(network: string): boolean }
  /** Weight of this machine now; 0 is never master. Later changes go to the claims by themselves. */
  readonly weight: () => number
  readonly emit: (type: AgentEventType, text: string, facts?: EventFacts) => void
  /** Bytes came from an origin and are of no use: of a broken attempt, of a version that changed. */
  readonly discarded?: (bytes: number) => void
  /** Something a snapshot shows has changed. */
  readonly changed: () => void
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Calls once this turn of the event loop is over, and before any timer that is set later; absent: `setImmediate`. */
  readonly soon?: ((fn: () => void) => void) | undefined
}

/** One content being assembled, as its lanes see it. */
export interface Job {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly partial: PartialContent
  /** Bytes as they come in, before they are pieces. */
  readonly arrivals: Arrivals
  /** Of the most urgent one who waits, here or at a neighbour. */
  readonly priority: () => Priority
  /** That of the most urgent request waiting here. */
  readonly ownPriority: () => Priority
  readonly world: TransferWorld
}
