import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import { askerText } from '../contract/asked-by.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { HubContentView, HubMemberView } from '../contract/hub-view.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import { isFinal } from '../contract/progress.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { ReasonCode, RequestSpec, RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState, PauseReason } from '../contract/snapshot.ts'
import type { TrafficHistory } from '../contract/traffic.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { LarderError } from '../lib/errors.ts'
import type { ClockSkew } from '../origin/origin.ts'
import type { Quirk } from '../origin/quirks.ts'
import type { Precache } from '../precache/precache.ts'
import type { Readings } from '../requests/reading.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import { valuesIn } from '../settings/setting-facts.ts'
import type { Change } from '../settings/write-setting.ts'
import type { Agent, AgentConfig, AgentEvents, AgentHost, Asker, RequestFacts } from './agent.ts'
import { AgentRun } from './agent-run.ts'
import { Asked, requireIntegration } from './asked.ts'
import { Bypasses } from './bypasses.ts'
import { contentDetail } from './cache-care.ts'
import { limitsOf } from './compose-agent.ts'
import { describePause, untilText } from './pause-texts.ts'
import { leftByProgram, ProgramFallbacks } from './program-fallbacks.ts'
import { composeSnapshot, requestViews } from './snapshot.ts'

/** All parts together end within this time, ms. */
const STOP_LIMIT_MS = 4000
/** Who changes something for this run when nobody else is named. */
const BY_API: Change = { by: 'local API' }

/** Makes an agent; nothing touches the world before `start`. */
export function createAgent(config: AgentConfig, host: AgentHost): Agent {
  return new ComposedAgent(config, host)
}

/** What programs and windows may ask of an agent, carried out by its parts. */
class ComposedAgent extends EventEmitter<AgentEvents> implements Agent {
  readonly settings: LiveSettings
  readonly #host: AgentHost
  readonly #name: string
  readonly #run: AgentRun
  readonly #asked = new Asked()
  readonly #fallbacks: ProgramFallbacks
  readonly #bypasses: Bypasses
  #apiPort: number | null = null
  #gatewayPort: number | null = null

