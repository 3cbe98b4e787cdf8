import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { Agent, AgentConfig, AgentEvents, AgentHost, Asker, RequestFacts } from '../agent/agent.ts'
import { Asked, requireIntegration } from '../agent/asked.ts'
import { hold, noPauses, pauseOf, release, resume, type Pauses } from '../agent/pauses.ts'
import { tellSettings } from '../agent/tell-settings.ts'
import { savingsOf } from '../agent/savings.ts'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import type { ContentKey, PeerId, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { PrecacheItem, PrecacheReport, PrecacheView } from '../contract/precache.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { TrafficHistory } from '../contract/traffic.ts'
import {
  finalRequestStates,
  reasonTexts,
  type ReasonCode,
  type RequestSpec,
  type RequestView
} from '../contract/request.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState, PauseReason } from '../contract/snapshot.ts'
import type { Settings } from '../contract/settings.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import { LarderError } from '../lib/errors.ts'
import { parseIntegrity } from '../origin/integrity.ts'
import type { Precache } from '../precache/precache.ts'
import { resolveTarget } from '../requests/request-target.ts'
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
  readonly #hidden = new Set<RequestId>()
  readonly #events: AgentEvent[] = []
  readonly #asked = new Asked()
  /** Requests that were made during a pause: what begins them. */
  readonly #held = new Map<RequestId, () => void>()
  #snapshot: AgentSnapshot
  #limits: Partial<CacheLimits> = {}
  #unfollow = (): void => {}

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
      hub: { hubs: [], serving: null },
      peers: [],
      masters: [],
      transfers: [],
      requests: [],
      uploads: [],
      cacheNext: null,
      precache: nothingToPrecache,
      cache: this.cacheDouble.stats(),
      traffic: { originBytes: 0, peerBytes: 0, servedBytes: 0 },
      totals: {
        originBytes: 0,
        peerBytes: 0,
        cacheBytes: 0,
        servedBytes: 0,
        sampledBytes: 0,
        verified: { digest: 0, origin: 0, sample: 0, members: 0 },
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
      precache: this.precache.view(),
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

  request(spec: RequestSpec, asker: Asker = 'program', { askedBy }: RequestFacts = {}): RequestView {
    if (this.#snapshot.state !== 'running') throw new LarderError('SHUTTING_DOWN', 'The agent is not running')
    requireIntegration(this.settings)
    const { url } = resolveTarget(spec.url, spec.headers, this.settings.current.backgroundChannel.url)
    if (spec.integrity !== undefined) parseIntegrity(spec.integrity)
    if (spec.destination !== undefined && !isAbsolute(spec.destination))
      throw new LarderError('DESTINATION_INVALID', `Not an absolute path: ${spec.destination}`)
    this.specs.push(spec)
    const at = this.host.clock.wallMs()
    const view: RequestView = {
      id: `r-${hex(8)}` as RequestId,
      url,
      kind: spec.kind,
      priority: spec.priority,
      destination: spec.destination ?? null,
      askedBy: askedBy ?? null,
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
      verifiedBy: null,
      reasons: [],
      error: null,
      createdAt: at,
      finishedAt: null,
      firstByteMs: null,
      elapsedMs: 0
    }
    this.#requests.set(view.id, view)
    this.#asked.note(view.id, spec, asker)
    this.happen('requestAccepted', `Asked for ${url}`, { requestId: view.id, url })
    const begin = () => void setImmediate(() => this.onRequest?.(this.requestView(view.id), spec))
    if (!this.paused) {
      begin()
      return view
    }
    this.#held.set(view.id, begin)
    return this.pause(view.id)
  }

  retry(id: RequestId, asker: Asker = 'program', facts: RequestFacts = {}): RequestView {
    return this.request(this.#asked.again(this.requestView(id), asker), asker, facts)
  }

  requestView(id: RequestId): RequestView {
    const view = this.#requests.get(id)
    if (!view) throw new LarderError('NOT_FOUND', 'There is no such request', { id })
    return view
  }

  async clearEnded(which: (id: RequestId) => boolean = () => true): Promise<number> {
    const ended = this.requests().filter(({ id, state }) => finalRequestStates.includes(state) && which(id))
    for (const { id } of ended) this.#hidden.add(id)
    return ended.length
  }

  requests(): RequestView[] {
    return [...this.#requests.values()].filter(({ id }) => !this.#hidden.has(id))
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
    if (changes.state && finalRequestStates.includes(changes.state)) this.#tellEnd(view)
    return view
  }

  #tellEnd({ id, url, state, error, lengthBytes }: RequestView): void {
    if (state === 'done') this.happen('requestDone', `Finished ${url}`, { requestId: id, url, bytes: lengthBytes ?? 0 })
    else if (error?.code === 'SHUTTING_DOWN')
      this.happen('requestInterrupted', `Interrupted ${url}`, { requestId: id, url })
    else
      this.happen(state === 'cancelled' ? 'requestCancelled' : 'requestFailed', `Ended ${url}`, {
        requestId: id,
        url,
        ...(error && { code: error.code })
      })
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
          verifiedBy: null,
          sampledBytes: 0,
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
      finishedAt: this.host.clock.wallMs(),
      error: new LarderError('CANCELLED', 'The request was cancelled').toView()
    })
  }

  pause(id: RequestId): RequestView {
    const view = this.requestView(id)
    if (['paused', 'delivering', ...finalRequestStates].includes(view.state)) return view
    const at = this.host.clock.wallMs()
    const reasons = [...view.reasons, { code: 'paused' as const, text: reasonTexts.paused, at }]
    return this.update(id, { state: 'paused', reasons })
  }

  resume(id: RequestId): RequestView {
    const view = this.requestView(id)
    if (view.state !== 'paused') return view
    const waiting = this.update(id, { state: 'waiting' })
    this.#held.get(id)?.()
    this.#held.delete(id)
    return waiting
  }

  get readings(): Agent['readings'] {
    throw new LarderError('NOT_FOUND', 'The double has no streams')
  }

  setGatewayPort(port: number | null): void {
    this.change({ ports: { ...this.#snapshot.ports, gateway: port } })
  }

  noteBypass(): void {}

  warn(text: string, facts?: { readonly code: ErrorCode }): void {
    this.happen('warning', text, facts)
  }

  originQuirks(): [] {
    return []
  }

  hubMembers = () => []
  hubContents = () => []

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
    const { integration } = this.settings
    if (integration.enabled !== enabled || integration.managedBy !== null)
      await this.settings.set('integration.enabled', enabled, change)
    return this.settings.integration
  }

  #pauses = noPauses

  #pause(pauses: Pauses): void {
    this.#pauses = pauses
    const wasPaused = this.paused
    this.change({ paused: pauseOf(pauses) })
    if (this.paused === wasPaused) return
    for (const { id } of this.requests())
      if (wasPaused) this.resume(id)
      else this.pause(id)
    if (wasPaused) this.happen('transfersResumed', 'Transfers continue.')
  }

  pauseAll(until: number | null): void {
    this.holdPause('person', until)
  }

  resumeAll(): void {
    this.#pause(resume(this.#pauses))
  }

  holdPause(reason: PauseReason, until: number | null): void {
    this.#pause(hold(this.#pauses, reason, until))
    this.happen('transfersPaused', 'All transfers are paused.')
  }

  releasePause(reason: PauseReason): void {
    this.#pause(release(this.#pauses, reason))
  }

  stopServing(until: number | null): void {
    this.change({ servingStopped: { until }, weight: { ...this.#snapshot.weight, value: 0 } })
    this.happen('servingStopped', 'This PC serves nobody.')
  }

  resumeServing(): void {
    if (this.#snapshot.servingStopped === null) return
    this.change({ servingStopped: null, weight: { ...this.#snapshot.weight, value: 50 } })
    this.happen('servingResumed', 'This PC serves its peers again.')
  }

  pieces(key: string): string {
    if (!this.#snapshot.transfers.some((t) => t.key === key))
      throw new LarderError('NOT_FOUND', 'There is no running transfer of this content')
    return 'op.'.padEnd(this.#snapshot.transfers.find((t) => t.key === key)!.pieceCount, '.')
  }

  readonly precache = {
    items: async (): Promise<PrecacheItem[]> => {
      this.#requireList()
      return []
    },
    start: async (items?: readonly PrecacheItem[], list?: string) => {
      requireIntegration(this.settings)
      if (!items && list === undefined) this.#requireList()
      const at = this.host.clock.wallMs()
      const total = items?.length ?? 0
      this.#precached = {
        startedAt: at,
        endedAt: at,
        total,
        done: total,
        present: total,
        bytes: 0,
        failed: [],
        end: 'complete'
      }
      this.happen('precacheDone', 'Pre-caching has ended.')
    },
    stop: () => false,
    view: (): PrecacheView => {
      const { list } = this.settings.current.precache
      return { ...nothingToPrecache, ...(list !== null && { state: 'waiting', list }), last: this.#precached }
    }
  } as Partial<Precache> as Precache
  #precached: PrecacheReport | null = null

  #requireList(): void {
    if (this.settings.current.precache.list === null)
      throw new LarderError('BAD_REQUEST', 'No pre-cache list is set (precache.list)', { field: 'precache.list' })
  }

  /** What was set of rates and limits. */
  readonly changesMade: object[] = []

  setRates(rates: Partial<Settings['rates']>): void {
    this.settings.setForThisRun(valuesIn('rates', rates), { by: 'local API' })
    this.changesMade.push(rates)
    const { adaptive = this.#snapshot.rates.adaptive.enabled, ...caps } = rates
    const kept = this.#snapshot.rates
    const named = Object.fromEntries(Object.entries(caps).filter(([kind]) => kind in kept.caps))
    this.change({
      rates: { ...kept, caps: { ...kept.caps, ...named }, adaptive: { ...kept.adaptive, enabled: adaptive } }
    })
  }

  content(sha256: Sha256Hex): CacheEntryDetail {
    const detail = this.cacheDouble.detail(sha256)
    if (!detail) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
    return { ...detail.entry, servedTo: detail.servedTo.map((one) => ({ ...one, name: one.peer.slice(0, 8) })) }
  }

  async setCacheLimits(limits: Partial<CacheLimits>): Promise<void> {
    this.settings.setForThisRun(valuesIn('cache', limits), { by: 'local API' })
    this.changesMade.push(limits)
    const { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays } = this.settings.current.cache
    this.#limits = { ...this.#limits, ...limits }
    await this.cacheDouble.setLimits({ maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays, ...this.#limits })
    this.change({})
  }

  async relocateCache(dir: string): Promise<void> {
    this.settings.requireOpen(['cache.dir'])
    if (!isAbsolute(dir)) throw new LarderError('BAD_REQUEST', `${dir} is not an absolute path`, { field: 'dir' })
    this.change({ cacheNext: dir === this.cache.dir ? null : dir })
  }

  trafficHistory(): TrafficHistory {
    return { points: [] }
  }

  rates(): RatesAnswer {
    return { ...this.#snapshot.rates, table: { now: { day: 'mon', hour: 0 }, days: [] } }
  }

  lookForUpdate(): void {}

  refresh(): void {}

  async start(): Promise<void> {
    if (this.failStart) throw this.failStart
    statSync(this.config.dataDir)
    this.started++
    this.change({ state: 'running' })
    this.#unfollow = tellSettings(
      this.settings,
      (type, text, facts) => void this.happen(type, text, facts),
      () => this.change({})
    )
  }

  async stop(): Promise<void> {
    if (this.#snapshot.state === 'stopped') return
    this.stopped++
    this.change({ state: 'stopping' })
    this.#unfollow()
    for (const { id, state } of this.requests())
      if (!finalRequestStates.includes(state)) this.fail(id, new LarderError('SHUTTING_DOWN', 'The agent is stopping'))
    await this.cacheDouble.close()
    this.change({ state: 'stopped' })
  }
}
