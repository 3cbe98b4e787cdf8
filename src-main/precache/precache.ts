// Why it is like this: docs/decisions/0030-pre-caching-is-requests-by-the-clock.md
import { z } from 'zod'
import { PrecacheReport, type PrecacheItem, type PrecacheView } from '../contract/precache.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { LocalClock } from '../lib/local-time.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { closingOf, nextOpening, windowAt } from './night.ts'
import { isFinal, PrecacheRun, type PrecacheRunPorts, type SoFar } from './precache-run.ts'

const Kept = z.object({ doneWindow: z.string().max(20).nullable(), last: PrecacheReport.nullable() })
const MAX_FILE_BYTES = 1024 * 1024
const LOOK_EVERY_MS = 20_000
/** What could not be read or had is tried again after this long, while the window is open. */
const RETRY_MS = 15 * 60_000

export interface PrecacheParts extends PrecacheRunPorts {
  /** File for what was done, through restarts. */
  readonly path: string
  readonly clock: Clock
  readonly localClock: LocalClock
  readonly settings: Settings['precache']
  /** In [0, 1). */
  readonly random: () => number
  /** Reads the list of the settings. @throws BAD_REQUEST, NOT_FOUND, and the codes of a request */
  readList(list: string): Promise<PrecacheItem[]>
  /** False while this PC runs on battery. */
  onMains(): Promise<boolean>
  /** @throws INTEGRATION_OFF while nothing may be asked for */
  requireAllowed(): void
  /** A run has ended. */
  ended(report: PrecacheReport): void
}

/** Gets the list of the settings into the cache, once per window of time, and any other list when somebody asks. */
export class Precache {
  readonly #o: PrecacheParts
  #timer: Timer | null = null
  #settings: Settings['precache']
  #kept: z.infer<typeof Kept>
  #run: { run: PrecacheRun; ended: Promise<void>; window: string | null } | null = null
  /** The window in which it waits for its moment: a random one, or that of the next try. */
  #jitter: { window: string; untilMs: number; why: string } | null = null
  /** What is left of the list in a window, and what a first run has brought of it. */
  #left: { window: string; items: readonly PrecacheItem[]; soFar: SoFar } | null = null
  #why = ''
  #writing: Promise<void> = Promise.resolve()
  #looking = false
  #closed = false

  private constructor(parts: PrecacheParts, kept: z.infer<typeof Kept>) {
    this.#o = parts
    this.#settings = parts.settings
    this.#kept = kept
  }

  /** Does nothing before {@link begin}. A damaged file means that nothing was done yet. */
  static async open(parts: PrecacheParts): Promise<Precache> {
    const bytes = await readPrivateFile(parts.path, MAX_FILE_BYTES).catch(() => undefined)
    return new Precache(parts, (bytes && parse(bytes.toString('utf8'))) ?? { doneWindow: null, last: null })
  }

  /** Looks at the clock from now on. */
  begin(): void {
    this.#timer ??= this.#o.clock.every(LOOK_EVERY_MS, () => void this.look())
    void this.look()
  }