  constructor(config: AgentConfig, host: AgentHost) {
    super()
    this.setMaxListeners(0)
    this.#host = host
    this.#name = config.name ?? hostname()
    this.settings =
      config.settings instanceof LiveSettings ? config.settings : settingsInMemory(config.settings, host.clock)
    this.#run = new AgentRun({
      dataDir: config.dataDir,
      name: this.#name,
      settings: this.settings,
      host,
      agent: this
    })
    this.#fallbacks = new ProgramFallbacks(this.#run.events)
    this.#bypasses = new Bypasses(host.clock, this.#run.events)
  }

  get cache(): Cache {
    return this.#run.parts.cache
  }

  get paused(): boolean {
    return this.#run.parts.pause.state !== null
  }

  get readings(): Readings {
    return this.#run.parts.readings
  }

  get precache(): Precache {
    return this.#run.parts.precache
  }

  async start(): Promise<void> {
    try {
      await this.#run.start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  stop(limitMs = STOP_LIMIT_MS): Promise<void> {
    return this.#run.stop(limitMs)
  }

  snapshot(): AgentSnapshot {
    return composeSnapshot(this.#run.parts, {
      name: this.#name,
      seq: this.#run.seq,
      wallMs: this.#host.clock.wallMs(),
      version: LARDER_VERSION,
      state: this.#run.state,
      startedAt: this.#run.startedWallMs,
      integration: this.settings.integration,
      apiPort: this.#apiPort,
      gatewayPort: this.#gatewayPort,
      fallbacks: this.#run.events.count('fallback'),
      bypassed: this.#bypasses.count,
      events: this.#run.events.since(0, 200)
    })
  }

  hubMembers(): HubMemberView[] {
    return this.#run.parts.hub.hub?.members() ?? []
  }

  hubContents(): HubContentView[] {
    return this.#run.parts.hub.hub?.contents() ?? []
  }

  clockSkews(): readonly ClockSkew[] {
    return this.#run.parts.origin.clockSkews()
  }

  originQuirks(url: string): readonly Quirk[] {
    return this.#run.parts.origin.quirks(url)
  }

  events(since = 0): AgentEvent[] {
    return this.#run.events.since(since)
  }

  request(spec: RequestSpec, asker: Asker = 'program', facts: RequestFacts = {}): RequestView {
    if (this.#run.state !== 'running') throw new LarderError('SHUTTING_DOWN', 'The agent is not running')
    requireIntegration(this.settings)
    const request = this.#run.parts.requests.add(spec, facts)
    this.#asked.note(request.id, spec, asker)
    const view = request.view()
    const { id: requestId, url, askedBy } = view
    const text = askedBy === null ? `Asked for ${url}` : `Asked for ${url} by ${askerText(askedBy)}`
    this.#run.events.add('requestAccepted', text, { requestId, url })
    return view
  }

  retry(id: RequestId, asker: Asker = 'program', facts: Pick<RequestFacts, 'askedBy'> = {}): RequestView {
    return this.request(this.#asked.again(this.requestView(id), asker), asker, facts)
  }

  requestView(id: RequestId): RequestView {
    const { requests, history } = this.#run.parts
    return history.find(id) ?? requests.get(id).view()
  }

  requests(): RequestView[] {
    return requestViews(this.#run.parts)
  }

  async clearEnded(which: (id: RequestId) => boolean = () => true): Promise<number> {
    const { requests, history } = this.#run.parts
    const ended = new Set(
      this.requests()
        .filter((view) => isFinal(view) && which(view.id))
        .map(({ id }) => id)
    )
    if (ended.size === 0) return 0
    requests.hide(ended)
    const kept = history.forget(ended)
    this.#run.changed()
    await kept
    return ended.size
  }

  cancel(id: RequestId, reason?: ReasonCode): RequestView {
    const request = this.#run.parts.requests.get(id)
    if (reason !== undefined) this.#fallbacks.tell(request, reason)
    request.cancel(reason && leftByProgram(reason))
    return request.view()
  }

  pause(id: RequestId): RequestView {
    const request = this.#run.parts.requests.get(id)
    request.pause()
    return request.view()
  }

  resume(id: RequestId): RequestView {
    const request = this.#run.parts.requests.get(id)
    request.resume()
    return request.view()
  }

  setApiPort(port: number | null): void {
    this.#apiPort = port
    this.#run.changed()
  }

  setGatewayPort(port: number | null): void {
    this.#gatewayPort = port
    this.#run.changed()
  }

  noteBypass(url: string, why: string, field?: string): void {
    this.#bypasses.note(url, why, field)
    this.#run.changed()
  }

  warn(text: string, facts?: { readonly code: ErrorCode }): void {
    this.#run.events.add('warning', text, facts)
  }

  async setIntegration(enabled: boolean, change: Change): Promise<IntegrationState> {
    // The first to turn it off stays the one to ask.
    if (this.settings.integration.enabled !== enabled || this.settings.integration.managedBy !== null)
      await this.settings.set('integration.enabled', enabled, change)
    return this.settings.integration
  }

  pauseAll(untilWallMs: number | null): void {
    this.holdPause('person', untilWallMs)
  }

  resumeAll(): void {
    this.#run.parts.pause.resume()
  }

  holdPause(reason: PauseReason, untilWallMs: number | null): void {
    const { pause } = this.#run.parts
    const before = JSON.stringify(pause.state)
    pause.hold(reason, untilWallMs)
    if (JSON.stringify(pause.state) !== before)
      this.#run.events.add('transfersPaused', describePause(reason, untilWallMs))
  }

  releasePause(reason: PauseReason): void {
    this.#run.parts.pause.release(reason)
    this.#run.changed()
  }

  setRates(rates: Partial<Settings['rates']>): void {
    this.settings.setForThisRun(valuesIn('rates', rates), BY_API)
  }

  trafficHistory(): TrafficHistory {
    return { points: this.#run.parts.traffic.points() }
  }

  rates(): RatesAnswer {
    const { rates } = this.#run.parts
    return { ...rates.view(), table: rates.table() }
  }

  content(sha256: Sha256Hex): CacheEntryDetail {
    const { cache, network } = this.#run.parts
    return contentDetail(cache, network, sha256)
  }

  async setCacheLimits(limits: Partial<CacheLimits>): Promise<void> {
    const { cache } = this.#run.parts
    this.settings.setForThisRun(valuesIn('cache', limits), BY_API)
    // They are in force already; the caller wants to know what came of it.
    await cache.setLimits(limitsOf(this.settings.current))
  }

  async relocateCache(dir: string): Promise<void> {
    this.settings.requireOpen(['cache.dir'])
    await this.#run.parts.place.relocate(dir)
    this.#run.changed()
  }

  stopServing(untilWallMs: number | null): void {
    const { serving, network, transfers } = this.#run.parts
    serving.stop(untilWallMs)
    this.#run.tellWeight()
    transfers.setServing(false)
    network.abortUploads()
    this.#run.events.add('servingStopped', `This PC serves nobody ${untilText(untilWallMs)}.`)
  }

  resumeServing(): void {
    const parts = this.#run.startedParts
    if (!parts?.serving.resume()) return
    this.#run.tellWeight()
    parts.transfers.setServing(true)
    this.#run.events.add('servingResumed', 'This PC serves its peers again.')
  }

  pieces(key: ContentKey): string {
    const transfer = this.#run.parts.transfers.get(key)
    if (!transfer) throw new LarderError('NOT_FOUND', 'There is no running transfer of this content', { key })
    return transfer.pieces
  }

  lookForUpdate(): void {
    const { updates } = this.#run.parts
    if (!updates || !this.settings.current.updates.enabled)
      throw new LarderError(
        'UPDATES_UNAVAILABLE',
        updates ? 'updates.enabled is off' : 'No package has put something there that installs releases'
      )
    updates.look()
  }

  refresh(): void {
    const { network, machine } = this.#run.parts
    machine.refresh()
    network.refresh()
  }
}
