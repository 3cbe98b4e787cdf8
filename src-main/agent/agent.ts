import type { EventEmitter } from 'node:events'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { AskedBy } from '../contract/asked-by.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { HubContentView, HubMemberView } from '../contract/hub-view.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { ReasonCode, RequestSpec, RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState, PauseReason } from '../contract/snapshot.ts'
import type { TrafficHistory } from '../contract/traffic.ts'
import type { Clock } from '../lib/clock.ts'
import type { Chooser } from '../origin/address-policy.ts'
import type { SystemProxy } from '../origin/proxy.ts'
import type { ClockSkew } from '../origin/origin.ts'
import type { Quirk } from '../origin/quirks.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { Change } from '../settings/write-setting.ts'
import type { Readings } from '../requests/reading.ts'
import type { MachineProbes } from '../machine/machine-watch.ts'
import type { Precache } from '../precache/precache.ts'
import type { InstallerDoor } from '../updates/updater.ts'

/** What the agent is to do; nothing in it touches the world by itself. */
export interface AgentConfig {
  /** Folder of this agent alone: identity, cache (unless set elsewhere), index. Created with mode 0700. */
  readonly dataDir: string
  /** Those of a {@link LiveSettings} may change while it runs. */
  readonly settings: Settings | LiveSettings
  /** Name shown to people; the host name by default. */
  readonly name?: string
}

/** Everything that touches the world, so that many agents live in one process and tests hold the strings. */
export interface AgentHost {
  readonly clock: Clock
  /** Structured log; `pino`'s shape. */
  readonly log: Log
  /** Environment for proxies (`HTTPS_PROXY`, `NO_PROXY`, …). */
  readonly env: Readonly<Record<string, string | undefined>>
  /** How this PC is looked at; by default as its system allows. */
  readonly machine?: MachineProbes
  /** IANA time zone for schedules; that of this PC by default. */
  readonly timeZone?: string
  /** The system's proxy settings, where somebody can be asked: as a PAC file answers. */
  readonly systemProxy?: SystemProxy | undefined
  /** Where a package has put one: what installs new releases of Larder. */
  readonly installer?: InstallerDoor | undefined
}

/** Where a request came from: a program on this PC, or a window of the agent. */
export type Asker = 'program' | 'window'

/** What is known of a request beside what it asks for. */
export interface RequestFacts {
  /** Who chose the URL; the user by default. */
  readonly chooser?: Chooser | undefined
  /** Shown to people. */
  readonly askedBy?: AskedBy | undefined
}

export interface Log {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}

export interface AgentEvents {
  /** The state changed; at most ten times a second. */
  snapshot: [AgentSnapshot]
  event: [AgentEvent]
  /** A request changed; at most ten times a second per request, and always at its end. */
  request: [RequestView]
}

