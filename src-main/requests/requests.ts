import { isAbsolute } from 'node:path'
import type { AskedBy } from '../contract/asked-by.ts'
import type { RequestId, Sha256Hex } from '../contract/ids.ts'
import type { VerifiedBy } from '../contract/provenance.ts'
import type { Priority, RequestSpec, RequestView } from '../contract/request.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { Chooser } from '../origin/address-policy.ts'
import { parseIntegrity } from '../origin/integrity.ts'
import { digestInFragment } from '../origin/named-digests.ts'
import { DestinationsInUse } from '../placing/destinations-in-use.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { LocalRequest, type RequestParts } from './request.ts'
import { resolveTarget } from './request-target.ts'
import { SharedDownloads } from './shared-downloads.ts'
import { Teller } from './teller.ts'
import type { KnownVersion } from '../transfers/supply.ts'

/** Finished requests stay visible for this long, at most this many. */
const KEEP_FINISHED_MS = 3600_000
const KEEP_FINISHED = 500
const MAX_UNFINISHED = 10_000
/** Places in the line for a slot are told at most this often. */
const TELL_LINE_EVERY_MS = 500

/** What all requests work with. */
type SharedParts = Pick<RequestParts, 'world' | 'transfers' | 'versions' | 'cachedCheck'>

/** All requests of programs on this PC. */
export class Requests {
  readonly #world: TransferWorld
  readonly #parts: SharedParts
  readonly #destinations = new DestinationsInUse()
  readonly #downloads = new SharedDownloads()
  readonly #teller: Teller<LocalRequest>
  readonly #byId = new Map<RequestId, LocalRequest>()
  /** Ended, and listed no more. */
  readonly #hidden = new Set<RequestId>()
  readonly #running = new Set<Promise<void>>()
  /** Those that have ended, in the order of their ends. */
  readonly #finished = new Set<LocalRequest>()
  readonly #totals = { originBytes: 0, cacheBytes: 0 }
  readonly #verified: Record<VerifiedBy, number> = { digest: 0, origin: 0, sample: 0, members: 0 }
  #paused = false
  #lineTold: Timer | null = null

  constructor(parts: SharedParts, tell: (view: RequestView) => void) {
    this.#parts = parts
    this.#world = parts.world
    this.#teller = new Teller(parts.world.clock, (request) => tell(request.view()))
  }

  /**
   * Takes a request; it starts at once. `known`: the origin has just been asked. `wantedBytes`: so many of its bytes are wanted;
   * counted when they come from the cache. `chooser`: who chose the URL; the user by default.
   * @throws URL_INVALID, URL_SCHEME_UNSUPPORTED, BACKGROUND_CHANNEL_UNSET, DIGEST_INVALID, DESTINATION_INVALID, BUSY
   */
  add(
    spec: RequestSpec,
    {
      chooser,
      ...more
    }: {
      readonly known?: KnownVersion
      readonly wantedBytes?: number
      readonly chooser?: Chooser | undefined
      readonly askedBy?: AskedBy | undefined
    } = {}
  ): LocalRequest {
    if (this.#running.size >= MAX_UNFINISHED)
      throw new LarderError('BUSY', `${MAX_UNFINISHED} requests are waiting already`)
    const resolved = resolveTarget(spec.url, spec.headers, this.#world.settings.backgroundChannel.url)
    const target = chooser ? { ...resolved, chooser } : resolved
    const expected = expectedOf(spec)
    if (spec.destination !== undefined && !isAbsolute(spec.destination))
      throw new LarderError('DESTINATION_INVALID', `Not an absolute path: ${spec.destination.slice(0, 200)}`)
    const request = new LocalRequest(spec, target, expected, {
      ...this.#parts,
      destinations: this.#destinations,
      downloads: this.#downloads,
      changed: (r) => this.#teller.changed(r, r.final),
      paused: this.#paused,
      ...more
    })
    this.#byId.set(request.id, request)
    this.#forgetOld()
    const run = request.run().then(() => {
      this.#running.delete(run)
      this.#finished.add(request)
      this.#totals.originBytes += request.ownSplit.originBytes
      this.#totals.cacheBytes += request.ownSplit.cacheBytes
      const { state, verifiedBy } = request.view()
      if (state === 'done' && verifiedBy) this.#verified[verifiedBy]++
    })
    this.#running.add(run)
    return request
  }

  /** @throws NOT_FOUND */
  get(id: RequestId): LocalRequest {
    const request = this.#byId.get(id)
    if (!request) throw new LarderError('NOT_FOUND', `There is no request ${id}`)
    return request
  }

  views(): RequestView[] {
    return [...this.#byId.values()].filter(({ id }) => !this.#hidden.has(id)).map((r) => r.view())
  }

  /** Those of them that have ended are listed no more; by their ids they are still found. */
  hide(ids: ReadonlySet<RequestId>): void {
    for (const id of ids) if (this.#byId.get(id)?.final) this.#hidden.add(id)
  }

  /** Bytes of finished requests that went past transfers: whole from the cache, or private from the origin. */
  get totals(): Readonly<{ originBytes: number; cacheBytes: number }> {
    return this.#totals
  }

  /** Finished requests by what their bytes were verified by. */
  get verified(): Readonly<Record<VerifiedBy, number>> {
    return this.#verified
  }

  /** Unfinished requests of a priority, or all. */
  unfinished(priority?: Priority): LocalRequest[] {
    return [...this.#byId.values()].filter((r) => !r.final && (priority === undefined || r.priority === priority))
  }

  pauseAll(): void {
    this.#paused = true
    for (const r of this.unfinished()) r.pause()
  }

  resumeAll(): void {
    this.#paused = false
    for (const r of this.unfinished()) r.resume()
  }

  /** Ends everything that runs; verified pieces stay. */
  async close(): Promise<void> {
    const reason = new LarderError('SHUTTING_DOWN', 'The agent is stopping')
    for (const r of this.unfinished()) r.cancel(reason)
    await Promise.all(this.#running)
    this.#lineTold?.cancel()
  }

  /** Places in the line for a slot have changed. */
  lineMoved(): void {
    this.#lineTold ??= this.#world.clock.after(TELL_LINE_EVERY_MS, () => {
      this.#lineTold = null
      for (const request of this.unfinished()) if (request.inLine) this.#teller.changed(request, false)
    })
  }

  #forgetOld(): void {
    const oldMs = this.#world.clock.monotonicMs() - KEEP_FINISHED_MS
    for (const request of this.#finished) {
      if (this.#finished.size <= KEEP_FINISHED && request.finishedMs! >= oldMs) return
      this.#finished.delete(request)
      this.#byId.delete(request.id)
      this.#hidden.delete(request.id)
    }
  }
}

/** What the caller says of the bytes, beside the URL or in its fragment. @throws DIGEST_INVALID */
function expectedOf({ url, integrity }: RequestSpec): Sha256Hex | null {
  const named = digestInFragment(url)
  if (integrity === undefined) return named
  const expected = parseIntegrity(integrity)
  if (named !== null && named !== expected)
    throw new LarderError('DIGEST_INVALID', 'The expected digest is another one than that in the URL')
  return expected
}
