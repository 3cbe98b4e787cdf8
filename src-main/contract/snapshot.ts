// Why it is like this: docs/decisions/0011-what-is-not-in-a-snapshot.md
import { HubView } from './hub-view.ts'
import { z } from 'zod'
import { ContentKey, PeerId, Sha256Hex } from './ids.ts'
import { CachePriority } from './cache-priority.ts'
import { AgentEvent } from './events.ts'
import { PrecacheView } from './precache.ts'
import { ProvenanceView, VerifiedBy } from './provenance.ts'
import { RatesView } from './rates.ts'
import { TrafficCounters } from './traffic.ts'
import { ContentKind, RequestView, SourceSplit } from './request.ts'

/**
 *     starting ──► running ──► stopping ──► stopped
 */
/** Who holds a pause: somebody who asked for it, a PC on battery, a PC that goes to sleep. */
export const pauseReasons = ['person', 'battery', 'asleep'] as const
const PauseReason = z.enum(pauseReasons)
export type PauseReason = z.infer<typeof PauseReason>

export const AgentState = z.enum(['starting', 'running', 'stopping', 'stopped'])

/**
 *     seen ──► connecting ──► connected ──► lost
 *                  └──► refused                     (wrong fleet, wrong protocol; with reason)
 */
export const PeerState = z.enum(['seen', 'connecting', 'connected', 'refused', 'lost'])
export type PeerState = z.infer<typeof PeerState>

export const PeerView = z.object({
  id: PeerId.nullable(),
  name: z.string(),
  address: z.string(),
  state: PeerState,
  /** Why it is refused or lost; one sentence. */
  reason: z.string().nullable(),
  weight: z.number().nullable(),
  version: z.string().nullable(),
  since: z.number(),
  receivedBytes: z.number(),
  servedBytes: z.number(),
  banned: z.boolean(),
  /** Its large answers do not arrive although small ones do: since when, and until when it is asked for no pieces; wall clock, ms. */
  leftOut: z.object({ since: z.number(), until: z.number() }).optional(),
  /** In another subnet: a hub has named it. */
  far: z.boolean().optional(),
  /** Of a far one: its subnet, as a guess from its address. */
  subnet: z.string().optional()
})
export type PeerView = z.infer<typeof PeerView>

/** One candidate as the coordinator saw it; the order in the list is the order of the election. `about`: what its weight was decided on. */
export const CandidateView = z.object({
  id: PeerId,
  name: z.string(),
  pieces: z.number().int(),
  weight: z.number(),
  eligible: z.boolean(),
  about: z.string().optional()
})
export type CandidateView = z.infer<typeof CandidateView>

/** Who was elected for one content, and why. Complete on the coordinator; others know master, epoch and coordinator. */
export const MasterView = z.object({
  key: ContentKey,
  url: z.string().nullable(),
  coordinator: PeerId.nullable(),
  coordinatorName: z.string().nullable(),
  master: PeerId.nullable(),
  masterName: z.string().nullable(),
  /** This agent is the master. */
  self: z.boolean(),
  /** All of it is here or at others: nobody has to download it from the origin any more. */
  finished: z.boolean(),
  epoch: z.number().int().nonnegative(),
  since: z.number(),
  /** How many agents are in the swarm of this content as far as this agent knows. */
  members: z.number().int(),
  candidates: z.array(CandidateView),
  /** Why this master; one sentence. */
  why: z.string()
})
export type MasterView = z.infer<typeof MasterView>

/** What a peer takes of one content right now, run after run: since when, and how much since then. Ends a second after its last run. */
export const UploadView = z.object({
  peer: PeerId,
  peerName: z.string(),
  key: ContentKey,
  pieces: z.number().int(),
  bytes: z.number(),
  since: z.number()
})
export type UploadView = z.infer<typeof UploadView>

/** How the master of a subnet gets a content, where subnets share it through a hub. */
export const SiteShareView = z.object({
  /** `leased`: it downloads it for the site; `relaying`: it takes it from another subnet. */
  phase: z.enum(['asking', 'leased', 'relaying', 'alone']),
  /** The PC of another subnet that downloads it for the site, or had it already; or the hub in whose deposit it is. */
  from: z.object({ name: z.string(), subnet: z.string(), had: z.boolean(), deposit: z.boolean().optional() }).nullable()
})
export type SiteShareView = z.infer<typeof SiteShareView>

