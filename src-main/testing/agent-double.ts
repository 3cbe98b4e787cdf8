import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import type { Agent, AgentConfig, AgentEvents, AgentHost, Asker } from '../agent/agent.ts'
import { Asked, requireIntegration } from '../agent/asked.ts'
import { hold, noPauses, pauseOf, release, resume, type Pauses } from '../agent/pauses.ts'
import { savingsOf } from '../agent/savings.ts'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import type { ContentKey, PeerId, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { PrecacheItem, PrecacheView } from '../contract/precache.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import { finalRequestStates, type ReasonCode, type RequestSpec, type RequestView } from '../contract/request.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState, PauseReason } from '../contract/snapshot.ts'
import type { Settings } from '../contract/settings.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import { LarderError } from '../lib/errors.ts'
import type { Precache } from '../precache/precache.ts'
import { valuesIn } from '../settings/setting-facts.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import type { Change } from '../settings/write-setting.ts'
import { CacheDouble } from './cache/cache-double.ts'

const hex = (bytes: number) => randomBytes(bytes).toString('hex')

/** What a request in this state waits for, unless a test says otherwise. */
function waitingIn(state: RequestView['state']): RequestView['waitingFor'] {
  const waits = { checking: 'version', waiting: 'election', paused: 'resume' } as const
  return state in waits ? { what: waits[state as keyof typeof waits], ahead: null } : null
}

const nothingToPrecache: PrecacheView = {
  state: 'off',
  list: null,
  why: 'No list is set.',
  nextAt: null,
  running: null,
  last: null
}

/**
 * An agent without network: requests move only when the test moves them, or at once by {@link AgentDouble.onRequest}.
 * For tests of what stands above the agent.
 */
export class AgentDouble extends EventEmitter<AgentEvents> implements Agent {
  readonly config: AgentConfig
  readonly settings: LiveSettings
  readonly host: AgentHost
  readonly cacheDouble: CacheDouble
  readonly cache: Cache
  readonly specs: RequestSpec[] = []
  /** What happens to a new request; runs after `request` has returned. */
  onRequest: ((view: RequestView, spec: RequestSpec) => void) | undefined
  failStart: Error | undefined
  started = 0
  stopped = 0
  readonly #requests = new Map<RequestId, RequestView>()
  readonly #events: AgentEvent[] = []
  readonly #asked = new Asked()
  #snapshot: AgentSnapshot

