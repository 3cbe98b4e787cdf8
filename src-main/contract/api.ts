import { z } from 'zod'
import { CachePriority } from './cache-priority.ts'
import { DoctorReport } from './doctor.ts'
import { ErrorView } from './errors.ts'
import { AgentEvent } from './events.ts'
import { RequestId, Sha256Hex } from './ids.ts'
import { MAX_PRECACHE_ITEMS, PrecacheItem, PrecacheView } from './precache.ts'
import { RatesAnswer, RatesSpec } from './rates.ts'
import { RequestSpec, RequestView } from './request.ts'
import { JsonValue, SettingDetails, SettingsProblem } from './setting-details.ts'
import {
  AgentSnapshot,
  AgentState,
  CacheEntryDetail,
  CacheEntryView,
  CacheStats,
  MasterView,
  PeerView
} from './snapshot.ts'
import { Settings } from './settings.ts'
import { WhyView } from './why.ts'

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
  proof: z.string().nullable()
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
  removed: z.number().int(),
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

/** Body of `POST /v1/pause`. */
export const PauseSpec = z.object({
  /** Transfers resume by themselves after so many ms; null: not before they are told to. */
  forMs: z
    .number()
    .int()
    .min(1000)
    .max(30 * DAY_MS)
    .nullable()
    .default(DAY_MS)
})
export type PauseSpecInput = z.input<typeof PauseSpec>

export const IntegrationSpec = z.object({
  enabled: z.boolean(),
  /** Who asks for it; shown to people. */
  by: z.string().min(1).max(100).default('local API'),
  /** Why; shown to people. */
  reason: z.string().min(1).max(500).optional()
})

/** Body of a change of a setting. */
export const SettingChange = z.object({
  value: JsonValue,
  by: z.string().min(1).max(100).default('local API'),
  reason: z.string().min(1).max(500).optional()
})

export const CacheQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  /** Part of a URL or the start of a digest. */
  search: z.string().min(1).max(200).optional(),
  sort: z.enum(['lastUsed', 'size', 'created']).default('lastUsed')
})
export type CacheQueryInput = z.input<typeof CacheQuery>

/** How much is logged right now; back to the setting `log.level` at the next start. */
export const LogView = z.object({ level: Settings.shape.log.unwrap().shape.level.unwrap(), dir: z.string() })
export type LogView = z.infer<typeof LogView>
/** Limits from now on, until the agent reads its settings anew; null lifts one, what is not named stays as it is. */
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

export const PinSpec = z.object({
  pinned: z.boolean().default(true),
  /** It is unpinned by itself after so many ms; null: not before somebody does. */
  forMs: z
    .number()
    .int()
    .min(1000)
    .max(3650 * DAY_MS)
    .nullable()
    .default(null)
})
export type PinSpecInput = z.input<typeof PinSpec>

/** One message of a stream: its event name and its data. */
type StreamMessages = Readonly<Record<string, z.ZodType>>

/** One route of the local API. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With `:name` for path parameters. */
  readonly path: string
  readonly summary: string
  /** `anyone`: answers without the token. */
  readonly access: 'token' | 'anyone'
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodObject | z.ZodPrefault<z.ZodObject>
  /** Status of a good answer. */
  readonly status: 200 | 201
  /** The JSON answer. */
  readonly answer?: z.ZodType
  /** Server-Sent Events: always when there is no `answer`, else when the caller accepts `text/event-stream`. */
  readonly stream?: StreamMessages
  /** The answer is the content itself. */
  readonly bytes?: true
}

const byRequest = z.object({ id: RequestId })
const byDigest = z.object({ sha256: Sha256Hex })
const bySetting = z.object({ name: z.string().min(1).max(100) })
const EventList = z.object({ bootId: z.string(), events: z.array(AgentEvent) })
const VerifyProgress = z.object({ done: z.number().int(), total: z.number().int() })

