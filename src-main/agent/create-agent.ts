import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { join } from 'node:path'
import PQueue from 'p-queue'
import type { CacheLimits } from '../cache/cache-limits.ts'
import type { Cache } from '../cache/cache.ts'
import { openCache } from '../cache/open-cache.ts'
import { createClaims } from '../claims/claims-service.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { RatesAnswer } from '../contract/rates.ts'
import type { RequestSpec, RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { AgentSnapshot, CacheEntryDetail, IntegrationState } from '../contract/snapshot.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { localClock } from '../lib/local-time.ts'
import { connectProbe } from '../origin/connect-probe.ts'
import { lazyOriginClient } from '../origin/lazy-origin-client.ts'
import type { ClockSkew } from '../origin/origin.ts'
import { createPeerNetwork } from '../peers/create-network.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { Precache } from '../precache/precache.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { Rates } from '../rates/rates.ts'
import { UploadCount } from '../rates/upload-count.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import type { Change } from '../settings/write-setting.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { Readings } from '../transfers/reading.ts'
import { Requests } from '../transfers/requests.ts'
import { Transfers } from '../transfers/transfers.ts'
import { VersionCheck } from '../transfers/version-check.ts'
import type { Agent, AgentConfig, AgentEvents, AgentHost } from './agent.ts'
import type { AgentParts } from './agent-parts.ts'
import { contentDetail, moveIn, tellCacheEvents } from './cache-care.ts'
import { CachePlace } from './cache-place.ts'
import { NetworkClaimLink } from './claim-link.ts'
import { EventLog } from './event-log.ts'
import { followSettings } from './follow-settings.ts'
import { MachineWatch, systemMachineProbes } from './machine-watch.ts'
import { openPrecache } from './open-precache.ts'
import { PauseSwitch } from './pause-switch.ts'
import { SavingsMeter } from './savings.ts'
import { SleepWatch } from './sleep-watch.ts'
import { byteTotals, composeSnapshot } from './snapshot.ts'
import { TimedStop } from './timed-stop.ts'
import { VitalSigns } from './vital-signs.ts'

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
  readonly #undo: (() => unknown)[] = []
  readonly #noServing: TimedStop
  #parts: AgentParts | null = null
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
    this.settings = config.settings instanceof LiveSettings ? config.settings : settingsInMemory(config.settings, host.clock)
    this.#limits = limitsOf(this.settings.current)
    this.#startedWallMs = host.clock.wallMs()
    this.#events = new EventLog(host.clock, (event) => this.#told(event))
    this.#noServing = new TimedStop(host.clock, () => this.resumeServing())
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
      servingStopped: this.#noServing.state,
      apiPort: this.#apiPort,
      gatewayPort: this.#gatewayPort,
      weight: this.#weightOf(this.#running()),
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

  request(spec: RequestSpec): RequestView {
    if (this.#state !== 'running') throw new LarderError('SHUTTING_DOWN', 'The agent is not running')
    const request = this.#running().requests.add(spec)
    this.#events.add('requestAccepted', `Asked for ${request.view().url}`, { requestId: request.id, url: request.view().url })
    return request.view()
  }

  requestView(id: RequestId): RequestView {
    return this.#running().requests.get(id).view()
  }

  requests(): RequestView[] {
    return this.#running().requests.views()
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

  async setIntegration(enabled: boolean, change: Change): Promise<IntegrationState> {
    // Who turned it off first stays the one to be asked.
    if (this.settings.integration.enabled !== enabled || this.settings.integration.managedBy !== null) await this.settings.set('integration.enabled', enabled, change)
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
    this.#running().rates.configure(rates)
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
    this.#limits = { ...this.#limits, ...limits }
    await this.#running().cache.setLimits(this.#limits)
    this.#changed()
  }

  /** Limits from the settings, when they have changed. */
  #followLimits(): void {
    const limits = limitsOf(this.settings.current)
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return
    this.setCacheLimits(limits).catch((error: unknown) => this.#events.add('warning', `The limits of the cache could not be applied: ${LarderError.from(error).message}`))
  }

  async relocateCache(dir: string): Promise<void> {
    await this.#running().place.relocate(dir)
    this.#changed()
  }

  stopServing(untilWallMs: number | null): void {
    const parts = this.#running()
    const { network, transfers } = parts
    this.#noServing.begin(untilWallMs)
    this.#tellWeight(parts)
    transfers.setServing(false)
    network.abortUploads()
    this.#events.add('servingStopped', `This PC serves nobody ${untilText(untilWallMs)}.`)
  }

  resumeServing(): void {
    if (!this.#noServing.end()) return
    this.#tellWeight(this.#running())
    this.#running().transfers.setServing(true)
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
    const { clock, env, log, timeZone } = this.#host
    const live = this.settings
    const settings = live.current
    const local = localClock(timeZone)
    const pause = this.#own(await PauseSwitch.open(dataDir, clock, () => this.#goOn()), (p) => p.close())
    const uploads = this.#own(await UploadCount.open(join(dataDir, 'uploads.json'), clock, local), (u) => u.close())
    const rates = this.#own(new Rates({ clock, localClock: local, settings: settings.rates, uploads, probe: connectProbe, changed: () => this.#changed() }), (r) => r.close())
    const vitals = this.#own(new VitalSigns(), (v) => v.stop())
    const place = await CachePlace.open(dataDir, settings.cache.dir)
    const hashes = this.#own(createHashPool({ workers: 2 }), (h) => h.close())
    const cache = this.#own(
      await openCache({ ...settings.cache, dir: place.dir, clock, hashes }),
      (c) => c.close()
    )
    const origin = this.#own(lazyOriginClient({ clock, settings: settings.origin, env, userAgent: `larder/${LARDER_VERSION} (agent)`, rates }), (o) => o.close())
    const buffers = this.#own(new PieceBuffers(clock), (b) => b.clear())
    const machine = this.#own(this.#watchMachine(cache), (m) => m.stop())
    await machine.start()
    const network = await createPeerNetwork({
      dataDir,
      name: this.#name,
      version: LARDER_VERSION,
      weight: () => this.#weightOf({ machine, rates }).value,
      links: machine.links,
      settings: { fleet: settings.fleet, ports: settings.ports, discovery: settings.discovery, uploadSlots: settings.transfers.uploadSlots },
      clock,
      log,
      buffers,
      rates,
      source: { openServed: async (key) => (rates.mayUpload ? transfers.openServed(key) : undefined) }
    })
    const link = new NetworkClaimLink(network)
    const claims = createClaims({
      link,
      clock,
      // Who has no peers need not wait for them.
      settings: network.fleet().member ? settings.election : { ...settings.election, settleMs: 0 },
      holdings: (key) => (rates.mayUpload ? transfers.holdings(key) : undefined),
      nameOf: (id) => network.nameOf(id)
    })
    const world: TransferWorld = {
      clock,
      cache,
      origin,
      network,
      claims,
      buffers,
      get settings() {
        return live.current
      },
      originQueue: new PQueue({ concurrency: settings.transfers.originConcurrency }),
      weight: () => this.#weightOf({ machine, rates }).value,
      emit: (type, text, facts) => this.#events.add(type, text, facts),
      changed: () => this.#changed(),
      random: Math.random
    }
    const transfers = new Transfers(world, (bytes) => rates.noteUploaded(bytes))
    const requests = new Requests(world, transfers, (view) => this.emit('request', view))
    const readings = new Readings(world, requests, transfers, new VersionCheck(origin, clock))
    const savings = this.#own(new SavingsMeter(clock, cache.savings, () => byteTotals({ requests, transfers, readings })), (s) => s.stop())
    const precache = await openPrecache({ agent: this, cache, events: this.#events, clock, localClock: local, dataDir, settings: settings.precache, onBattery: () => machine.onBattery, changed: () => this.#changed() })
    this.#parts = { precache, hashes, place, cache, origin, network, claims, transfers, requests, readings, pause, rates, vitals, machine, savings }
    this.#listen(network, link, transfers, cache)
    claims.setMachine({ weight: machine.weight.value, about: machine.weight.machine })
    const parts = this.#parts
    machine.on('changed', ({ value, why }) => {
      this.#tellWeight(parts)
      this.#events.add('weightChanged', `The weight of this PC is ${value} now: it ${why}.`)
    })
    claims.start()
    this.#own(claims, (c) => c.stop())
    await network.start()
    this.#own(network, (n) => n.stop())
    this.#own(transfers, (t) => t.close())
    this.#own(requests, (r) => r.close())
    this.#own(precache, (p) => p.close())
    this.#own(new SleepWatch(clock, () => this.refresh()), (s) => s.stop())
    this.#own(
      followSettings(live, {
        apply: () => {
          const { transfers, rates: caps, precache: list } = live.current
          world.originQueue.concurrency = transfers.originConcurrency
          rates.configure(caps)
          precache.configure(list)
          this.#followLimits()
          machine.refresh()
          this.#changed()
        },
        tell: (type, text, facts) => this.#events.add(type, text, facts)
      }),
      (end) => end()
    )
    void moveIn(cache, place, this.#events)
    if (pause.state !== null) requests.pauseAll()
    this.#state = 'running'
    void precache.look()
    this.#events.add('agentStarted', `Larder ${LARDER_VERSION} has started on ${this.#name}.`)
  }

  #listen(network: PeerNetwork, link: NetworkClaimLink, transfers: Transfers, cache: Cache): void {
    network.on('message', (from, message) => {
      // The prefix of `t` says whose message it is; the rest is checked by its type.
      if (message.t.startsWith('claim.')) link.emit('message', from, message as Parameters<typeof link.send>[1])
      else transfers.handle(from, message as Parameters<typeof transfers.handle>[1])
    })
    network.on('connected', (peer) => {
      link.emit('joined', peer.id)
      const peerName = network.nameOf(peer.id)
      this.#events.add('peerConnected', `${peerName} is connected.`, { peer: peer.id, peerName })
    })
    network.on('lost', (peer, reason) => {
      transfers.memberLost(peer.id)
      link.emit('lost', peer.id)
      const peerName = network.nameOf(peer.id)
      this.#events.add('peerLost', `${peerName} is gone: ${reason}`, { peer: peer.id, peerName })
    })
    network.on('banned', (id, key) => link.emit('banned', id, key))
    network.on('refused', ({ address, id, reason }) => this.#events.add('peerRefused', `${address}: ${reason}`, id ? { peer: id } : {}))
    network.on('notice', (text) => this.#events.add('warning', text))
    network.on('changed', () => this.#changed())
    cache.on('changed', () => this.#changed())
    tellCacheEvents(cache, this.#events)
  }

  #own<T>(part: T, undo: (part: T) => unknown): T {
    this.#undo.push(() => undo(part))
    return part
  }

  async #takeDown(): Promise<void> {
    this.#state = 'stopping'
    if (this.#parts) this.#events.add('agentStopping', 'Larder is stopping.')
    this.#noServing.end()
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

  #goOn(): void {
    this.#parts?.requests.resumeAll()
    this.#events.add('transfersResumed', 'Transfers go on.')
  }

  #running(): AgentParts {
    if (!this.#parts) throw new LarderError('SHUTTING_DOWN', 'The agent has not been started')
    return this.#parts
  }

  /** Who serves nobody must not be master either. */
  #weightOf({ machine: { weight }, rates }: Pick<AgentParts, 'machine' | 'rates'>): MachineWatch['weight'] {
    if (this.#noServing.state !== null) return { ...weight, value: 0, why: 'serves nobody at the moment' }
    return rates.mayUpload ? weight : { ...weight, value: 0, why: 'has served as much as it may this month' }
  }

  #tellWeight(parts: AgentParts): void {
    const { machine, claims, network } = parts
    claims.setMachine({ weight: this.#weightOf(parts).value, about: machine.weight.machine })
    network.renewHello()
  }

  #watchMachine(cache: Cache): MachineWatch {
    const { clock, machine = systemMachineProbes() } = this.#host
    const rules = () => {
      const { election, discovery, cache } = this.settings.current
      const { allowVpn, allowMetered } = discovery
      return { configured: election.weight, minBatteryPercent: election.minBatteryPercent, allowVpn, allowMetered, minFreeBytes: cache.minFreeBytes }
    }
    return new MachineWatch(clock, machine, rules, () => cache.stats().freeBytes)
  }

  #told(event: AgentEvent): void {
    this.#host.log.info({ event: event.type, ...(event.code ? { code: event.code } : {}), ...(event.reason ? { reason: event.reason } : {}) }, event.text)
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

const untilText = (wallMs: number | null): string => (wallMs === null ? 'until resumed' : `until ${new Date(wallMs).toISOString()}`)
function limitsOf({ cache: { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays } }: Settings): CacheLimits {
  return { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays }
}