  constructor(config: AgentConfig, host: AgentHost) {
    super()
    this.setMaxListeners(0)
    this.config = config
    this.host = host
    this.cache = this.cacheDouble = new CacheDouble(host.clock)
    this.settings =
      config.settings instanceof LiveSettings ? config.settings : settingsInMemory(config.settings, host.clock)
    const at = host.clock.wallMs()
    this.#snapshot = {
      agentId: hex(32) as PeerId,
      name: config.name ?? 'double',
      bootId: hex(8),
      seq: 1,
      at,
      version: LARDER_VERSION,
      apiVersion: API_VERSION,
      state: 'starting',
      startedAt: at,
      integration: this.settings.integration,
      paused: null,
      servingStopped: null,
      rates: {
        caps: { wanForeground: null, wanBackground: null, lanForeground: null, lanBackground: null, upload: null },
        scheduled: false,
        adaptive: { enabled: false, targetMs: 60, origins: [] },
        uploads: { month: '2026-01', bytes: 0, limitBytes: null, allowed: true }
      },
      fleet: { member: false, via: 'none', tag: null },
      ports: { api: null, peer: this.settings.current.ports.peer, beacon: null },
      weight: { value: 50, why: 'is a desktop', machine: 'desktop, cable' },
      interfaces: [],
      peers: [],
      masters: [],
      transfers: [],
      requests: [],
      uploads: [],
      cacheNext: null,
      precache: nothingToPrecache,
      cache: this.cacheDouble.stats(),
      totals: {
        originBytes: 0,
        peerBytes: 0,
        cacheBytes: 0,
        servedBytes: 0,
        fallbacks: 0,
        bypassed: 0,
        discardedBytes: 0
      },
      savings: { today: savingsOf([]), days7: savingsOf([]), days28: savingsOf([]) },
      process: { pid: process.pid, eventLoopP99Ms: 0, rssBytes: 0, cpuSeconds: 0 },
      events: []
    }
  }

  snapshot(): AgentSnapshot {
    return {
      ...this.#snapshot,
      integration: this.settings.integration,
      requests: this.requests(),
      cache: this.cacheDouble.stats(),
      events: this.#events.slice(-200)
    }
  }

  /** Changes the snapshot and says so. */
  change(changes: Partial<AgentSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...changes, seq: this.#snapshot.seq + 1 }
    this.emit('snapshot', this.snapshot())
  }

  /** Lets something happen. */
  happen(type: AgentEventType, text: string, facts: Partial<AgentEvent> = {}): AgentEvent {
    const event: AgentEvent = { seq: this.#events.length + 1, at: this.host.clock.wallMs(), type, text, ...facts }
    this.#events.push(event)
    this.emit('event', event)
    return event
  }

  events(since = 0): AgentEvent[] {
    return this.#events.filter((event) => event.seq > since)
  }

  request(spec: RequestSpec, asker: Asker = 'program'): RequestView {
    requireIntegration(this.settings)
    if (!/^https?:\/\//.test(spec.url))
      throw new LarderError('URL_INVALID', `Not a URL: ${spec.url}`, { url: spec.url })
    this.specs.push(spec)
    const at = this.host.clock.wallMs()
    const view: RequestView = {
      id: `r-${hex(8)}` as RequestId,
      url: spec.url,
      kind: spec.kind,
      priority: spec.priority,
      destination: spec.destination ?? null,
      state: 'checking',
      waitingFor: waitingIn('checking'),
      key: null,
      sha256: null,
      lengthBytes: null,
      haveBytes: 0,
      arrivingBytes: 0,
      split: { originBytes: 0, peerBytes: 0, cacheBytes: 0 },
      rateBytesPerSecond: 0,
      role: 'none',
      master: null,
      masterName: null,
      stale: false,
      reasons: [],
      error: null,
      createdAt: at,
      finishedAt: null,
      firstByteMs: null,
      elapsedMs: 0
    }
    this.#requests.set(view.id, view)
    this.#asked.note(view.id, spec, asker)
    if (this.onRequest) setImmediate(() => this.onRequest?.(this.requestView(view.id), spec))
    return view
  }

  retry(id: RequestId, asker: Asker = 'program'): RequestView {
    return this.request(this.#asked.again(this.requestView(id), asker), asker)
  }

  requestView(id: RequestId): RequestView {
    const view = this.#requests.get(id)
    if (!view) throw new LarderError('NOT_FOUND', 'There is no such request', { id })
    return view
  }

  requests(): RequestView[] {
    return [...this.#requests.values()]
  }

  /** Moves a request. */
  update(id: RequestId, changes: Partial<RequestView>): RequestView {
    const view = {
      ...this.requestView(id),
      ...(changes.state && { waitingFor: waitingIn(changes.state) }),
      ...changes
    }
    this.#requests.set(id, view)
    this.emit('request', view)
    return view
  }

  /** Ends a request well: content into the cache, and to its destination. */
  finish(id: RequestId, data: Buffer, split?: RequestView['split']): RequestView {
    const view = this.requestView(id)
    const sha256 = this.cacheDouble.keep(data, view.url)
    if (view.destination !== null) writeFileSync(view.destination, data)
    return this.update(id, {
      state: 'done',
      sha256,
      lengthBytes: data.length,
      haveBytes: data.length,
      split: split ?? { originBytes: data.length, peerBytes: 0, cacheBytes: 0 },
      finishedAt: this.host.clock.wallMs()
    })
  }

  /** A transfer of that content runs from now on. */
  runTransfer(key: ContentKey): void {
    this.change({
      transfers: [
        ...this.#snapshot.transfers,
        {
          key,
          url: 'http://origin.test/file',
          lengthBytes: 3,
          haveBytes: 2,
          arrivingBytes: 0,
          pieceCount: 3,
          havePieces: 2,
          state: 'active',
          role: 'master',
          master: this.#snapshot.agentId,
          epoch: 1,
          split: { originBytes: 1, peerBytes: 1, cacheBytes: 0 },
          peers: [],
          rateBytesPerSecond: 0,
          requests: 1
        }
      ]
    })
  }

  fail(id: RequestId, error: LarderError): RequestView {
    return this.update(id, { state: 'failed', error: error.toView(), finishedAt: this.host.clock.wallMs() })
  }

  /** Why programs went on without it. */
  readonly fallbacks: ReasonCode[] = []

  cancel(id: RequestId, reason?: ReasonCode): RequestView {
    const view = this.requestView(id)
    if (reason !== undefined) this.fallbacks.push(reason)
    if (finalRequestStates.includes(view.state)) return view
    return this.update(id, {
      state: 'cancelled',
      error: new LarderError('CANCELLED', 'The request was cancelled').toView()
    })
  }

  pause(id: RequestId): RequestView {
    return this.update(id, { state: 'paused' })
  }

  resume(id: RequestId): RequestView {
    return this.update(id, { state: 'waiting' })
  }

  get readings(): Agent['readings'] {
    throw new LarderError('NOT_FOUND', 'The double has no streams')
  }

  setGatewayPort(): void {}

  noteBypass(): void {}

  warn(text: string): void {
    this.happen('warning', text)
  }

  clockSkews(): [] {
    return []
  }

  setApiPort(port: number | null): void {
    this.change({ ports: { ...this.#snapshot.ports, api: port } })
  }

  get paused(): boolean {
    return this.#snapshot.paused !== null
  }

  async setIntegration(enabled: boolean, change: Change): Promise<IntegrationState> {
    await this.settings.set('integration.enabled', enabled, change)
    this.change({ integration: this.settings.integration })
    this.happen('integrationChanged', `${change.by} turned the integration ${enabled ? 'on' : 'off'}`)
    return this.settings.integration
  }

  #pauses = noPauses

  #pause(pauses: Pauses): void {
    this.#pauses = pauses
    this.change({ paused: pauseOf(pauses) })
  }

  pauseAll(until: number | null): void {
    this.holdPause('person', until)
  }

  resumeAll(): void {
    this.#pause(resume(this.#pauses))
  }

  holdPause(reason: PauseReason, until: number | null): void {
    this.#pause(hold(this.#pauses, reason, until))
  }

  releasePause(reason: PauseReason): void {
    this.#pause(release(this.#pauses, reason))
  }

  stopServing(until: number | null): void {
    this.change({ servingStopped: { until } })
  }

  resumeServing(): void {
    this.change({ servingStopped: null })
  }

  pieces(key: string): string {
    if (!this.#snapshot.transfers.some((t) => t.key === key))
      throw new LarderError('NOT_FOUND', 'There is no running transfer of this content')
    return 'op.'
  }

  readonly precache = {
    items: async (): Promise<PrecacheItem[]> => [],
    start: async () => requireIntegration(this.settings),
    stop: () => false,
    view: () => nothingToPrecache
  } as unknown as Precache

  /** What was set of rates and limits. */
  readonly changesMade: object[] = []

  setRates(rates: Partial<Settings['rates']>): void {
    this.settings.setForThisRun(valuesIn('rates', rates), { by: 'local API' })
    this.changesMade.push(rates)
  }

  content(sha256: Sha256Hex): CacheEntryDetail {
    const entry = this.cacheDouble.list().entries.find((one) => one.sha256 === sha256)
    if (!entry) throw new LarderError('NOT_FOUND', 'This content is not in the cache')
    return { ...entry, servedTo: [] }
  }

  async setCacheLimits(limits: Partial<CacheLimits>): Promise<void> {
    this.settings.setForThisRun(valuesIn('cache', limits), { by: 'local API' })
    this.changesMade.push(limits)
  }

  async relocateCache(dir: string): Promise<void> {
    this.settings.requireOpen(['cache.dir'])
    this.change({ cacheNext: dir })
  }

  rates(): RatesAnswer {
    return { ...this.#snapshot.rates, table: { now: { day: 'mon', hour: 0 }, days: [] } }
  }

  refresh(): void {}

  async start(): Promise<void> {
    if (this.failStart) throw this.failStart
    statSync(this.config.dataDir)
    this.started++
    this.change({ state: 'running' })
  }

  async stop(): Promise<void> {
    if (this.#snapshot.state === 'stopped') return
    this.stopped++
    this.change({ state: 'stopped' })
  }
}