/** One running Larder, without any user interface. */
export interface Agent extends EventEmitter<AgentEvents> {
  readonly cache: Cache
  /** Contents as streams while they are still coming in. */
  readonly readings: Readings
  snapshot(): AgentSnapshot
  /** As a hub of others; empty when it is none. */
  hubMembers(): HubMemberView[]
  hubContents(): HubContentView[]
  /** How far this PC's clock is from those of origins asked recently. */
  clockSkews(): readonly ClockSkew[]
  /** What the server of a URL was found to do otherwise than HTTP has it. */
  originQuirks(url: string): readonly Quirk[]
  /** Newest events, oldest first, after `since` (a sequence number). At most 1,000 are kept. */
  events(since?: number): AgentEvent[]
  /**
   * Takes a request and acts at once. `asker`: a program, unless said otherwise.
   * @throws INTEGRATION_OFF, URL_INVALID, DIGEST_INVALID, DESTINATION_INVALID, … (what can be known now)
   */
  request(spec: RequestSpec, asker?: Asker, facts?: RequestFacts): RequestView
  /**
   * Asks again for what failed or was cancelled, with everything the first one had.
   * @throws NOT_FOUND, BAD_REQUEST when it did not fail, FORBIDDEN when the other sort of asker asked, and as `request`
   */
  retry(id: RequestId, asker?: Asker, facts?: Pick<RequestFacts, 'askedBy'>): RequestView
  /** @throws NOT_FOUND */
  requestView(id: RequestId): RequestView
  requests(): RequestView[]
  /**
   * Ended requests are listed no more, in later runs too; by its id one is still found until this run forgets it, so that a program
   * that is about to take its content can. `which`: all by default.
   * @returns how many @throws DISK_FULL, DESTINATION_UNWRITABLE when they would be listed again after a restart
   */
  clearEnded(which?: (id: RequestId) => boolean): Promise<number>
  /** Each is idempotent. `reason`: the program goes on without the agent, and why; that is a fallback. @throws NOT_FOUND */
  cancel(id: RequestId, reason?: ReasonCode): RequestView
  pause(id: RequestId): RequestView
  resume(id: RequestId): RequestView
  /** Where the API listens; shown in snapshots. */
  setApiPort(port: number | null): void
  /** Where the gateway listens; null: nowhere. */
  setGatewayPort(port: number | null): void
  /** The gateway has passed a question on to the origin, unseen by cache and peers. */
  noteBypass(url: string, why: string, field?: string): void
  /** Tells people of something beside the agent that does not work, as an event. */
  warn(text: string, facts?: { readonly code: ErrorCode }): void
  /** What the agent goes by, and the place where it is changed. */
  readonly settings: LiveSettings
  /** @throws SETTING_MANAGED when policy or command line decide it, SETTINGS_INVALID, SETTINGS_UNWRITABLE */
  setIntegration(enabled: boolean, change: Change): Promise<IntegrationState>
  /** Ends what is being served, gives peers nothing and is not a master; `untilWallMs` null: until it serves again. */
  stopServing(untilWallMs: number | null): void
  resumeServing(): void
  /** The pieces of a running transfer, as `PieceLetters` of the contract. @throws NOT_FOUND */
  pieces(key: ContentKey): string
  /** All transfers are paused. */
  readonly paused: boolean
  /** A person pauses all transfers, through restarts too; `untilWallMs` null: until resumed. */
  pauseAll(untilWallMs: number | null): void
  /** A person lets everything go on, whoever has paused it. */
  resumeAll(): void
  /** Pauses all transfers for one reason; they are paused while any reason holds. Idempotent. */
  holdPause(reason: PauseReason, untilWallMs: number | null): void
  /** The reason is gone. */
  releasePause(reason: PauseReason): void
  /** Other rate settings, until restart; what is not named stays as it is. @throws SETTING_MANAGED */
  setRates(rates: Partial<Settings['rates']>): void
  rates(): RatesAnswer
  /** The last minutes second by second. */
  trafficHistory(): TrafficHistory
  /** One content of the cache, and whom it was served to. @throws NOT_FOUND */
  content(sha256: Sha256Hex): CacheEntryDetail
  /** Other limits, until restart; what is not named stays as it is. @throws SETTING_MANAGED */
  setCacheLimits(limits: Partial<CacheLimits>): Promise<void>
  /** Moves the cache to another folder at the next start. @throws SETTING_MANAGED, BAD_REQUEST, CACHE_UNUSABLE */
  relocateCache(dir: string): Promise<void>
  /** Getting contents before anybody asks. */
  readonly precache: Precache
  /** Looks for a new release of Larder now. @throws UPDATES_UNAVAILABLE */
  lookForUpdate(): void
  /** Network or power changed. */
  refresh(): void
  start(): Promise<void>
  /** Ends everything in reverse order, within `limitMs`: what takes longer is named in the log and left. Verified pieces stay. Idempotent. */
  stop(limitMs?: number): Promise<void>
}

/** @see createAgent in `create-agent.ts` */
export type CreateAgent = (config: AgentConfig, host: AgentHost) => Agent