  configure(settings: Settings['precache']): void {
    this.#settings = settings
    this.#jitter = null
    this.#left = null
    if (this.#timer) void this.look()
  }

  /**
   * Begins now whatever the hour.
   * @param items absent: those of the list `other`, without that of the list of the settings
   * @throws INTEGRATION_OFF, BUSY while one runs, BAD_REQUEST when no list is set, and the codes of reading it
   */
  async start(items?: readonly PrecacheItem[], other?: string): Promise<void> {
    this.#o.requireAllowed()
    const list = other ?? this.#settings.list
    if (!items && list === null)
      throw new LarderError('BAD_REQUEST', 'No pre-cache list is set (precache.list) and none was given', {
        field: 'precache.list'
      })
    const wanted = items ?? (await this.#o.readList(list!))
    if (this.#run) throw new LarderError('BUSY', 'A pre-cache run is under way')
    this.#begin(wanted, null)
  }

  /** Ends the run under way; a scheduled one begins again in the next window only. @returns false when there is none */
  stop(): boolean {
    if (!this.#run) return false
    this.#kept = { ...this.#kept, doneWindow: this.#run.window ?? this.#kept.doneWindow }
    this.#run.run.stop('stopped')
    return true
  }

  /** The list of the settings as it is now. @throws BAD_REQUEST when none is set */
  async items(): Promise<PrecacheItem[]> {
    const { list } = this.#settings
    if (list === null)
      throw new LarderError('BAD_REQUEST', 'No pre-cache list is set (precache.list)', { field: 'precache.list' })
    return this.#o.readList(list)
  }

  view(): PrecacheView {
    const { list } = this.#settings
    const state = this.#run ? 'running' : list === null ? 'off' : this.#jitter ? 'jitter' : 'waiting'
    return {
      state,
      list,
      why: this.#run ? 'A list is being gone through.' : list === null ? 'No list is set.' : this.#why,
      nextAt: state === 'jitter' || state === 'waiting' ? this.#nextAt() : null,
      running: this.#run?.run.progress ?? null,
      last: this.#kept.last
    }
  }

  #nextAt(): number | null {
    const { clock, localClock } = this.#o
    const now = clock.wallMs()
    const opening = (from: number) => nextOpening(this.#settings, localClock, from, this.#kept.doneWindow)
    if (this.#jitter) return opening(now + Math.max(0, this.#jitter.untilMs - clock.monotonicMs()))
    const at = opening(now)
    // The window is open and it still waits: for the mains, and nobody knows when they are back.
    return at === now ? null : at
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#run?.run.stop('stopped')
    await this.#run?.ended
    await this.#writing
  }

  /** Begins or ends a scheduled run where it is time to. */
  async look(): Promise<void> {
    if (this.#looking || this.#closed) return
    this.#looking = true
    try {
      await this.#lookNow()
    } finally {
      this.#looking = false
    }
  }

  async #lookNow(): Promise<void> {
    const { clock, localClock } = this.#o
    const { list, onlyOnMains } = this.#settings
    const window = list === null ? null : windowAt(this.#settings, localClock(clock.wallMs()))
    const mains = !onlyOnMains || (await this.#o.onMains())
    const forbidden = this.#forbidden()
    if (this.#run) {
      const scheduled = this.#run.window !== null
      if (forbidden) return void this.#run.run.stop('stopped')
      if (scheduled && window === null) this.#run.run.stop('window-closed')
      else if (scheduled && !mains) this.#run.run.stop('on-battery')
      return
    }
    if (list === null || window === null || window === this.#kept.doneWindow) {
      this.#jitter = null
      this.#why = window === null ? 'It is not the time for it.' : 'This time it is done.'
      return
    }
    if (forbidden) {
      this.#why = `${forbidden.message}.`
      return
    }
    if (!mains) {
      this.#why = 'This PC runs on battery.'
      return
    }
    const now = clock.monotonicMs()
    if (this.#jitter?.window !== window)
      this.#jitter = {
        window,
        untilMs: now + this.#o.random() * this.#longestWaitMs(),
        why: 'It waits for a random moment, so that not all PCs begin at once.'
      }
    if (now < this.#jitter.untilMs) {
      this.#why = this.#jitter.why
      return
    }
    try {
      const left = this.#left?.window === window ? this.#left : null
      const items = left?.items ?? (await this.#o.readList(list))
      if (!this.#closed && !this.#run) this.#begin(items, window, left?.soFar)
    } catch (thrown) {
      this.#why = LarderError.from(thrown).message
      this.#jitter = { window, untilMs: now + RETRY_MS, why: this.#why }
      const at = clock.wallMs()
      this.#keep({
        ...this.#kept,
        last: {
          startedAt: at,
          endedAt: at,
          total: 0,
          done: 0,
          present: 0,
          bytes: 0,
          failed: [{ url: list, code: LarderError.from(thrown).code, message: this.#why.slice(0, 500) }],
          end: 'list-unreadable'
        }
      })
    }
  }

  #forbidden(): LarderError | null {
    try {
      this.#o.requireAllowed()
      return null
    } catch (thrown) {
      return LarderError.from(thrown)
    }
  }

  /** A PC that comes late into a window still has time for the run itself. */
  #longestWaitMs(): number {
    const { clock, localClock } = this.#o
    const now = clock.wallMs()
    const left = (closingOf(this.#settings, localClock, now) ?? Infinity) - now
    return Math.min(this.#settings.jitterMinutes * 60_000, left / 2)
  }

  #begin(items: readonly PrecacheItem[], window: string | null, soFar?: SoFar): void {
    const run = new PrecacheRun(items, this.#settings, this.#o, soFar)
    const ended = run.run().then((report) => {
      this.#run = null
      const again = run.worthAnotherTry
      if (window !== null) this.#left = null
      // Cut short it goes on in the same window, or in the next one.
      let { doneWindow } = this.#kept
      if (window !== null && report.end === 'incomplete' && again.length > 0) this.#tryAgain(window, again, report)
      else if (window !== null && (report.end === 'complete' || report.end === 'incomplete')) doneWindow = window
      this.#keep({ doneWindow, last: report })
      this.#o.ended(report)
      this.#o.changed()
    })
    this.#run = { run, ended, window }
    if (window !== null) this.#jitter = null
    this.#o.changed()
  }

  #tryAgain(window: string, items: readonly PrecacheItem[], soFar: SoFar): void {
    this.#left = { window, items, soFar: { ...soFar, failed: soFar.failed.filter(({ code }) => isFinal(code)) } }
    const why = `${items.length} of ${soFar.total} contents could not be had; they are tried again.`
    this.#jitter = { window, untilMs: this.#o.clock.monotonicMs() + RETRY_MS, why }
    this.#why = why
  }

  /** One write after the other; what cannot be kept still holds for this run. */
  #keep(kept: z.infer<typeof Kept>): void {
    this.#kept = kept
    this.#writing = this.#writing.then(() => writePrivateFile(this.#o.path, JSON.stringify(kept))).catch(() => {})
  }
}

function parse(text: string): z.infer<typeof Kept> | null {
  try {
    return Kept.parse(JSON.parse(text))
  } catch {
    return null
  }
}
