import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import { openCache } from '../cache/open-cache.ts'
import { GIVEN_UP_MS } from '../claims/claims.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { RequestSpec, RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState } from '../contract/snapshot.ts'
import type { TrafficHistory } from '../contract/traffic.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { AwakeClock } from '../lib/awake-clock.ts'
import type { Timer } from '../lib/clock.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { localClock } from '../lib/local-time.ts'
import { connectProbe } from '../origin/connect-probe.ts'
import { lazyOriginClient } from '../origin/lazy-origin-client.ts'
import type { Chooser } from '../origin/address-policy.ts'
import type { ClockSkew } from '../origin/origin.ts'
import type { Precache } from '../precache/precache.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { BegunFiles } from '../placing/begun-files.ts'
import { Rates } from '../rates/rates.ts'
import { UploadCount } from '../rates/upload-count.ts'
import { namesIn } from '../settings/setting-facts.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import type { Change } from '../settings/write-setting.ts'
import type { Readings } from '../requests/reading.ts'
import type { Agent, AgentConfig, AgentEvents, AgentHost, Asker } from './agent.ts'
import type { AgentParts } from './agent-parts.ts'
import { Asked, requireIntegration } from './asked.ts'
import { contentDetail, moveIn, tellCacheEvents } from './cache-care.ts'
import { CachePlace } from './cache-place.ts'
import { EventLog } from './event-log.ts'
import { History } from './history.ts'
import { followSettings } from './follow-settings.ts'
import { MachineWatch, systemMachineProbes } from '../machine/machine-watch.ts'
import { openPeers, passOn, tellPeerEvents } from './open-peers.ts'
import { openPrecache } from './open-precache.ts'
import { openTransfers } from './open-transfers.ts'
import { PauseSwitch } from './pause-switch.ts'
import { SavingsMeter } from './savings.ts'
import { Serving } from './serving.ts'
import { byteTotals, composeSnapshot, requestViews } from './snapshot.ts'
import { VitalSigns } from './vital-signs.ts'
import { weightRulesOf } from '../machine/weigh-machine.ts'

/** A snapshot is told at most so often. */
const SNAPSHOT_EVERY_MS = 100

/** Makes an agent; nothing touches the world before `start`. */
export function createAgent(config: AgentConfig, host: AgentHost): Agent {
  return new ComposedAgent(config, host)
}