/** The running job for one content. */
export const TransferView = z.object({
  key: ContentKey,
  url: z.string(),
  lengthBytes: z.number().int().nonnegative().nullable(),
  /** Verified; and received beyond that, of pieces that are not verified yet. */
  haveBytes: z.number().int().nonnegative(),
  arrivingBytes: z.number().int().nonnegative(),
  pieceCount: z.number().int().nonnegative(),
  havePieces: z.number().int().nonnegative(),
  state: z.enum(['electing', 'active', 'queued', 'paused', 'finishing', 'holding', 'failed']),
  role: z.enum(['none', 'master', 'follower', 'direct']),
  master: PeerId.nullable(),
  epoch: z.number().int(),
  split: SourceSplit,
  /** Null: not complete yet. */
  verifiedBy: VerifiedBy.nullable(),
  /** Content bytes asked of the origin only to compare what peers gave; not part of the split. */
  sampledBytes: z.number().int().nonnegative(),
  /** Verified bytes received from each peer. */
  peers: z.array(z.object({ peer: PeerId, name: z.string(), bytes: z.number(), pieces: z.number().int() })),
  /** Null: other subnets have no part in it here. */
  site: SiteShareView.nullable().optional(),
  rateBytesPerSecond: z.number(),
  requests: z.number().int()
})
export type TransferView = z.infer<typeof TransferView>

/**
 * A transfer's pieces in their order, a letter each: `.` missing, `f` being fetched; verified and from the `o`rigin, from a
 * `p`eer, or `c` here before.
 */
export const PieceLetters = z
  .string()
  .max(16_384)
  .regex(/^[.fopc]*$/)
export type PieceLetter = '.' | 'f' | 'o' | 'p' | 'c'

export const CacheStats = z.object({
  dir: z.string(),
  entries: z.number().int(),
  bytes: z.number(),
  partialBytes: z.number(),
  /** The limits in force. `maxAgeMs` null: nothing goes for its age. */
  maxBytes: z.number(),
  minFreeBytes: z.number(),
  maxAgeMs: z.number().nullable(),
  freeBytes: z.number().nullable(),
  pinned: z.number().int(),
  /** Contents evicted in this run, and in the last hour: how hard the limits press. */
  evictions: z.number().int(),
  evictedLastHour: z.object({ contents: z.number().int(), bytes: z.number() }),
  /** Contents still lie in a former folder and are being moved; null: none do. */
  moving: z
    .object({
      from: z.string(),
      done: z.number().int(),
      total: z.number().int(),
      bytes: z.number(),
      problem: z.string().nullable()
    })
    .nullable(),
  diskFull: z.boolean()
})
export type CacheStats = z.infer<typeof CacheStats>

export const CacheEntryView = z.object({
  sha256: Sha256Hex,
  /** The weakest of its provenances. */
  verifiedBy: VerifiedBy,
  /** One per URL it was got by, at most 8. */
  provenances: z.array(ProvenanceView).max(8),
  lengthBytes: z.number().int().nonnegative(),
  urls: z.array(z.string()),
  kind: ContentKind,
  pinned: z.boolean(),
  /** Wall clock, ms; null: not pinned, or until it is unpinned. */
  pinnedUntil: z.number().nullable(),
  priority: CachePriority,
  createdAt: z.number(),
  lastUsedAt: z.number(),
  hits: z.number().int(),
  servedBytes: z.number()
})
export type CacheEntryView = z.infer<typeof CacheEntryView>

/** One content with whom it was served to, most bytes first; at most 100. */
export const CacheEntryDetail = CacheEntryView.extend({
  servedTo: z.array(z.object({ peer: PeerId, name: z.string(), bytes: z.number(), lastAt: z.number() }))
})
export type CacheEntryDetail = z.infer<typeof CacheEntryDetail>

/** Whether programs on this PC are served, and who decided that. */
export const IntegrationState = z.object({
  enabled: z.boolean(),
  /** A person, a file, or `default`. */
  by: z.string().max(300),
  /** Wall clock, ms since 1970. */
  since: z.number(),
  /** What whoever decided it gave as reason. */
  reason: z.string().max(500).nullable(),
  /** Who keeps it from being switched on this PC (policy or command line); null when it may be. */
  managedBy: z.string().max(300).nullable()
})
export type IntegrationState = z.infer<typeof IntegrationState>

