import { z } from 'zod'
import {
  VerifyView,
  type CacheLimitsSpec,
  type CacheListing,
  type CacheQueryInput,
  type ClearView,
  type LogView,
  type StatusView,
  type UiLinkView
} from '../contract/api.ts'
import type { CachePriority } from '../contract/cache-priority.ts'
import type { DoctorReport } from '../contract/doctor.ts'
import { ErrorView } from '../contract/errors.ts'
import { AgentEvent } from '../contract/events.ts'
import type { RequestId, Sha256Hex } from '../contract/ids.ts'
import type { AnswerOf, ApiOperationName, InputOf } from '../contract/operations/operations.ts'
import type { PrecacheItem, PrecacheView } from '../contract/precache.ts'
import type { RatesAnswer, RatesSpec } from '../contract/rates.ts'
import { type ReasonCode, RequestView, type RequestSpecInput } from '../contract/request.ts'
import type { SettingDetails } from '../contract/setting-details.ts'
import {
  AgentSnapshot,
  type CacheEntryDetail,
  type CacheStats,
  type MasterView,
  type PeerView
} from '../contract/snapshot.ts'
import type { WhyView } from '../contract/why.ts'
import { LarderError } from '../lib/errors.ts'
import { AgentHttp, type CallArguments, type Cancellable } from './agent-http.ts'
import { findAgent, type DetectOptions, type Detection } from './detect.ts'

/** What {@link AgentConnection.stream} yields. */
export type AgentChange =
  | { readonly type: 'snapshot'; readonly snapshot: AgentSnapshot }
  | { readonly type: 'event'; readonly event: AgentEvent }

/**
 * Connects to the agent of this user. The integration may be off; then requests are refused and everything else works.
 * @throws AGENT_NOT_RUNNING, AGENT_UNSUPPORTED; BUSY when it runs and does not answer
 */
export async function connect(options: DetectOptions = {}): Promise<AgentConnection> {
  const { detection, address } = await findAgent(options)
  if (detection.state === 'unsupported')
    throw new LarderError('AGENT_UNSUPPORTED', detection.why, {
      version: detection.version,
      apiVersion: detection.apiVersion
    })
  if (!address) throw new LarderError(detection.state === 'busy' ? 'BUSY' : 'AGENT_NOT_RUNNING', detection.why)
  return new AgentConnection(new AgentHttp(address, options.program), detection, address.machine === true)
}

/** Typed calls of the local API: {@link call} for any operation, and the common ones by their own names. Every call throws the agent's errors, or AGENT_NOT_RUNNING when it is gone. */
export class AgentConnection {
  readonly #http: AgentHttp
  /** What was found when connecting. */
  readonly detection: Detection
  /** It serves all users of the PC: it writes no file for them, and shows each only what is theirs. */
  readonly machine: boolean

  constructor(http: AgentHttp, detection: Detection, machine = false) {
    this.#http = http
    this.detection = detection
    this.machine = machine
  }

  /** Any operation of the local API, as `larder` documents it in OpenAPI: `call('cache.pin', { sha256 })`. */
  call<N extends ApiOperationName>(name: N, ...rest: CallArguments<N>): Promise<AnswerOf<N>> {
    return this.#http.call(name, ...rest)
  }

  /** Asks for a URL. @throws INTEGRATION_OFF, URL_INVALID, DIGEST_INVALID, DESTINATION_INVALID, … */
  request(spec: RequestSpecInput, options: Cancellable = {}): Promise<RequestView> {
    return this.call('request.start', { spec }, options)
  }

  async requests(): Promise<RequestView[]> {
    return (await this.call('request.list')).requests
  }

  requestView(id: RequestId, options: Cancellable = {}): Promise<RequestView> {
    return this.call('request.get', { id }, options)
  }