class ComposedAgent extends EventEmitter<AgentEvents> implements Agent {
  readonly #config: AgentConfig
  readonly #host: AgentHost
  readonly #name: string
  readonly settings: LiveSettings
  readonly #events: EventLog
  readonly #asked = new Asked()
  readonly #undo: (() => unknown)[] = []
  #parts: AgentParts | null = null
  #history: History | null = null
  #state: AgentSnapshot['state'] = 'starting'
  #startedWallMs: number
  #seq = 0
  #apiPort: number | null = null
  #gatewayPort: number | null = null
  #limits: CacheLimits
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
    this.#limits = limitsOf(this.settings.current)
    this.#startedWallMs = host.clock.wallMs()
    this.#events = new EventLog(host.clock, (event) => this.#told(event))
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
      await this.#compose()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#takeDown())
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
      events: this.#events.since(0, 200)
    })
  }

  clockSkews(): readonly ClockSkew[] {
    return this.#running().origin.clockSkews()
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

  cancel(id: RequestId): RequestView {
    const request = this.#running().requests.get(id)
    request.cancel()
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
    const { pause, requests } = this.#running()
    pause.pause(untilWallMs)
    requests.pauseAll()
    this.#events.add('transfersPaused', `All transfers are paused ${untilText(untilWallMs)}.`)
  }

  resumeAll(): void {
    if (this.#running().pause.resume()) this.#goOn()
  }

  setRates(rates: Partial<Settings['rates']>): void {
    this.settings.requireOpen(namesIn('rates', rates))
    this.#running().rates.configure(rates)
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
    this.settings.requireOpen(namesIn('cache', limits))
    await this.#applyLimits(limits)
  }

  async #applyLimits(limits: Partial<CacheLimits>): Promise<void> {
    this.#limits = { ...this.#limits, ...limits }
    await this.#running().cache.setLimits(this.#limits)
    this.#changed()
  }

  /** Limits from the settings, when they have changed. */
  #followLimits(): void {
    const limits = limitsOf(this.settings.current)
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return
    this.#applyLimits(limits).catch((error: unknown) =>
      this.#events.add('warning', `The limits of the cache could not be applied: ${LarderError.from(error).message}`)
    )
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

  refresh(): void {
    const { network, machine } = this.#running()
    machine.refresh()
    network.refresh()
  }

  /** Builds the layers from the bottom; each leaves behind how to take it down again. */
  async #compose(): Promise<void> {
    const { dataDir } = this.#config
    const { clock, env, log, timeZone, machine: probes = systemMachineProbes() } = this.#host
    const live = this.settings
    const settings = live.current
    const local = localClock(timeZone)
    const changed = () => this.#changed()
    // For whatever waits for others; what goes by the clock on the wall keeps the time of the machine.
    const awake = this.#own(new AwakeClock(clock, ({ ms }) => this.#woke(ms)), (a) => a.stop())
    const history = this.#own(await History.open(dataDir, clock), (h) => h.close())
    this.#events.restore(history.formerEvents)
    this.#history = history
    const pause = this.#own(await PauseSwitch.open(dataDir, clock, () => this.#goOn()), (p) => p.close())
    const uploads = this.#own(await UploadCount.open(join(dataDir, 'uploads.json'), clock, local), (u) => u.close())
    const rates = this.#own(
      new Rates({ clock, localClock: local, settings: settings.rates, uploads, probe: connectProbe, changed }),
      (r) => r.close()
    )
    const vitals = this.#own(new VitalSigns(), (v) => v.stop())
    const place = await CachePlace.open(dataDir, settings.cache.dir)
    const hashes = this.#own(createHashPool({ workers: 2 }), (h) => h.close())
    const cache = this.#own(await openCache({ ...settings.cache, dir: place.dir, clock, hashes }), (c) => c.close())
    const origin = this.#own(
      lazyOriginClient({
        clock: awake,
        settings: settings.origin,
        sharedAnyway: settings.sharing,
        env,
        userAgent: `larder/${LARDER_VERSION} (agent)`,
        rates
      }),
      (o) => o.close()
    )
    const buffers = this.#own(new PieceBuffers(clock), (b) => b.clear())
    const machine = this.#own(
      new MachineWatch(
        clock,
        probes,
        () => weightRulesOf(live.current),
        () => cache.stats().freeBytes
      ),
      (m) => m.stop()
    )
    await machine.start()
    const serving = new Serving({ clock, machine, rates }, () => this.resumeServing())
    const peers = await openPeers({
      dataDir,
      name: this.#name,
      settings,
      machine,
      serving,
      rates,
      buffers,
      clock: awake,
      log,
      shared: () => transfers
    })
    const { network, claims } = peers
    const begunFiles = await BegunFiles.open(dataPaths(dataDir).begunFiles)
    void begunFiles.sweep()
    const { transfers, requests, readings, originSlots, traffic } = openTransfers({
      clock: awake,
      settings: live,
      cache,
      origin,
      begunFiles,
      buffers,
      rates,
      serving,
      peers,
      changed,
      events: this.#events,
      requestChanged: (view) => {
        history.noteRequest(view)
        this.emit('request', view)
      }
    })
    const savings = this.#own(
      new SavingsMeter(clock, cache.savings, () => byteTotals({ requests, transfers, readings })),
      (s) => s.stop()
    )
    const precache = await openPrecache({
      agent: this,
      cache,
      origin,
      events: this.#events,
      clock,
      localClock: local,
      dataDir,
      settings: settings.precache,
      requireIntegration: () => requireIntegration(live),
      onBattery: () => machine.onBattery,
      changed
    })
    this.#parts = {
      history,
      traffic,
      precache,
      hashes,
      place,
      cache,
      origin,
      network,
      claims,
      transfers,
      requests,
      readings,
      pause,
      rates,
      vitals,
      machine,
      savings,
      serving
    }
    passOn(peers, transfers)
    tellPeerEvents(network, this.#events)
    tellCacheEvents(cache, this.#events)
    network.on('changed', changed)
    cache.on('changed', changed)
    claims.setMachine({ weight: machine.weight.value, about: machine.weight.machine })
    machine.on('changed', ({ value, why }) => {
      this.#tellWeight()
      this.#events.add('weightChanged', `The weight of this PC is ${value} now: it ${why}.`)
    })
    claims.start()
    this.#own(claims, (c) => c.stop())
    await network.start()
    this.#own(network, (n) => n.stop())
    this.#own(transfers, (t) => t.close())
    this.#own(requests, (r) => r.close())
    this.#own(precache, (p) => p.close())
    const apply = () => {
      const { transfers, rates: caps, precache: list } = live.current
      originSlots.count = transfers.originConcurrency
      rates.configure(caps)
      precache.configure(list)
      this.#followLimits()
      machine.refresh()
      changed()
    }
    this.#own(
      followSettings(live, { apply, tell: (type, text, facts) => this.#events.add(type, text, facts) }),
      (end) => end()
    )
    this.#own(serving, (s) => s.close())
    void moveIn(cache, place, this.#events)
    if (pause.state !== null) requests.pauseAll()
    this.#state = 'running'
    void precache.look()
    this.#events.add('agentStarted', `Larder ${LARDER_VERSION} has started on ${this.#name}.`)
  }

  #own<T>(part: T, undo: (part: T) => unknown): T {
    this.#undo.push(() => undo(part))
    return part
  }

  async #takeDown(): Promise<void> {
    this.#state = 'stopping'
    if (this.#parts) this.#events.add('agentStopping', 'Larder is stopping.')
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#host.log.warn({ error: LarderError.from(error).message }, 'a part did not stop cleanly')
      }
    }
    this.#snapshotTimer?.cancel()
    this.#state = 'stopped'
  }

  /** It stood still for so long. */
  #woke(ms: number): void {
    if (this.#state !== 'running') return
    this.#running().claims.wokeUp()
    if (ms >= GIVEN_UP_MS) this.refresh()
  }

  #goOn(): void {
    this.#parts?.requests.resumeAll()
    this.#events.add('transfersResumed', 'Transfers go on.')
  }

  #running(): AgentParts {
    if (!this.#parts) throw new LarderError('SHUTTING_DOWN', 'The agent has not been started')
    return this.#parts
  }

  #tellWeight(): void {
    const { machine, serving, claims, network } = this.#running()
    claims.setMachine({ weight: serving.weight.value, about: machine.weight.machine })
    network.renewHello()
  }

  #told(event: AgentEvent): void {
    this.#history?.noteEvent(event)
    this.#host.log.info(
      {
        event: event.type,
        ...(event.code ? { code: event.code } : {}),
        ...(event.reason ? { reason: event.reason } : {})
      },
      event.text
    )
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

const untilText = (wallMs: number | null): string =>
  wallMs === null ? 'until resumed' : `until ${new Date(wallMs).toISOString()}`
function limitsOf({ cache: { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays } }: Settings): CacheLimits {
  return { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays }
}
