import PQueue from 'p-queue'
import type { PrecacheItem, PrecacheReport } from '../contract/precache.ts'
import type { RequestSpec } from '../contract/request.ts'
import type { Sha256Hex } from '../contract/ids.ts'
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
export type EarlyEnd = Exclude<PrecacheReport['end'], 'complete' | 'list-unreadable'>

/** One going through of a list: some contents at a time, in the order of the list, in the background. */
export class PrecacheRun {
  readonly startedAt: number
  readonly total: number
  readonly #items: readonly PrecacheItem[]
  readonly #options: { atOnce: number; pinDays: number | null }
  readonly #ports: PrecacheRunPorts
  readonly #abort = new AbortController()
  readonly #failed: PrecacheReport['failed'] = []
  #early: EarlyEnd | null = null
  #done = 0
  #present = 0
  #bytes = 0
  #failures = 0

  constructor(
    items: readonly PrecacheItem[],
    options: { atOnce: number; pinDays: number | null },
    ports: PrecacheRunPorts
  ) {
    this.#items = items
    this.#options = options
    this.#ports = ports
    this.total = items.length
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
      end: this.#early ?? 'complete'
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
      if (this.#failed.length < MOST_FAILURES_TOLD)
        this.#failed.push({ url: item.url, code: error.code, message: error.message.slice(0, 500) })
    }
    this.#ports.changed()
  }
}
