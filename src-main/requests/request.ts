import { randomBytes } from 'node:crypto'
import type { CachedContent } from '../cache/cache.ts'
import { RequestId, type ContentKey, type Sha256Hex } from '../contract/ids.ts'
import type { Priority, ReasonCode, RequestSpec, RequestView, SourceSplit, WaitingFor } from '../contract/request.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { MachineRun } from '../lib/machine-run.ts'
import { hostOf } from '../origin/url.ts'
import type { Interest } from '../transfers/interests.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { SlotTicket } from '../transfers/origin-slots.ts'
import type { JoinedTransfer, Supply } from '../transfers/supply.ts'
import type { Membership, Transfers } from '../transfers/transfers.ts'
import type { FoundRoute } from './choose-route.ts'
import type { DestinationsInUse } from '../placing/destinations-in-use.ts'
import { Delivery } from './delivery.ts'
import { downloadAlone } from './download-alone.ts'
import { HeldDownload } from './held-download.ts'
import { outcomeOf } from './outcome-of.ts'
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
import type { SharedDownloads } from './shared-downloads.ts'
import { VersionQuestion, type QuestionParts } from './version-question.ts'

export interface RequestParts extends QuestionParts {
  readonly world: TransferWorld
  readonly transfers: Transfers
  readonly destinations: DestinationsInUse
  readonly downloads: SharedDownloads
  /** What a view shows has changed. */
  readonly changed: (request: LocalRequest) => void
  readonly wantedBytes?: number | undefined
  readonly askedBy?: RequestView['askedBy'] | undefined
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
  readonly #question: VersionQuestion
  #route: FoundRoute | null = null
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
    const first = newRequest(spec.destination !== undefined, parts.paused)
    this.#machine = new MachineRun(first, step, (effect) => this.#perform(effect))
    this.#supply.promise.catch(() => {})
    this.#question = new VersionQuestion({ spec, target, expected }, parts)
    this.#record = new RequestRecord(this.#world, parts.askedBy ?? null)
    this.#news = new RequestNews(this.id, target.url, parts.world.emit)
    const timeoutMs = spec.timeoutMs ?? this.#world.settings.transfers.timeoutMs
    this.deadlineMs = this.#record.createdMs + timeoutMs
    this.#deadline = this.#world.clock.after(timeoutMs, () =>
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
        return this.#question.abort()
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
        this.#ticket = this.#world.originSlots.enter(
          this.#spec.priority,
          () => this.#machine.happened({ e: 'slotGranted' }),
          { host: hostOf(this.#route && 'version' in this.#route ? this.#route.version.finalUrl : this.#target.url) }
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
    if (because === 'ORIGIN_CHANGED') this.#news.originChanged(this.#record)
    const route = await this.#question.ask(because, { key: this.#record.key, mayGoOn: !this.paused })
    this.#route = route
    this.#record.noteRoute(route, this.#target.private)
    switch (route.by) {
      case 'cache':
        return { by: 'cache', outcome: this.#outcomeOf(route.content, route.foundBy) }
      case 'transfer':
        await this.#delivery?.requireRoom(route.init.plan.lengthBytes).catch((error: unknown) => {
          this.#world.origin.release(route.init.version)
          throw error
        })
        return { by: 'transfer' }
      case 'whole':
        return { by: 'direct', to: 'cache' }
      case 'file':
        return { by: 'direct', to: 'file' }
    }
  }

  #downloadDirectly(): Promise<Outcome> {
    this.#download = new HeldDownload()
    return downloadAlone(this.#route, this.#download, {
      world: this.#world,
      downloads: this.#parts.downloads,
      spec: this.#spec,
      target: this.#target,
      expected: this.#expected,
      record: this.#record,
      came: () => this.#ticket?.received(),
      tell: () => this.#tell()
    })
  }

  #outcomeOf(content: CachedContent, key: ContentKey | null): Outcome {
    return outcomeOf(content, key, this.#expected, this.#world)
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
    this.#news.ended(as, this.#record, error)
    this.#ended.resolve(left ?? undefined)
  }

  #tell(): void {
    this.#parts.changed(this)
    this.#world.changed()
  }
}
