import { randomBytes } from 'node:crypto'
import type { CachedContent, StoredVersion } from '../cache/cache.ts'
import { RequestId, type ContentKey, type Sha256Hex } from '../contract/ids.ts'
import type { ReasonCode, RequestSpec, RequestState, RequestView, SourceSplit } from '../contract/request.ts'
import type { Timer } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { contentKeyOf } from '../origin/content-key.ts'
import { mayServeStale } from '../origin/caching.ts'
import { wishOf } from '../origin/certificate-choice.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { planPieces } from '../pieces/plan.ts'
import { checkDestination } from './destination.ts'
import { downloadToCache, downloadToFile, type DirectJob } from './direct-download.ts'
import type { Interest } from '../transfers/interests.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { RequestRecord, type Outcome } from './request-record.ts'
import type { RequestTarget } from './request-target.ts'
import type { KnownVersion, Supply } from '../transfers/supply.ts'
import type { Transfers } from '../transfers/transfers.ts'
import { whyPrivate } from './why-private.ts'
import type { VersionCheck } from './version-check.ts'

/** A file that changes at the origin during the download is asked for anew so many times. */
const VERSION_TRIES = 4

/**
 * One ask of a program on this PC, from its URL to the delivered file. It ends by its limits in one of the final states of
 * {@link RequestState}.
 */
export class LocalRequest implements Interest {
  readonly id: RequestId
  readonly deadlineMs: number
  readonly #spec: RequestSpec
  readonly #target: RequestTarget
  readonly #expected: Sha256Hex | null
  readonly #world: TransferWorld
  readonly #transfers: Transfers
  readonly #versions: VersionCheck
  readonly #changed: (request: LocalRequest) => void
  readonly #supply = Promise.withResolvers<Supply>()
  readonly #wantedBytes: number | undefined
  readonly #abort = new AbortController()
  readonly #deadline: Timer
  readonly #record: RequestRecord

  /** The origin's word from a moment ago; good for one try. */
  #known: KnownVersion | undefined
  #paused: Promise<void> | null = null
  #unpause: (() => void) | null = null
  #endView: RequestView | null = null