  /** The request now and at each change, to its end. Ends without a final state when the agent stops. */
  async *watch(id: RequestId, options: Cancellable = {}): AsyncGenerator<RequestView> {
    for await (const { event, data } of this.#http.stream('request.watch', { id }, options))
      if (event === 'request') yield understand(RequestView, data)
  }

  /** @param reason why the caller goes on without the agent; told as a fallback */
  cancel(
    id: RequestId,
    { reason, ...options }: Cancellable & { readonly reason?: ReasonCode } = {}
  ): Promise<RequestView> {
    return this.call('request.cancel', { id, ...(reason !== undefined && { reason }) }, options)
  }

  pause(id: RequestId): Promise<RequestView> {
    return this.call('request.pause', { id })
  }

  resume(id: RequestId): Promise<RequestView> {
    return this.call('request.resume', { id })
  }

  /** Bytes of a finished request, as long as the cache keeps them. The caller checks length and digest. @throws NOT_FOUND, BUSY */
  async content(id: RequestId, options: Cancellable = {}): Promise<ReadableStream<Uint8Array>> {
    const { Readable } = await import('node:stream')
    return Readable.toWeb(await this.#http.bytes('request.content', { id }, options)) as ReadableStream<Uint8Array>
  }

  snapshot(): Promise<AgentSnapshot> {
    return this.call('agent.snapshot')
  }

  /** Snapshots as they change and events as they happen, until the signal or the agent ends it. */
  async *stream(options: Cancellable = {}): AsyncGenerator<AgentChange> {
    for await (const { event, data } of this.#http.stream('agent.stream', {}, options)) {
      if (event === 'snapshot') yield { type: 'snapshot', snapshot: understand(AgentSnapshot, data) }
      else if (event === 'event') yield { type: 'event', event: understand(AgentEvent, data) }
    }
  }

  status(): Promise<StatusView> {
    return this.call('agent.status')
  }

  async peers(): Promise<PeerView[]> {
    return (await this.call('peer.list')).peers
  }

  async masters(): Promise<MasterView[]> {
    return (await this.call('master.list')).masters
  }

  /** What happened after the event with number `since`, oldest first. */
  async events(since = 0): Promise<AgentEvent[]> {
    return (await this.call('events.list', { since })).events
  }

  /** What happened after `since`, and what happens, until the signal or the agent ends it. */
  async *followEvents(options: Cancellable & { readonly since?: number } = {}): AsyncGenerator<AgentEvent> {
    const { since = 0, ...rest } = options
    for await (const { event, data } of this.#http.stream('events.list', { since }, rest))
      if (event === 'event') yield understand(AgentEvent, data)
  }

  /** Why downloads came from where they did. @throws NOT_FOUND */
  why(about: string): Promise<WhyView> {
    return this.call('why.explain', { about })
  }

  /** Has the agent look for a new release now; events tell what it finds. @throws UPDATES_UNAVAILABLE, RIGHT_MISSING */
  async lookForUpdate(): Promise<void> {
    await this.call('update.look')
  }

  /** Looks at everything this PC needs for sharing; takes some seconds. */
  doctor(): Promise<DoctorReport> {
    return this.call('agent.doctor')
  }

  log(): Promise<LogView> {
    return this.call('log.get')
  }

  /** Until the agent ends. */
  setLogLevel(level: LogView['level']): Promise<LogView> {
    return this.call('log.set', { level })
  }

  cache(query: CacheQueryInput = {}): Promise<CacheListing> {
    return this.call('cache.list', { query })
  }

  /** @returns bytes freed @throws NOT_FOUND, CACHE_BUSY */
  async removeContent(sha256: Sha256Hex): Promise<number> {
    return (await this.call('cache.remove', { sha256 })).bytes
  }

  /** One content of the cache, and whom it was served to. @throws NOT_FOUND */
  contentDetail(sha256: Sha256Hex): Promise<CacheEntryDetail> {
    return this.call('cache.content', { sha256 })
  }

  /** @param forMs null: until somebody unpins it. @returns when the pin ends, wall clock ms. @throws NOT_FOUND */
  async pin(sha256: Sha256Hex, pinned = true, forMs: number | null = null): Promise<number | null> {
    return (await this.call('cache.pin', { sha256, pinned, forMs })).until
  }

  /** @throws NOT_FOUND */
  async setPriority(sha256: Sha256Hex, priority: CachePriority): Promise<void> {
    await this.call('cache.priority', { sha256, priority })
  }

  /** Until the agent reads its settings again. */
  setCacheLimits(spec: CacheLimitsSpec): Promise<CacheStats> {
    return this.call('cache.limits', spec)
  }

  /** Where the cache is, and after a `dir` is given also where it moves to at the agent's next start. @throws BAD_REQUEST, CACHE_UNUSABLE */
  relocateCache(dir?: string): Promise<{ dir: string; next: string | null }> {
    return this.call('cache.relocate', { dir })
  }

  clearCache(options: { readonly pinnedToo?: boolean; readonly dryRun?: boolean } = {}): Promise<ClearView> {
    return this.call('cache.clear', options)
  }

  /** Compares every content with its digest; takes as long as reading the whole cache. */
  async verifyCache(
    options: Cancellable & { readonly onProgress?: (done: number, total: number) => void } = {}
  ): Promise<VerifyView> {
    const { onProgress, ...rest } = options
    for await (const { event, data } of this.#http.stream('cache.verify', {}, rest)) {
      if (event === 'result') return understand(VerifyView, data)
      if (event === 'error') throw LarderError.fromView(understand(ErrorView, data))
      if (event === 'progress') {
        const { done, total } = understand(z.object({ done: z.number(), total: z.number() }), data)
        onProgress?.(done, total)
      }
    }
    throw new LarderError('AGENT_NOT_RUNNING', 'The agent ended before the cache was verified')
  }

  /** Pauses all transfers, for 24 h by default. */
  pauseAll(spec: InputOf<'all.pause'> = {}): Promise<StatusView> {
    return this.call('all.pause', spec)
  }

  /** A link that opens the window in a browser, once. @throws NOT_FOUND when this agent serves no window */
  uiLink(): Promise<UiLinkView> {
    return this.call('ui.link')
  }

  resumeAll(): Promise<StatusView> {
    return this.call('all.resume')
  }

  precache(): Promise<PrecacheView> {
    return this.call('precache.get')
  }

  /** The list of the settings. @throws NOT_FOUND when none is set */
  async precacheItems(): Promise<PrecacheItem[]> {
    return (await this.call('precache.items')).items
  }

  /** Begins now; with nothing given with the list of the settings. @throws BUSY, NOT_FOUND, BAD_REQUEST */
  startPrecache(spec: { readonly items?: PrecacheItem[]; readonly list?: string } = {}): Promise<PrecacheView> {
    return this.call('precache.run', spec)
  }

  stopPrecache(): Promise<PrecacheView> {
    return this.call('precache.stop')
  }

  rates(): Promise<RatesAnswer> {
    return this.call('rates.get')
  }

  /** Until the agent reads its settings again; null lifts a cap. */
  setRates(spec: RatesSpec): Promise<RatesAnswer> {
    return this.call('rates.set', { rates: spec })
  }

  /** `by` and `reason` are shown to people. @throws SETTING_MANAGED */
  setIntegration(enabled: boolean, change: { readonly by: string; readonly reason?: string }): Promise<StatusView> {
    return this.call('integration.set', { enabled, ...change })
  }

  /** Every setting of the running agent, and what is wrong with the files it comes from. */
  settings(): Promise<AnswerOf<'settings.list'>> {
    return this.call('settings.list')
  }

  /** @throws NOT_FOUND, SETTING_MANAGED, SETTINGS_INVALID */
  setSetting(
    name: string,
    value: InputOf<'settings.set'>['value'],
    change: { readonly by: string; readonly reason?: string }
  ): Promise<SettingDetails> {
    return this.call('settings.set', { name, value, ...change })
  }

  /** @throws as {@link setSetting} */
  unsetSetting(name: string, change: { readonly by?: string; readonly reason?: string } = {}): Promise<SettingDetails> {
    return this.call('settings.unset', { name, ...change })
  }
}

function understand<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  throw new LarderError('AGENT_UNSUPPORTED', 'The agent sent a message that this program does not understand', {
    field: parsed.error.issues[0]?.path.join('.') ?? ''
  })
}
