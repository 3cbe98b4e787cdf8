import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import { GIVEN_UP_MS } from '../claims/claims.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { HubContentView, HubMemberView } from '../contract/hub-view.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { ReasonCode, RequestSpec, RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState, PauseReason } from '../contract/snapshot.ts'
import type { TrafficHistory } from '../contract/traffic.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { Chooser } from '../origin/address-policy.ts'
import { PartStack } from '../lib/part-stack.ts'
import type { ClockSkew } from '../origin/origin.ts'
import type { Quirk } from '../origin/quirks.ts'
import type { Precache } from '../precache/precache.ts'
import type { Readings } from '../requests/reading.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import { valuesIn } from '../settings/setting-facts.ts'
import type { Change } from '../settings/write-setting.ts'
import type { Agent, AgentConfig, AgentEvents, AgentHost, Asker } from './agent.ts'
import type { AgentParts } from './agent-parts.ts'
import { Asked, requireIntegration } from './asked.ts'
import { Bypasses } from './bypasses.ts'
import { contentDetail, moveIn } from './cache-care.ts'
import { composeAgent, limitsOf } from './compose-agent.ts'
import { EventLog } from './event-log.ts'
import type { History } from './history.ts'
import { logTrouble } from './log-trouble.ts'
import { describePause, untilText } from './pause-texts.ts'
import { leftByProgram, ProgramFallbacks } from './program-fallbacks.ts'
import { composeSnapshot, requestViews } from './snapshot.ts'

/** A snapshot is told at most so often. */
const SNAPSHOT_EVERY_MS = 100
/** All parts together end within so long, ms. */
const STOP_LIMIT_MS = 4000
/** Who changes something for this run when nobody else is named. */
const BY_API: Change = { by: 'local API' }

/** Makes an agent; nothing touches the world before `start`. */
export function createAgent(config: AgentConfig, host: AgentHost): Agent {
  return new ComposedAgent(config, host)
}

/** What programs and windows may ask of an agent, carried out by its parts. */
class ComposedAgent extends EventEmitter<AgentEvents> implements Agent {
  readonly #config: AgentConfig
  readonly #host: AgentHost
  readonly #name: string
  readonly settings: LiveSettings
  readonly #events: EventLog
  readonly #asked = new Asked()
  readonly #fallbacks: ProgramFallbacks
  readonly #bypasses: Bypasses
  readonly #stack: PartStack
  #parts: AgentParts | null = null
  #history: History | null = null
  #state: AgentSnapshot['state'] = 'starting'
  #startedWallMs: number
  #seq = 0
  #apiPort: number | null = null
  #gatewayPort: number | null = null
  #snapshotTimer: Timer | null = null
  #stopping: Promise<void> | null = null

  constructor(config: AgentConfig, host: AgentHost) {
    super()
    this.setMaxListeners(0)
    this.#config = config
    this.#host = host
    this.#name = config.name ?? hostname()
    this.settings =
      config.settings instanceof LiveSettings ? config.settings : settingsInMemory(config.settings, host.clock)
    this.#startedWallMs = host.clock.wallMs()
    this.#events = new EventLog(host.clock, (event) => this.#told(event))
    this.#fallbacks = new ProgramFallbacks(this.#events)
    this.#bypasses = new Bypasses(host.clock, this.#events)
    this.#stack = new PartStack(host.clock)
  }

  get cache(): Cache {
    return this.#running().cache
  }

  get paused(): boolean {
    return this.#running().pause.state !== null
  }

  get readings(): Readings {
    return this.#running().readings
  }

  get precache(): Precache {
    return this.#running().precache
  }