  constructor(
    spec: RequestSpec,
    target: RequestTarget,
    expected: Sha256Hex | null,
    parts: {
      world: TransferWorld
      transfers: Transfers
      versions: VersionCheck
      changed: (request: LocalRequest) => void
      known?: KnownVersion | undefined
      wantedBytes?: number | undefined
    }
  ) {
    this.id = RequestId.parse(`r-${randomBytes(10).toString('hex')}`)
    this.#spec = spec
    this.#target = target
    this.#expected = expected
    this.#world = parts.world
    this.#transfers = parts.transfers
    this.#versions = parts.versions
    this.#changed = parts.changed
    this.#known = parts.known
    this.#wantedBytes = parts.wantedBytes
    this.#supply.promise.catch(() => {})
    const { clock } = this.#world
    this.#record = new RequestRecord(this.#world)
    const timeoutMs = spec.timeoutMs ?? this.#world.settings.transfers.timeoutMs
    this.deadlineMs = this.#record.createdMs + timeoutMs
    this.#deadline = clock.after(timeoutMs, () =>
      this.#abort.abort(
        new LarderError('TIMEOUT', `Not finished within ${Math.round(timeoutMs / 1000)} s`, { timeoutMs })
      )
    )
  }

  get priority() {
    return this.#spec.priority
  }

  get final(): boolean {
    return this.#record.final
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

  noteReason(code: ReasonCode): void {
    if (this.#record.addReason(code)) this.#tell()
  }

  /** Works until the end; never throws. */
  async run(): Promise<void> {
    try {
      const outcome = await this.#obtain()
      this.#record.outcome = outcome
      this.#supply.resolve({ from: 'cache', sha256: outcome.sha256 })
      await this.#deliver(outcome)
      this.#end('done', null)
      this.#world.emit('requestDone', `Finished ${this.#target.url}`, {
        ...this.#facts(),
        bytes: outcome.lengthBytes,
        ms: Math.round(this.#record.finishedMs! - this.#record.createdMs)
      })
    } catch (thrown) {
      const error = LarderError.from(this.#abort.signal.aborted ? this.#abort.signal.reason : thrown)
      const cancelled = error.code === 'CANCELLED'
      this.#supply.reject(error)
      this.#end(cancelled ? 'cancelled' : 'failed', error)
      const text = cancelled
        ? `Cancelled ${this.#target.url}`
        : `Failed ${this.#target.url}: ${error.message}`.slice(0, 1000)
      this.#world.emit(cancelled ? 'requestCancelled' : 'requestFailed', text, { ...this.#facts(), code: error.code })
    }
  }

  cancel(reason = new LarderError('CANCELLED', 'Cancelled')): void {
    if (!this.final) this.#abort.abort(reason)
  }

  pause(): void {
    if (this.final || this.#paused !== null || this.#record.state === 'delivering') return
    this.#paused = new Promise((resolve) => (this.#unpause = resolve))
    this.noteReason('paused')
    this.#pauseTransferIfAlone()
    this.#setState('paused')
  }

  resume(): void {
    if (this.#paused === null) return
    this.#paused = null
    this.#unpause?.()
    this.#unpause = null
    this.#record.transfer?.resume()
    this.#setState(this.#record.transfer ? 'active' : 'waiting')
  }

  /** Once it has ended always the same object: nobody has to look into it again. */
  view(): RequestView {
    if (this.#endView) return this.#endView
    const view = this.#record.view(this.id, this.#target.url, this.#spec)
    if (this.final) this.#endView = view
    return view
  }

  /** Gets the latest version into the cache (or, when private, to its destination). */
  async #obtain(): Promise<Outcome> {
    const { cache } = this.#world
    if (this.#spec.destination !== undefined) await checkDestination(this.#spec.destination)
    if (this.#expected !== null && !this.#target.private) {
      // The digest names the bytes: no origin can have a later version of them.
      const known = cache.find(this.#expected)
      if (known) return this.#fromCache(known)
    }
    for (let tries = 1; ; tries++) {
      try {
        return await this.#obtainVersion()
      } catch (error) {
        if (!hasCode(error, 'ORIGIN_CHANGED') || tries === VERSION_TRIES || this.#abort.signal.aborted) throw error
        this.#world.emit(
          'originChanged',
          `${this.#target.url} changed at the origin during the download; starting over with the new version.`,
          { requestId: this.id, url: this.#target.url, code: 'ORIGIN_CHANGED' }
        )
        this.#leaveTransfer()
      }
    }
  }

  async #obtainVersion(): Promise<Outcome> {
    this.#setState('checking')
    const { cache } = this.#world
    const stored = this.#target.private ? undefined : cache.version(this.#target.url)
    const present = stored && this.#wanted(cache.findByKey(stored.key))
    const known = this.#known
    this.#known = undefined
    if (known?.status === 'stale' && present) {
      this.#record.stale = true
      return this.#fromCache(present)
    }
    let version: OriginVersion
    try {
      const asked = {
        stored: present ? stored : undefined,
        headers: this.#target.headers,
        certificate: wishOf(this.#spec),
        private: this.#target.private,
        signal: this.#abort.signal
      }
      const answer =
        known?.status === 'version' || (known?.status === 'unchanged' && present)
          ? known
          : await this.#versions.check(this.#target.url, asked)
      if (answer.status === 'unchanged') {
        cache.confirm(this.#target.url, answer.policy)
        return this.#fromCache(present!)
      }
      version = answer.version
    } catch (error) {
      if (
        present &&
        this.#spec.allowStale &&
        hasCode(error, 'ORIGIN_UNREACHABLE', 'ORIGIN_STALLED', 'ORIGIN_STATUS') &&
        mayServeStale(stored.policy, this.#world.clock)
      ) {
        this.#record.stale = true
        return this.#fromCache(present)
      }
      throw error
    }
    this.#record.lengthBytes = version.lengthBytes
    await this.#paused
    if (this.#target.private || version.unshareable === 'private' || !version.storable)
      return this.#obtainPrivate(version)
    const key = version.unshareable === null ? contentKeyOf(version, this.#expected) : null
    this.#record.key = key
    const storedVersion = key && storedVersionOf(version, key, this.#world.clock.wallMs())
    if (key === null || storedVersion === null || version.lengthBytes === null)
      return this.#obtainWhole(version, storedVersion)
    const here = cache.findByKey(key)
    if (here) {
      cache.link(storedVersion, here.sha256)
      return this.#fromCache(here)
    }
    return this.#obtainShared(version, key, storedVersion, version.lengthBytes)
  }

  /** Bytes other than those asked for are of no use, even when the origin still calls them its latest version. */
  #wanted(content: CachedContent | undefined): CachedContent | undefined {
    return this.#expected === null || content?.sha256 === this.#expected ? content : undefined
  }

  async #obtainShared(
    version: OriginVersion,
    key: ContentKey,
    stored: StoredVersion,
    lengthBytes: number
  ): Promise<Outcome> {
    this.#setState('waiting')
    const transfer = await this.#transfers.join({
      key,
      plan: planPieces(lengthBytes),
      version,
      expected: this.#expected ?? version.sha256,
      stored,
      kind: this.#spec.kind,
      headers: this.#target.headers
    })
    this.#record.transfer = transfer
    transfer.attach(this)
    this.#supply.resolve({ from: 'transfer', transfer })
    const onChanged = () => this.#followTransfer()
    transfer.on('changed', onChanged)
    try {
      this.#abort.signal.throwIfAborted()
      this.#pauseTransferIfAlone()
      const content =
        transfer.content ??
        (await new Promise<CachedContent>((resolve, reject) => {
          transfer.once('done', resolve)
          transfer.once('failed', reject)
          this.#abort.signal.addEventListener('abort', () => reject(this.#abort.signal.reason as Error), { once: true })
          transfer.start()
        }))
      return { sha256: content.sha256, lengthBytes: content.plan.lengthBytes }
    } finally {
      transfer.off('changed', onChanged)
      this.#leaveTransfer()
    }
  }

  /** No length or no version: from start to end, not shared while it runs. */
  async #obtainWhole(version: OriginVersion, stored: StoredVersion | null): Promise<Outcome> {
    if (stored === null) this.noteReason('not-shareable')
    const content = await this.#inOriginQueue(() =>
      downloadToCache(this.#world, this.#directJob(version), stored, this.#spec.kind)
    )
    return { sha256: content.sha256, lengthBytes: content.plan.lengthBytes }
  }

  async #obtainPrivate(version: OriginVersion): Promise<Outcome> {
    this.noteReason(whyPrivate(version, this.#target.private))
    const { destination, overwrite } = this.#spec
    if (destination === undefined)
      throw new LarderError(
        'DESTINATION_INVALID',
        'This content is private and is never cached; name a destination file'
      )
    const sha256 = await this.#inOriginQueue(() =>
      downloadToFile(this.#world, this.#directJob(version), destination, overwrite)
    )
    return { sha256, lengthBytes: this.ownSplit.originBytes }
  }

  async #inOriginQueue<T>(work: () => Promise<T>): Promise<T> {
    this.#setState('waiting')
    this.#record.goDirect()
    const granted = Promise.withResolvers<void>()
    this.#abort.signal.addEventListener('abort', () => granted.resolve(), { once: true })
    const ticket = this.#world.originSlots.enter(this.#spec.priority, () => granted.resolve())
    this.#record.ticket = ticket
    try {
      await granted.promise
      this.#abort.signal.throwIfAborted()
      this.#setState('active')
      return await work()
    } finally {
      ticket.leave()
      this.#record.ticket = null
    }
  }

  #directJob(version: OriginVersion): DirectJob {
    return {
      version,
      headers: this.#target.headers,
      expected: this.#expected ?? version.sha256,
      signal: this.#abort.signal,
      priority: this.#spec.priority,
      whileAllowed: () => this.#paused,
      received: (bytes) => {
        this.#record.receivedDirectly(bytes)
        this.#tell()
      }
    }
  }

  #fromCache(content: CachedContent): Outcome {
    this.#record.lengthBytes = content.plan.lengthBytes
    this.#record.fromCache(Math.min(content.plan.lengthBytes, this.#wantedBytes ?? Infinity))
    this.#supply.resolve({ from: 'cache', sha256: content.sha256 })
    this.noteReason('cached')
    this.#world.cache.noteHit(content.sha256)
    return { sha256: content.sha256, lengthBytes: content.plan.lengthBytes }
  }

  async #deliver(outcome: Outcome): Promise<void> {
    this.#record.lengthBytes = outcome.lengthBytes
    const { destination, overwrite } = this.#spec
    if (destination === undefined || this.#record.isPrivate) return
    this.#setState('delivering')
    await this.#world.cache.deliver(outcome.sha256, destination, { overwrite })
  }

  #followTransfer(): void {
    if (!this.#record.transfer || this.final) return
    this.#record.followTransfer()
    this.#tell()
  }

  #leaveTransfer(): void {
    const { transfer } = this.#record
    if (!transfer) return
    this.#record.leaveTransfer()
    transfer.detach(this)
    void this.#transfers.abandon(transfer)
  }

  #pauseTransferIfAlone(): void {
    if (this.#paused !== null && this.#record.transfer?.interested === 1) this.#record.transfer.pause()
  }

  #setState(state: RequestState): void {
    this.#record.moveTo(state, this.#paused !== null)
    this.#tell()
  }

  #end(state: 'done' | 'failed' | 'cancelled', error: LarderError | null): void {
    this.#deadline.cancel()
    this.#paused = null
    this.#record.end(state, error)
    this.#tell()
  }

  /** What its events are about. */
  #facts(): { requestId: RequestId; url: string; key?: ContentKey } {
    const { key } = this.#record
    return { requestId: this.id, url: this.#target.url, ...(key ? { key } : {}) }
  }

  #tell(): void {
    this.#changed(this)
    this.#world.changed()
  }
}

function storedVersionOf(version: OriginVersion, key: ContentKey, wallMs: number): StoredVersion {
  return {
    url: version.url,
    key,
    etag: version.etag,
    lastModified: version.lastModified,
    lengthBytes: version.lengthBytes ?? 0,
    policy: version.policy,
    confirmedAt: wallMs
  }
}
