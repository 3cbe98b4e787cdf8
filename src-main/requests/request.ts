import { randomBytes } from 'node:crypto'
import type { CachedContent } from '../cache/cache.ts'
import type { Checked } from '../cache/provenance.ts'
import { RequestId, type ContentKey, type Sha256Hex } from '../contract/ids.ts'
import type { Priority, ReasonCode, RequestSpec, RequestView, SourceSplit, WaitingFor } from '../contract/request.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { MachineRun } from '../lib/machine-run.ts'
import type { Interest } from '../transfers/interests.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { SlotTicket } from '../transfers/origin-slots.ts'
import type { JoinedTransfer, KnownVersion, Supply } from '../transfers/supply.ts'
import type { Membership, Transfers } from '../transfers/transfers.ts'
import type { CachedCheck } from '../transfers/verify/cached-check.ts'
import { sourceOf } from '../transfers/verify/source-facts.ts'
import { chooseRoute, type FoundRoute } from './choose-route.ts'
import type { DestinationsInUse } from '../placing/destinations-in-use.ts'
import { Delivery } from './delivery.ts'
import { downloadToCache, downloadToFile, type DirectJob } from './direct-download.ts'
import { HeldDownload } from './held-download.ts'
import {
  newRequest,
  step,
  toldState,
  waitsFor,
  type Again,
  type Ending,
  type Outcome,
  type RequestEffect,
  type RequestEvent,
  type RequestState,
  type Route
} from './request-machine.ts'
import { RequestNews } from './request-news.ts'
import { RequestRecord } from './request-record.ts'
import type { RequestTarget } from './request-target.ts'
import { whyPrivate } from './why-private.ts'
import type { SharedDownloads } from './shared-downloads.ts'
import type { VersionCheck } from './version-check.ts'

export interface RequestParts {
  readonly world: TransferWorld
  readonly transfers: Transfers
  readonly versions: VersionCheck
  readonly cachedCheck: CachedCheck
  readonly destinations: DestinationsInUse
  readonly downloads: SharedDownloads
  /** What a view shows has changed. */
  readonly changed: (request: LocalRequest) => void
  /** The origin's word from a moment ago; good for one try. */
  readonly known?: KnownVersion | undefined
  readonly wantedBytes?: number | undefined
  /** Everything is paused when it is made. */
  readonly paused: boolean
}

/**
 * One ask of a program on this PC, from its URL to the delivered file. What it does next is decided in `request-machine.ts`; here
 * it is done, and what comes of it goes back there as an event.
 */
export class LocalRequest implements Interest {
  readonly id = RequestId.parse(`r-${randomBytes(10).toString('hex')}`)
  readonly deadlineMs: number
  readonly #spec: RequestSpec
  readonly #target: RequestTarget
  readonly #expected: Sha256Hex | null
  readonly #parts: RequestParts
  readonly #world: TransferWorld
  readonly #supply = Promise.withResolvers<Supply>()
  readonly #ended = Promise.withResolvers<void>()
  readonly #abort = new AbortController()
  readonly #deadline: Timer
  readonly #record: RequestRecord
  readonly #news: RequestNews
  readonly #machine: MachineRun<RequestState, RequestEvent, RequestEffect>
  #known: KnownVersion | undefined
  /** The version whose bytes were other ones the last time. */
  #changed: ContentKey | null = null
  #route: FoundRoute | null = null
  /** The question for the version. */
  #asking = new AbortController()
  #download = new HeldDownload()
  readonly #delivering = new AbortController()
  #delivery: Delivery | null = null
  #membership: Membership | null = null
  #ticket: SlotTicket | null = null
  #endView: RequestView | null = null