  async start(): Promise<void> {
    try {
      this.#parts = await this.#compose()
      this.#begin(this.#parts)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  stop(limitMs = STOP_LIMIT_MS): Promise<void> {
    return (this.#stopping ??= this.#takeDown(limitMs))
  }

  snapshot(): AgentSnapshot {
    return composeSnapshot(this.#running(), {
      name: this.#name,
      seq: this.#seq,
      wallMs: this.#host.clock.wallMs(),
      version: LARDER_VERSION,
      state: this.#state,
      startedAt: this.#startedWallMs,
      integration: this.settings.integration,
      apiPort: this.#apiPort,
      gatewayPort: this.#gatewayPort,
      fallbacks: this.#events.count('fallback'),
      bypassed: this.#bypasses.count,
      events: this.#events.since(0, 200)
    })
  }

  hubMembers(): HubMemberView[] {
    return this.#running().hub.hub?.members() ?? []
  }

  hubContents(): HubContentView[] {
    return this.#running().hub.hub?.contents() ?? []
  }

  clockSkews(): readonly ClockSkew[] {
    return this.#running().origin.clockSkews()
  }

  originQuirks(url: string): readonly Quirk[] {
    return this.#running().origin.quirks(url)
  }

  events(since = 0): AgentEvent[] {
    return this.#events.since(since)
  }

  request(spec: RequestSpec, asker: Asker = 'program', chooser?: Chooser): RequestView {
    if (this.#state !== 'running') throw new LarderError('SHUTTING_DOWN', 'The agent is not running')
    requireIntegration(this.settings)
    const request = this.#running().requests.add(spec, { chooser })
    this.#asked.note(request.id, spec, asker)
    this.#events.add('requestAccepted', `Asked for ${request.view().url}`, {
      requestId: request.id,
      url: request.view().url
    })
    return request.view()
  }

