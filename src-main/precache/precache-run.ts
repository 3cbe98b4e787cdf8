import PQueue from 'p-queue'
import type { PrecacheItem, PrecacheReport } from '../contract/precache.ts'
import type { RequestSpec } from '../contract/request.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'

const MOST_FAILURES_TOLD = 100
const DAY_MS = 24 * 3600_000

/** What became of one content. */
export interface Obtained {
  readonly sha256: Sha256Hex
  readonly bytes: number
  /** It was in the cache already. */
  readonly present: boolean
}

export interface PrecacheRunPorts {
  /** Gets a content into the cache. @throws the request's error; the signal's reason when it is aborted, keeping verified pieces */
  obtain(spec: RequestSpec, signal: AbortSignal): Promise<Obtained>
  pin(sha256: Sha256Hex, untilWallMs: number): void
  setPriority(sha256: Sha256Hex, priority: NonNullable<PrecacheItem['priority']>): void
  wallMs(): number
  changed(): void
}

/** Why a run was ended before its list was. */
export type EarlyEnd = Exclude<PrecacheReport['end'], 'complete' | 'incomplete' | 'list-unreadable'>

/** What a run before this one has already brought. */
export type SoFar = Pick<PrecacheReport, 'total' | 'done' | 'present' | 'bytes' | 'failed'>

const finalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_REQUEST',
  'URL_INVALID',
  'URL_SCHEME_UNSUPPORTED',
  'BACKGROUND_CHANNEL_UNSET',
  'DIGEST_INVALID',
  'DIGEST_MISMATCH',
  'DESTINATION_INVALID',
  'ORIGIN_NOT_FOUND',
  'ORIGIN_FORBIDDEN',
  'ORIGIN_REDIRECTS'
])

/** Whether asking again the same night would end the same way. */
export const isFinal = (code: ErrorCode): boolean => finalCodes.has(code)

/** One pass through a list: a few contents at a time, in the order of the list, in the background. */
export class PrecacheRun {
  readonly startedAt: number
  readonly total: number
  readonly #items: readonly PrecacheItem[]
  readonly #options: { atOnce: number; pinDays: number | null }
  readonly #ports: PrecacheRunPorts
  readonly #abort = new AbortController()
  readonly #failed: PrecacheReport['failed']
  readonly #again: PrecacheItem[] = []
  #early: EarlyEnd | null = null
  #done: number
  #present: number
  #bytes: number
  #failures: number

  constructor(
    items: readonly PrecacheItem[],
    options: { atOnce: number; pinDays: number | null },
    ports: PrecacheRunPorts,
    soFar?: SoFar
  ) {
    this.#items = items
    this.#options = options
    this.#ports = ports
    const { total, done, present, bytes, failed } = soFar ?? {
      total: items.length,
      done: 0,
      present: 0,
      bytes: 0,
      failed: []
    }
    this.total = total
    this.#done = done
    this.#present = present
    this.#bytes = bytes
    this.#failed = [...failed]
    this.#failures = total - done - items.length
    this.startedAt = ports.wallMs()
  }

  get progress(): { startedAt: number; total: number; done: number; failed: number; bytes: number } {
    return {
      startedAt: this.startedAt,
      total: this.total,
      done: this.#done,
      failed: this.#failures,
      bytes: this.#bytes
    }
  }

  /** Contents that could not be had for a reason that may pass. */
  get worthAnotherTry(): readonly PrecacheItem[] {
    return this.#again
  }

  /** Ends it soon; what is under way keeps its verified pieces. */
  stop(why: EarlyEnd): void {
    this.#early ??= why
    this.#abort.abort(new LarderError('CANCELLED', `Pre-caching has ended (${why})`))
  }

  /** Never throws. */
  async run(): Promise<PrecacheReport> {
    const queue = new PQueue({ concurrency: this.#options.atOnce })
    await queue.addAll(this.#items.map((item) => () => this.#one(item)))
    return {
      startedAt: this.startedAt,
      endedAt: this.#ports.wallMs(),
      total: this.total,
      done: this.#done,
      present: this.#present,
      bytes: this.#bytes,
      failed: this.#failed,
      end: this.#early ?? (this.#done === this.total ? 'complete' : 'incomplete')
    }
  }

  async #one(item: PrecacheItem): Promise<void> {
    const { signal } = this.#abort
    if (signal.aborted) return
    try {
      const { url, integrity, kind = 'resource' } = item
      const { sha256, bytes, present } = await this.#ports.obtain(
        {
          url,
          kind,
          priority: 'background',
          overwrite: true,
          allowStale: false,
          ...(integrity !== undefined && { integrity })
        },
        signal
      )
      const pinDays = item.pinDays ?? this.#options.pinDays
      if (pinDays !== null && pinDays > 0) this.#ports.pin(sha256, this.#ports.wallMs() + pinDays * DAY_MS)
      if (item.priority !== undefined) this.#ports.setPriority(sha256, item.priority)
      this.#done++
      if (present) this.#present++
      else this.#bytes += bytes
    } catch (thrown) {
      if (signal.aborted) return
      const error = LarderError.from(thrown)
      this.#failures++
      if (!isFinal(error.code)) this.#again.push(item)
      if (this.#failed.length < MOST_FAILURES_TOLD)
        this.#failed.push({ url: item.url, code: error.code, message: error.message.slice(0, 500) })
    }
    this.#ports.changed()
  }
}