  constructor(spec: RequestSpec, target: RequestTarget, expected: Sha256Hex | null, parts: RequestParts) {
    this.#spec = spec
    this.#target = target
    this.#expected = expected
    this.#parts = parts
    this.#world = parts.world
    this.#known = parts.known
    const first = newRequest(spec.destination !== undefined, parts.paused)
    this.#machine = new MachineRun(first, step, (effect) => this.#perform(effect))
    this.#supply.promise.catch(() => {})
    const { clock } = this.#world
    this.#record = new RequestRecord(this.#world)
    this.#news = new RequestNews(this.id, target.url, parts.world.emit)
    const timeoutMs = spec.timeoutMs ?? this.#world.settings.transfers.timeoutMs
    this.deadlineMs = this.#record.createdMs + timeoutMs
    this.#deadline = clock.after(timeoutMs, () =>
      this.cancel(new LarderError('TIMEOUT', `Not finished within ${Math.round(timeoutMs / 1000)} s`, { timeoutMs }))
    )
    if (parts.paused) this.#record.addReason('paused')
  }

  get priority(): Priority {
    return this.#spec.priority
  }

  get final(): boolean {
    return this.#machine.state.phase.at === 'ended'
  }

  get paused(): boolean {
    return this.#machine.state.paused
  }

  /** It has a place in the line for a slot. */
  get inLine(): boolean {
    return this.#waits()?.what === 'slot'
  }

  get finishedMs(): number | null {
    return this.#record.finishedMs
  }

  /** Where its bytes can be read while it runs; rejected with the request's error when it ends before. */
  get supply(): Promise<Supply> {
    return this.#supply.promise
  }

  /** Aborted when it fails or is cancelled. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Bytes that came for this request alone, past any transfer. */
  get ownSplit(): Readonly<Pick<SourceSplit, 'originBytes' | 'cacheBytes'>> {
    return this.#record.ownSplit
  }

  /** Begins. @returns settles, never rejected, once it has ended and nothing of it runs any more */
  run(): Promise<void> {
    this.#machine.happened({ e: 'started' })
    return this.#ended.promise
  }

  cancel(error = new LarderError('CANCELLED', 'Cancelled')): void {
    this.#machine.happened({ e: 'stopped', error })
  }

  pause(): void {
    this.#machine.happened({ e: 'paused' })
  }

  resume(): void {
    this.#machine.happened({ e: 'resumed' })
  }

  /** Once it has ended always the same object: nobody has to look into it again. */
  view(): RequestView {
    if (this.#endView) return this.#endView
    const view = this.#record.view(this.id, this.#target.url, this.#spec, {
      state: toldState(this.#machine.state, this.#record.transfer?.waitingFor ?? null),
      waitingFor: this.#waits()
    })
    if (this.final) this.#endView = view
    return view
  }

  joined(transfer: JoinedTransfer): void {
    this.#record.transfer = transfer
    this.#supply.resolve({ from: 'transfer', transfer })
    this.#delivery?.follow(transfer)
    this.#machine.happened({ e: 'joined' })
  }

  transferChanged(): void {
    this.#record.followTransfer()
    this.#tell()
  }

  transferDone(content: CachedContent): void {
    try {
      const outcome = this.#outcomeOf(content, this.#record.key)
      this.#machine.happened({ e: 'transferDone', outcome })
    } catch (error) {
      this.transferFailed(LarderError.from(error))
    }
  }

  transferFailed(error: LarderError): void {
    this.#machine.happened({ e: 'transferFailed', error })
  }

  noteReason(code: ReasonCode): void {
    if (this.#record.addReason(code)) this.#tell()
  }

  #waits(): WaitingFor | null {
    return waitsFor(this.#machine.state, this.#record.transfer?.waitingFor ?? null, this.#ticket?.ahead ?? null)
  }

  #perform(effect: RequestEffect): void {
    switch (effect.do) {
      case 'prepare':
        return this.#report(this.#prepare(), (outcome) => ({ e: 'prepared', outcome }), 'versionFailed')
      case 'askVersion':
        return this.#report(
          this.#askVersion(effect.because),
          (route) => ({ e: 'versionFound', route }),
          'versionFailed'
        )
      case 'abortVersion':
        return this.#asking.abort()
      case 'join':
        if (this.#route?.by === 'transfer') this.#membership = this.#parts.transfers.join(this.#route.init, this)
        return
      case 'tellTransfer':
        return this.#membership?.changed()
      case 'leave':
        this.#record.leaveTransfer()
        this.#membership?.leave()
        this.#membership = null
        return
      case 'enterLine':
        this.#ticket = this.#world.originSlots.enter(this.#spec.priority, () =>
          this.#machine.happened({ e: 'slotGranted' })
        )
        return
      case 'leaveLine':
        this.#ticket?.leave()
        this.#ticket = null
        return
      case 'startDirect':
        return this.#report(this.#downloadDirectly(), (outcome) => ({ e: 'directDone', outcome }), 'directFailed')
      case 'holdDirect':
        return this.#download.hold()
      case 'goOnDirect':
        return this.#download.goOn()
      case 'abortDirect':
        return this.#download.stop(effect.error)
      case 'obtained':
        return this.#obtained(effect.outcome, effect.fromCache)
      case 'deliver':
        return this.#report(
          this.#delivery!.put(effect.outcome, this.#delivering.signal),
          () => ({ e: 'delivered' }),
          'deliveryFailed'
        )
      case 'abortDelivery':
        return this.#delivering.abort(effect.error)
      case 'noteReason':
        return this.noteReason(effect.code)
      case 'tellChanged':
        return this.#tell()
      case 'end':
        return this.#end(effect.as, effect.error)
    }
  }

  /** What comes of work goes to the machine, whenever it does. */
  #report<T>(
    work: Promise<T>,
    done: (result: T) => RequestEvent,
    failed: 'versionFailed' | 'directFailed' | 'deliveryFailed'
  ): void {
    work.then(
      (result) => this.#machine.happened(done(result)),
      (error: unknown) => this.#machine.happened({ e: failed, error: LarderError.from(error) })
    )
  }

  async #prepare(): Promise<Outcome | null> {
    const { destination, overwrite } = this.#spec
    if (destination !== undefined)
      this.#delivery = await Delivery.prepare(this.#world, { destination, overwrite }, this.#parts.destinations)
    // It may have been cancelled meanwhile.
    if (this.final) void this.#delivery?.end()
    if (this.#expected === null) return null
    this.#world.recalls.assertNotRecalled(this.#expected)
    if (this.#target.private) return null
    // The digest names the bytes: no origin can have a later version of them.
    const known = this.#world.cache.find(this.#expected)
    return known ? this.#outcomeOf(known, null) : null
  }

  async #askVersion(because: Again | null): Promise<Route> {
    this.#asking = new AbortController()
    const known = this.#known
    this.#known = undefined
    if (because === 'ORIGIN_CHANGED') this.#news.originChanged()
    const changed = because === 'ORIGIN_CHANGED' ? this.#record.key : null
    // Once may be an origin that is being updated.
    const contradicted = changed === this.#changed ? changed : null
    this.#changed = changed
    const route = await chooseRoute({
      world: this.#world,
      versions: this.#parts.versions,
      cachedCheck: this.#parts.cachedCheck,
      lengths: this.#parts.transfers.lengths,
      spec: this.#spec,
      target: this.#target,
      expected: this.#expected,
      known,
      mayGoOn: !this.paused,
      pastCache: because === 'CACHE_TOO_SMALL',
      contradicted,
      signal: this.#asking.signal
    })
    this.#route = route
    switch (route.by) {
      case 'cache':
        this.#record.stale = route.stale
        this.#record.key = route.key ?? this.#record.key
        return { by: 'cache', outcome: this.#outcomeOf(route.content, route.foundBy) }
      case 'transfer':
        this.#record.key = route.init.key
        this.#record.lengthBytes = route.init.plan.lengthBytes
        await this.#delivery?.requireRoom(route.init.plan.lengthBytes).catch((error: unknown) => {
          this.#world.origin.release(route.init.version)
          throw error
        })
        return { by: 'transfer' }
      case 'whole':
        this.#record.key = route.key
        this.#record.lengthBytes = route.version.lengthBytes
        if (route.reason !== null) this.#record.addReason(route.reason)
        return { by: 'direct', to: 'cache' }
      case 'file':
        this.#record.lengthBytes = route.version.lengthBytes
        this.#record.addReason(route.tooLarge ? 'too-large' : whyPrivate(route.version, this.#target.private))
        return { by: 'direct', to: 'file' }
    }
  }

  async #downloadDirectly(): Promise<Outcome> {
    const route = this.#route
    if (route?.by !== 'whole' && route?.by !== 'file') throw new LarderError('INTERNAL', 'Nothing to download directly')
    this.#record.goDirect()
    this.#download = new HeldDownload()
    const job: DirectJob = {
      version: route.version,
      headers: this.#target.headers,
      expected: this.#expected ?? route.version.sha256,
      ...this.#download.job,
      priority: this.#spec.priority,
      received: (bytes) => {
        this.#record.receivedDirectly(bytes)
        this.#world.traffic.note('originBytes', bytes)
        this.#tell()
      },
      kept: (bytes) => {
        this.#record.keptDirectly(bytes)
        this.#tell()
      },
      discarded: (bytes) => this.#world.discarded?.(bytes)
    }
    const verifiedBy = job.expected === null ? 'origin' : 'digest'
    if (route.by === 'whole') {
      const checked: Checked = { verifiedBy, source: sourceOf(route.version, this.#world) }
      const { content, own } = await this.#parts.downloads.join(
        route.version,
        job.headers,
        job.expected,
        job.signal,
        () => downloadToCache(this.#world, job, route.stored, this.#spec.kind, checked)
      )
      job.signal.throwIfAborted()
      if (!own) this.#record.fromCache(content.plan.lengthBytes)
      this.#world.recalls.assertNotRecalled(content.sha256)
      return { sha256: content.sha256, lengthBytes: content.plan.lengthBytes, verifiedBy }
    }
    const sha256 = await downloadToFile(this.#world, job, route.destination, this.#spec.overwrite)
    return { sha256, lengthBytes: route.version.lengthBytes ?? this.ownSplit.originBytes, verifiedBy }
  }

  /** @param key under which it is known here; null: by the digest asked for. @throws CONTENT_RECALLED */
  #outcomeOf({ sha256, plan }: CachedContent, key: ContentKey | null): Outcome {
    this.#world.recalls.assertNotRecalled(sha256)
    const named = this.#expected !== null || key === null || key.startsWith('sha256:')
    const verifiedBy = named ? 'digest' : (this.#world.cache.provenance(key)?.verifiedBy ?? 'members')
    return { sha256, lengthBytes: plan.lengthBytes, verifiedBy }
  }

  #obtained(outcome: Outcome, fromCache: boolean): void {
    this.#record.outcome = outcome
    this.#record.lengthBytes = outcome.lengthBytes
    this.#supply.resolve({ from: 'cache', sha256: outcome.sha256 })
    if (!fromCache) return
    this.#record.fromCache(Math.min(outcome.lengthBytes, this.#parts.wantedBytes ?? Infinity))
    this.noteReason('cached')
    this.#world.cache.noteHit(outcome.sha256)
  }

  #end(as: Ending, error: LarderError | null): void {
    this.#deadline.cancel()
    const left = this.#delivery?.end()
    this.#record.end(error)
    if (error !== null) {
      this.#abort.abort(error)
      this.#supply.reject(error)
    }
    this.#tell()
    const { key, outcome, createdMs, finishedMs } = this.#record
    if (as !== 'done') this.#news.stopped(as, key, error!)
    else this.#news.done(key, { bytes: outcome!.lengthBytes, ms: Math.round(finishedMs! - createdMs) })
    this.#ended.resolve(left ?? undefined)
  }

  #tell(): void {
    this.#parts.changed(this)
    this.#world.changed()
  }
}