  retry(id: RequestId, asker: Asker = 'program'): RequestView {
    return this.request(this.#asked.again(this.requestView(id), asker), asker)
  }

  requestView(id: RequestId): RequestView {
    const { requests, history } = this.#running()
    return history.find(id) ?? requests.get(id).view()
  }

  requests(): RequestView[] {
    return requestViews(this.#running())
  }

  cancel(id: RequestId, reason?: ReasonCode): RequestView {
    const request = this.#running().requests.get(id)
    if (reason !== undefined) this.#fallbacks.tell(request, reason)
    request.cancel(reason && leftByProgram(reason))
    return request.view()
  }

  pause(id: RequestId): RequestView {
    const request = this.#running().requests.get(id)
    request.pause()
    return request.view()
  }

  resume(id: RequestId): RequestView {
    const request = this.#running().requests.get(id)
    request.resume()
    return request.view()
  }

  setApiPort(port: number | null): void {
    this.#apiPort = port
    this.#changed()
  }

  setGatewayPort(port: number | null): void {
    this.#gatewayPort = port
    this.#changed()
  }

  noteBypass(url: string, why: string, field?: string): void {
    this.#bypasses.note(url, why, field)
    this.#changed()
  }

  warn(text: string, facts?: { readonly code: ErrorCode }): void {
    this.#events.add('warning', text, facts)
  }

  async setIntegration(enabled: boolean, change: Change): Promise<IntegrationState> {
    // Who turned it off first stays the one to be asked.
    if (this.settings.integration.enabled !== enabled || this.settings.integration.managedBy !== null)
      await this.settings.set('integration.enabled', enabled, change)
    return this.settings.integration
  }

  pauseAll(untilWallMs: number | null): void {
    this.holdPause('person', untilWallMs)
  }

  resumeAll(): void {
    this.#running().pause.resume()
  }

  holdPause(reason: PauseReason, untilWallMs: number | null): void {
    const { pause } = this.#running()
    const before = JSON.stringify(pause.state)
    pause.hold(reason, untilWallMs)
    if (JSON.stringify(pause.state) !== before) this.#events.add('transfersPaused', describePause(reason, untilWallMs))
  }

  releasePause(reason: PauseReason): void {
    this.#running().pause.release(reason)
    this.#changed()
  }

  setRates(rates: Partial<Settings['rates']>): void {
    this.settings.setForThisRun(valuesIn('rates', rates), BY_API)
  }

  trafficHistory(): TrafficHistory {
    return { points: this.#running().traffic.points() }
  }

  rates(): RatesAnswer {
    const { rates } = this.#running()
    return { ...rates.view(), table: rates.table() }
  }

  content(sha256: Sha256Hex): CacheEntryDetail {
    const { cache, network } = this.#running()
    return contentDetail(cache, network, sha256)
  }

  async setCacheLimits(limits: Partial<CacheLimits>): Promise<void> {
    const { cache } = this.#running()
    this.settings.setForThisRun(valuesIn('cache', limits), BY_API)
    // They are in force already; the caller wants to know what came of it.
    await cache.setLimits(limitsOf(this.settings.current))
  }

  async relocateCache(dir: string): Promise<void> {
    this.settings.requireOpen(['cache.dir'])
    await this.#running().place.relocate(dir)
    this.#changed()
  }

  stopServing(untilWallMs: number | null): void {
    const { serving, network, transfers } = this.#running()
    serving.stop(untilWallMs)
    this.#tellWeight()
    transfers.setServing(false)
    network.abortUploads()
    this.#events.add('servingStopped', `This PC serves nobody ${untilText(untilWallMs)}.`)
  }

  resumeServing(): void {
    if (!this.#parts?.serving.resume()) return
    this.#tellWeight()
    this.#parts.transfers.setServing(true)
    this.#events.add('servingResumed', 'This PC serves its peers again.')
  }

  pieces(key: ContentKey): string {
    const transfer = this.#running().transfers.get(key)
    if (!transfer) throw new LarderError('NOT_FOUND', 'There is no running transfer of this content', { key })
    return transfer.pieces
  }

  lookForUpdate(): void {
    const { updates } = this.#running()
    if (!updates || !this.settings.current.updates.enabled)
      throw new LarderError(
        'UPDATES_UNAVAILABLE',
        updates ? 'updates.enabled is off' : 'No package has put something there that installs releases'
      )
    updates.look()
  }

  refresh(): void {
    const { network, machine } = this.#running()
    machine.refresh()
    network.refresh()
  }

  #compose(): Promise<AgentParts> {
    return composeAgent({
      dataDir: this.#config.dataDir,
      name: this.#name,
      settings: this.settings,
      host: this.#host,
      events: this.#events,
      stack: this.#stack,
      agent: this,
      changed: () => this.#changed(),
      historyOpened: (history) => {
        this.#events.restore(history.formerEvents)
        this.#history = history
      },
      requestChanged: (view) => {
        this.#history?.noteRequest(view)
        this.emit('request', view)
      },
      woke: (ms) => this.#woke(ms),
      turnedPause: (paused) => this.#turnPause(paused),
      servingDue: () => this.resumeServing(),
      weightChanged: () => this.#tellWeight()
    })
  }

  /** Everything is there; what acts by itself begins. */
  #begin({ cache, place, pause, requests, precache, updates }: AgentParts): void {
    if (this.#stack.ended) throw new LarderError('SHUTTING_DOWN', 'The agent was stopped while it started')
    this.#state = 'running'
    if (pause.state !== null) requests.pauseAll()
    void moveIn(cache, place, this.#events)
    precache.begin()
    updates?.configure(this.settings.current.updates)
    this.#events.add('agentStarted', `Larder ${LARDER_VERSION} has started on ${this.#name}.`)
  }

  async #takeDown(limitMs: number): Promise<void> {
    this.#state = 'stopping'
    if (this.#parts) this.#events.add('agentStopping', 'Larder is stopping.')
    await this.#stack.end(limitMs, logTrouble(this.#host.log))
    this.#snapshotTimer?.cancel()
    this.#state = 'stopped'
  }

  /** It stood still for so long. */
  #woke(ms: number): void {
    if (this.#state !== 'running') return
    this.#running().claims.wokeUp()
    this.#running().hub.claims.wokeUp()
    if (ms >= GIVEN_UP_MS) this.refresh()
  }

  #turnPause(paused: boolean): void {
    if (!this.#parts) return
    const { requests } = this.#parts
    if (paused) return requests.pauseAll()
    requests.resumeAll()
    this.#events.add('transfersResumed', 'Transfers go on.')
  }

  #running(): AgentParts {
    if (!this.#parts) throw new LarderError('SHUTTING_DOWN', 'The agent has not been started')
    return this.#parts
  }

  #tellWeight(): void {
    const { machine, serving, claims, hub, network } = this.#running()
    const now = { weight: serving.weight.value, about: machine.weight.machine }
    claims.setMachine(now)
    hub.claims.setMachine(now)
    network.renewHello()
  }

  #told(event: AgentEvent): void {
    this.#host.log.info(
      {
        event: event.type,
        ...(event.code ? { code: event.code } : {}),
        ...(event.reason ? { reason: event.reason } : {})
      },
      event.text
    )
    this.#history?.noteEvent(event)
    this.emit('event', event)
    this.#changed()
  }

  #changed(): void {
    this.#seq++
    if (this.#snapshotTimer !== null || this.#state === 'stopped') return
    this.#snapshotTimer = this.#host.clock.after(SNAPSHOT_EVERY_MS, () => {
      this.#snapshotTimer = null
      if (this.listenerCount('snapshot') > 0) this.emit('snapshot', this.snapshot())
    })
  }
}
