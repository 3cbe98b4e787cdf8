import { z } from 'zod'
import { Sha256Hex } from './ids.ts'
import { LogLevel } from './settings-parts/log-level.ts'
import { AgentSnapshot, AgentState, CacheEntryView, CacheStats } from './snapshot.ts'

/** `agent.json` in the data folder: how programs of the same user find the running agent. There only while the API listens. */
export const AgentFile = z.object({
  pid: z.number().int().positive(),
  apiPort: z.number().int().min(1).max(65535),
  version: z.string().max(64),
  apiVersion: z.number().int(),
  bootId: z.string().max(64),
  /** Wall clock, ms since 1970. */
  startedAt: z.number()
})
export type AgentFile = z.infer<typeof AgentFile>

/** Hex of 32 random bytes, as kept in the file `api-token`. */
export const ApiToken = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
export type ApiToken = z.infer<typeof ApiToken>

/** What is signed with the token (HMAC-SHA256, hex) to prove that the listener at `port` knows it. */
export const proofMessage = (challenge: string, port: number): string => `larder api ${port} ${challenge}`

/** What anybody on this PC may know of the agent. Clients of any release read these fields first. */
export const VersionView = z.object({
  name: z.literal('larder'),
  version: z.string().max(64),
  apiVersion: z.number().int(),
  integration: z.object({ enabled: z.boolean(), defaultStaggerRangeSeconds: z.number().nonnegative() }),
  /** HMAC over {@link proofMessage}; null when no challenge was given. A caller checks it before it shows its token. */
  proof: z.string().nullable(),
  /** For an agent of all users of the PC: signature over {@link proofMessage} by the key of its `agent.json`, hex. */
  signature: z.string().max(400).optional()
})
export type VersionView = z.infer<typeof VersionView>

/** The agent in a few lines; everything else is in the snapshot. */
export const StatusView = z.object({
  name: z.string(),
  version: z.string(),
  pid: z.number().int(),
  state: AgentState,
  startedAt: z.number(),
  integration: AgentSnapshot.shape.integration,
  paused: AgentSnapshot.shape.paused,
  fleet: AgentSnapshot.shape.fleet,
  ports: AgentSnapshot.shape.ports,
  weight: AgentSnapshot.shape.weight,
  peersConnected: z.number().int(),
  peersSeen: z.number().int(),
  /** Bytes move for them, or they are being delivered; and those that wait or are paused. */
  requestsRunning: z.number().int(),
  requestsWaiting: z.number().int(),
  transfersRunning: z.number().int(),
  uploadsRunning: z.number().int(),
  cache: CacheStats,
  totals: AgentSnapshot.shape.totals,
  savings: AgentSnapshot.shape.savings
})
export type StatusView = z.infer<typeof StatusView>

export const CacheListing = z.object({ stats: CacheStats, entries: z.array(CacheEntryView), total: z.number().int() })
export type CacheListing = z.infer<typeof CacheListing>

export const ClearView = z.object({
  /** Contents; and what unfinished downloads had left behind. `bytes`: of both. */
  removed: z.number().int(),
  unfinished: z.number().int(),
  unfinishedBytes: z.number(),
  bytes: z.number(),
  kept: z.number().int(),
  dryRun: z.boolean()
})
export type ClearView = z.infer<typeof ClearView>

export const VerifyView = z.object({
  checked: z.number().int(),
  ok: z.number().int(),
  damaged: z.array(Sha256Hex),
  missing: z.array(Sha256Hex),
  adopted: z.array(Sha256Hex),
  strays: z.number().int()
})
export type VerifyView = z.infer<typeof VerifyView>

/** A link that opens the window in a browser of this PC, once and soon. Whoever has it has the window: keep it out of logs. */
export const UiLinkView = z.object({ url: z.url(), validMs: z.number().int().positive() })
export type UiLinkView = z.infer<typeof UiLinkView>

const DAY_MS = 24 * 3600_000

export const CacheQuery = z.object({
  limit: z.number().int().min(1).max(1000).default(100),
  offset: z.number().int().min(0).max(1_000_000).default(0),
  /** Part of a URL or the start of a digest. */
  search: z.string().min(1).max(200).optional(),
  sort: z.enum(['lastUsed', 'size', 'created']).default('lastUsed')
})
export type CacheQueryInput = z.input<typeof CacheQuery>

/** How much is logged right now; back to the setting `log.level` at the next start. */
export const LogView = z.object({ level: LogLevel, dir: z.string() })
export type LogView = z.infer<typeof LogView>
/** Limits from now on, until the agent next reads its settings; null lifts one, what is not named stays as it is. */
export const CacheLimitsSpec = z.strictObject({
  maxBytes: z
    .number()
    .int()
    .min(1 << 20)
    .nullable()
    .optional(),
  maxDiskPercent: z.number().min(0.1).max(95).nullable().optional(),
  minFreeBytes: z.number().int().min(0).optional(),
  maxAgeDays: z.number().min(1).max(3650).nullable().optional()
})
export type CacheLimitsSpec = z.infer<typeof CacheLimitsSpec>

/** A pin that ends by itself after this many ms; null: not before somebody ends it. */
export const PinMs = z
  .number()
  .int()
  .min(1000)
  .max(3650 * DAY_MS)
  .nullable()
  .default(null)