/** Where the bytes of some days came from; unique verified bytes, so the share is never above 1. */
export const SavingsWindow = z.object({
  originBytes: z.number().nonnegative(),
  peerBytes: z.number().nonnegative(),
  cacheBytes: z.number().nonnegative(),
  servedBytes: z.number().nonnegative(),
  /** Part of what this PC got that did not come from an origin, 0 to 1; null: it got nothing. */
  savedShare: z.number().min(0).max(1).nullable()
})
export type SavingsWindow = z.infer<typeof SavingsWindow>

/** Kept across restarts. Days are those of the calendar on this PC, today included. */
export const Savings = z.object({ today: SavingsWindow, days7: SavingsWindow, days28: SavingsWindow })
export type Savings = z.infer<typeof Savings>

/** Everything a window shows, whole and numbered. `seq` grows by one at each change; a gap means nothing was lost but time. */
export const AgentSnapshot = z.object({
  agentId: PeerId,
  name: z.string(),
  bootId: z.string(),
  seq: z.number().int().nonnegative(),
  at: z.number(),
  version: z.string(),
  apiVersion: z.number().int(),
  state: AgentState,
  startedAt: z.number(),
  integration: IntegrationState,
  /** `until` null: until nobody who holds the pause does so any more. */
  paused: z.object({ until: z.number().nullable(), by: z.array(PauseReason).default(['person']) }).nullable(),
  rates: RatesView,
  /** Peers get nothing from this PC until then; null within: until it serves again. */
  servingStopped: z.object({ until: z.number().nullable() }).nullable(),
  fleet: z.object({
    member: z.boolean(),
    via: z.enum(['none', 'site-key', 'ca']),
    tag: z.string().nullable(),
    /** By a CA: end of this PC's certificate (wall clock, ms since 1970), number of the deny list in force, and devices on it. */
    expiresAt: z.number().optional(),
    denyListNumber: z.number().int().optional(),
    denied: z.number().int().optional()
  }),
  ports: z.object({
    api: z.number().int().nullable(),
    peer: z.number().int().nullable(),
    beacon: z.number().int().nullable(),
    /** Null or absent: the gateway is off. */
    gateway: z.number().int().nullable().optional()
  }),
  /** `why` is a clause about this PC; `machine` says what it was decided on. */
  weight: z.object({ value: z.number().int(), why: z.string(), machine: z.string() }),
  interfaces: z.array(
    z.object({ name: z.string(), address: z.string(), used: z.boolean(), reason: z.string().nullable() })
  ),
  hub: HubView,
  peers: z.array(PeerView),
  masters: z.array(MasterView),
  transfers: z.array(TransferView),
  requests: z.array(RequestView),
  uploads: z.array(UploadView),
  cache: CacheStats,
  /** Folder the cache moves to at the agent’s next start; null: it stays. */
  cacheNext: z.string().nullable(),
  precache: PrecacheView,
  totals: z.object({
    originBytes: z.number(),
    peerBytes: z.number(),
    cacheBytes: z.number(),
    servedBytes: z.number(),
    /** Asked of origins only to compare what peers gave; in none of the others. */
    sampledBytes: z.number(),
    /** Finished requests by what their bytes were verified by. */
    verified: z.record(VerifiedBy, z.number().int()),
    fallbacks: z.number().int(),
    /** What the gateway passed on, unshared. */
    bypassed: z.number().int().default(0),
    /** Came from origins and was of no use: of broken attempts, of versions that changed. */
    discardedBytes: z.number().int().default(0)
  }),
  traffic: TrafficCounters,
  savings: Savings,
  /** Health of the process: event-loop delay p99 over the last minute with work, ms; resident memory, bytes. */
  process: z.object({
    pid: z.number().int(),
    eventLoopP99Ms: z.number(),
    rssBytes: z.number(),
    cpuSeconds: z.number()
  }),
  /** The newest events, oldest first; at most 200. */
  events: z.array(AgentEvent)
})
export type AgentSnapshot = z.infer<typeof AgentSnapshot>