/** The local API, version 1. The server, the OpenAPI document and the client are made from this table. */
export const apiRoutes = {
  version: {
    method: 'GET',
    path: '/v1/version',
    summary: 'Which agent this is and whether the integration is on. Needs no token.',
    access: 'anyone',
    query: z.object({
      challenge: z
        .string()
        .regex(/^[0-9a-f]{32,128}$/, 'expected 32 to 128 hex digits')
        .optional()
    }),
    status: 200,
    answer: VersionView
  },
  openapi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document.',
    access: 'token',
    status: 200,
    answer: z.looseObject({ openapi: z.string() })
  },
  createRequest: {
    method: 'POST',
    path: '/v1/requests',
    summary: 'Asks for a URL. The agent acts at once.',
    access: 'token',
    body: RequestSpec,
    status: 201,
    answer: RequestView
  },
  listRequests: {
    method: 'GET',
    path: '/v1/requests',
    summary: 'Running and lately finished requests.',
    access: 'token',
    status: 200,
    answer: z.object({ requests: z.array(RequestView) })
  },
  request: {
    method: 'GET',
    path: '/v1/requests/:id',
    summary: 'One request.',
    access: 'token',
    params: byRequest,
    status: 200,
    answer: RequestView
  },
  watchRequest: {
    method: 'GET',
    path: '/v1/requests/:id/watch',
    summary: 'The request now and at each change; the stream ends when the request is done, failed or cancelled.',
    access: 'token',
    params: byRequest,
    status: 200,
    stream: { request: RequestView }
  },
  cancelRequest: {
    method: 'POST',
    path: '/v1/requests/:id/cancel',
    summary: 'Cancels a request; verified pieces are kept.',
    access: 'token',
    params: byRequest,
    status: 200,
    answer: RequestView
  },
  pauseRequest: {
    method: 'POST',
    path: '/v1/requests/:id/pause',
    summary: 'Pauses a request.',
    access: 'token',
    params: byRequest,
    status: 200,
    answer: RequestView
  },
  resumeRequest: {
    method: 'POST',
    path: '/v1/requests/:id/resume',
    summary: 'Lets a paused request go on.',
    access: 'token',
    params: byRequest,
    status: 200,
    answer: RequestView
  },
  requestContent: {
    method: 'GET',
    path: '/v1/requests/:id/content',
    summary: 'The bytes of a finished request, from the cache. Each piece is verified before it is sent.',
    access: 'token',
    params: byRequest,
    status: 200,
    bytes: true
  },
  snapshot: {
    method: 'GET',
    path: '/v1/snapshot',
    summary: 'Everything a window shows.',
    access: 'token',
    status: 200,
    answer: AgentSnapshot
  },
  stream: {
    method: 'GET',
    path: '/v1/stream',
    summary: 'Snapshots as they change and events as they happen. A slow reader misses snapshots, then the connection.',
    access: 'token',
    status: 200,
    stream: { snapshot: AgentSnapshot, event: AgentEvent }
  },
  status: {
    method: 'GET',
    path: '/v1/status',
    summary: 'The agent in a few lines.',
    access: 'token',
    status: 200,
    answer: StatusView
  },
  peers: {
    method: 'GET',
    path: '/v1/peers',
    summary: 'Other agents seen, connected, refused, lost.',
    access: 'token',
    status: 200,
    answer: z.object({ peers: z.array(PeerView) })
  },
  masters: {
    method: 'GET',
    path: '/v1/masters',
    summary: 'Who was elected for which content, and why.',
    access: 'token',
    status: 200,
    answer: z.object({ masters: z.array(MasterView) })
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    summary: 'What happened, oldest first; with `follow=1` or `Accept: text/event-stream` also what happens.',
    access: 'token',
    query: z.object({ since: z.coerce.number().int().min(0).default(0), follow: z.enum(['0', '1']).default('0') }),
    status: 200,
    answer: EventList,
    stream: { event: AgentEvent }
  },
  why: {
    method: 'GET',
    path: '/v1/why',
    summary: 'Why downloads came from where they did: by request id, content key, digest, or (part of) the URL.',
    access: 'token',
    query: z.object({ about: z.string().min(1).max(8192) }),
    status: 200,
    answer: WhyView
  },
  doctor: {
    method: 'POST',
    path: '/v1/doctor',
    summary: 'Looks at everything this PC needs for sharing, and says what to do.',
    access: 'token',
    status: 200,
    answer: DoctorReport
  },
  log: {
    method: 'GET',
    path: '/v1/log',
    summary: 'Level and folder of the log.',
    access: 'token',
    status: 200,
    answer: LogView
  },
  setLog: {
    method: 'POST',
    path: '/v1/log',
    summary: 'Sets the level of the log until the agent ends.',
    access: 'token',
    body: LogView.pick({ level: true }),
    status: 200,
    answer: LogView
  },
  cache: {
    method: 'GET',
    path: '/v1/cache',
    summary: 'What lies in the cache.',
    access: 'token',
    query: CacheQuery,
    status: 200,
    answer: CacheListing
  },
  content: {
    method: 'GET',
    path: '/v1/cache/:sha256',
    summary: 'One content: its URLs, uses, pin, and whom it was served to.',
    access: 'token',
    params: byDigest,
    status: 200,
    answer: CacheEntryDetail
  },
  removeContent: {
    method: 'DELETE',
    path: '/v1/cache/:sha256',
    summary: 'Removes one content from the cache.',
    access: 'token',
    params: byDigest,
    status: 200,
    answer: z.object({ sha256: Sha256Hex, bytes: z.number() })
  },
  pinContent: {
    method: 'POST',
    path: '/v1/cache/:sha256/pin',
    summary: 'Protects a content from eviction for good or for a time, or no longer.',
    access: 'token',
    params: byDigest,
    body: PinSpec.prefault({}),
    status: 200,
    answer: z.object({ sha256: Sha256Hex, pinned: z.boolean(), until: z.number().nullable() })
  },
  setPriority: {
    method: 'POST',
    path: '/v1/cache/:sha256/priority',
    summary: 'How late a content goes when room is needed.',
    access: 'token',
    params: byDigest,
    body: z.object({ priority: CachePriority.default('normal') }).prefault({}),
    status: 200,
    answer: z.object({ sha256: Sha256Hex, priority: CachePriority })
  },
  setCacheLimits: {
    method: 'POST',
    path: '/v1/cache/limits',
    summary: 'Changes the limits of the cache until the agent reads its settings anew.',
    access: 'token',
    body: CacheLimitsSpec.prefault({}),
    status: 200,
    answer: CacheStats
  },
  relocateCache: {
    method: 'POST',
    path: '/v1/cache/relocate',
    summary:
      'Moves the cache to another folder at the next start of the agent; without a folder it only says where it is.',
    access: 'token',
    body: z.object({ dir: z.string().min(1).max(4096).optional() }).prefault({}),
    status: 200,
    answer: z.object({ dir: z.string(), next: z.string().nullable() })
  },
  clearCache: {
    method: 'POST',
    path: '/v1/cache/clear',
    summary: 'Removes everything that is not in use. A dry run only counts.',
    access: 'token',
    body: z.object({ pinnedToo: z.boolean().default(false), dryRun: z.boolean().default(false) }).prefault({}),
    status: 200,
    answer: ClearView
  },
  verifyCache: {
    method: 'POST',
    path: '/v1/cache/verify',
    summary:
      'Reads every content again and compares digests; damaged ones go to quarantine. As a stream it reports progress.',
    access: 'token',
    status: 200,
    answer: VerifyView,
    stream: { progress: VerifyProgress, result: VerifyView, error: ErrorView }
  },
  precache: {
    method: 'GET',
    path: '/v1/precache',
    summary: 'Whether pre-caching runs, why not, and how the last run ended.',
    access: 'token',
    status: 200,
    answer: PrecacheView
  },
  precacheItems: {
    method: 'GET',
    path: '/v1/precache/items',
    summary: 'The pre-cache list of the settings as it is now.',
    access: 'token',
    status: 200,
    answer: z.object({ items: z.array(PrecacheItem) })
  },
  startPrecache: {
    method: 'POST',
    path: '/v1/precache',
    summary:
      'Gets contents into the cache now: those given, those of a list at a URL, or those of the list of the settings.',
    access: 'token',
    body: z
      .object({
        items: z.array(PrecacheItem).max(MAX_PRECACHE_ITEMS).optional(),
        list: z
          .url({ protocol: /^https?$/ })
          .max(8192)
          .optional()
      })
      .prefault({ items: [] }),
    status: 200,
    answer: PrecacheView
  },
  stopPrecache: {
    method: 'POST',
    path: '/v1/precache/stop',
    summary: 'Ends a pre-cache run; verified pieces are kept.',
    access: 'token',
    status: 200,
    answer: PrecacheView
  },
  pauseAll: {
    method: 'POST',
    path: '/v1/pause',
    summary: 'Pauses all transfers.',
    access: 'token',
    body: PauseSpec.prefault({}),
    status: 200,
    answer: StatusView
  },
  resumeAll: {
    method: 'POST',
    path: '/v1/resume',
    summary: 'Lets all transfers go on.',
    access: 'token',
    status: 200,
    answer: StatusView
  },
  uiLink: {
    method: 'POST',
    path: '/v1/ui/link',
    summary:
      'Makes a link that opens the window in a browser of this PC, once. NOT_FOUND when the agent serves no window.',
    access: 'token',
    status: 200,
    answer: UiLinkView
  },
  rates: {
    method: 'GET',
    path: '/v1/rates',
    summary: 'What holds transfers back now, and the caps of each hour of the week.',
    access: 'token',
    status: 200,
    answer: RatesAnswer
  },
  setRates: {
    method: 'POST',
    path: '/v1/rates',
    summary: 'Changes rates until the agent reads its settings anew; null lifts a cap.',
    access: 'token',
    body: RatesSpec.prefault({}),
    status: 200,
    answer: RatesAnswer
  },
  integration: {
    method: 'POST',
    path: '/v1/integration',
    summary: 'Turns the integration on or off.',
    access: 'token',
    body: IntegrationSpec,
    status: 200,
    answer: StatusView
  },
  settings: {
    method: 'GET',
    path: '/v1/settings',
    summary: 'Every setting: its value, where it came from, and what is wrong with the files it could come from.',
    access: 'token',
    status: 200,
    answer: z.object({ settings: z.array(SettingDetails), problems: z.array(SettingsProblem) })
  },
  setSetting: {
    method: 'POST',
    path: '/v1/settings/:name',
    summary: 'Sets one setting of this user.',
    access: 'token',
    params: bySetting,
    body: SettingChange,
    status: 200,
    answer: SettingDetails
  },
  unsetSetting: {
    method: 'POST',
    path: '/v1/settings/:name/unset',
    summary: 'Takes one setting out of the settings of this user.',
    access: 'token',
    params: bySetting,
    status: 200,
    answer: SettingDetails
  }
} as const satisfies Record<string, ApiRoute>

export type ApiRoutes = typeof apiRoutes
export type ApiRouteName = keyof ApiRoutes

type InputOf<R, F extends string> = R extends Record<F, infer S extends z.ZodType> ? z.input<S> : undefined
type OutputOf<R, F extends string> = R extends Record<F, infer S extends z.ZodType> ? z.output<S> : undefined

export type ApiParams<N extends ApiRouteName> = OutputOf<ApiRoutes[N], 'params'>
export type ApiQuery<N extends ApiRouteName> = OutputOf<ApiRoutes[N], 'query'>
export type ApiQueryInput<N extends ApiRouteName> = InputOf<ApiRoutes[N], 'query'>
export type ApiBody<N extends ApiRouteName> = OutputOf<ApiRoutes[N], 'body'>
export type ApiBodyInput<N extends ApiRouteName> = InputOf<ApiRoutes[N], 'body'>
export type ApiAnswer<N extends ApiRouteName> = OutputOf<ApiRoutes[N], 'answer'>
