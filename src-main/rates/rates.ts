import type { Priority } from '../contract/request.ts'
import { rateKinds, weekdays, type RateKind, type Settings } from '../contract/settings.ts'
import type { RatesView, RateTableView } from '../contract/rates.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { LocalClock } from '../lib/local-time.ts'
import { AdaptiveWindow, type DelayProbe, type TransferWindow } from './adaptive-window.ts'
import { ByteBucket } from './byte-bucket.ts'
import { capsAt, capTable, type Caps } from './cap-table.ts'
import { bothOf, paceOf, type Pace } from './pace.ts'
import type { UploadCount } from './upload-count.ts'

/** The hour is looked at this often; caps change at most this late. */
const LOOK_EVERY_MS = 5000

export interface RatesParts {
  readonly clock: Clock
  readonly localClock: LocalClock
  readonly settings: Settings['rates']
  readonly uploads: UploadCount
  readonly probe: DelayProbe
  /** What {@link Rates.view} shows has changed. */
  readonly changed: () => void
}

/** How fast which bytes may go at this hour, and the only place where they are held back. */
export class Rates {
  readonly #o: RatesParts
  readonly #buckets: Readonly<Record<RateKind, ByteBucket>>
  readonly #paces: Readonly<Record<RateKind, Pace>>
  readonly #windows = new Map<string, AdaptiveWindow>()
  readonly #timer: Timer
  /** Holds back bytes for peers. */
  readonly upload: { readonly pace: Pace; readonly capped: boolean }
  /** What the hub of this site leaves to this PC, beside its own caps. */
  readonly #siteShare: ByteBucket
  #wanBytes = 0
  #settings: Settings['rates']
  #table: readonly Caps[]

  constructor(parts: RatesParts) {
    this.#o = parts
    this.#settings = parts.settings
    this.#table = capTable(parts.settings)
    this.#buckets = forEachKind(() => new ByteBucket(parts.clock))
    this.#siteShare = new ByteBucket(parts.clock)
    const share = paceOf(this.#siteShare, parts.clock)
    const own = forEachKind((kind) => paceOf(this.#buckets[kind], parts.clock))
    const fromOrigins = (pace: Pace): Pace => {
      const both = bothOf(pace, share)
      return (bytes, signal) => {
        this.#wanBytes += bytes
        return both(bytes, signal)
      }
    }
    this.#paces = {
      ...own,
      wanForeground: fromOrigins(own.wanForeground),
      wanBackground: fromOrigins(own.wanBackground)
    }
    const { upload } = this.#buckets
    this.upload = {
      pace: this.#paces.upload,
      get capped() {
        return upload.bytesPerSecond !== null
      }
    }
    this.#apply()
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => this.#apply())
  }

  /** Other settings, from now on; also for what runs. What is not named stays as it is. */
  configure(settings: Partial<Settings['rates']>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#table = capTable(this.#settings)
    this.#apply()
    this.#o.changed()
  }

  /** Holds back bytes from origins (`wan`) or peers (`lan`). */
  pace(link: 'wan' | 'lan', priority: Priority): Pace {
    return this.#paces[`${link}${priority === 'foreground' ? 'Foreground' : 'Background'}`]
  }

  /** Bytes that came from origins in this run. */
  get wanBytes(): number {
    return this.#wanBytes
  }

  /** All that comes from origins keeps to this, bytes per second, until told otherwise; null: to its own caps only. */
  limitWan(bytesPerSecond: number | null): void {
    if (this.#siteShare.bytesPerSecond === bytesPerSecond) return
    this.#siteShare.bytesPerSecond = bytesPerSecond
    this.#o.changed()
  }

  noteUploaded(bytes: number): void {
    this.#o.uploads.add(bytes)
  }

  /** False once the month's uploads have reached their limit. */
  get mayUpload(): boolean {
    const { monthlyUploadBytes } = this.#settings
    return monthlyUploadBytes === null || this.#o.uploads.current.bytes < monthlyUploadBytes
  }

  /** The window a background download from `url` must keep to; undefined while nothing is adaptive. */
  window(url: string, priority: Priority): TransferWindow | undefined {
    if (!this.#settings.adaptive || priority === 'foreground') return undefined
    const { origin } = new URL(url)
    let window = this.#windows.get(origin)
    if (!window) {
      for (const [key, other] of this.#windows) if (other.idle) this.#windows.delete(key)
      const { clock, probe } = this.#o
      window = new AdaptiveWindow(url, {
        clock,
        probe,
        limits: () => ({
          targetMs: this.#settings.adaptiveTargetMs,
          floorBytesPerSecond: this.#settings.adaptiveFloor,
          ceilingBytes: this.#settings.adaptiveCeilingBytes
        })
      })
      this.#windows.set(origin, window)
    }
    return window.open()
  }

  view(): RatesView {
    const { month, bytes } = this.#o.uploads.current
    return {
      caps: forEachKind((kind) => this.#buckets[kind].bytesPerSecond),
      scheduled: this.#settings.schedule.length > 0,
      siteShare: this.#siteShare.bytesPerSecond,
      adaptive: {
        enabled: this.#settings.adaptive,
        targetMs: this.#settings.adaptiveTargetMs,
        origins: [...this.#windows.values()].filter((window) => !window.idle).map((window) => window.view())
      },
      uploads: { month, bytes, limitBytes: this.#settings.monthlyUploadBytes, allowed: this.mayUpload }
    }
  }

  /** The caps of every hour of the week. */
  table(): RateTableView {
    const { weekday, hour } = this.#now()
    return {
      now: { day: weekdays[weekday]!, hour },
      days: weekdays.map((day, i) => ({
        day,
        hours: this.#table.slice(i * 24, i * 24 + 24).map((caps) => ({ ...caps }))
      }))
    }
  }

  close(): void {
    this.#timer.cancel()
  }

  #now() {
    return this.#o.localClock(this.#o.clock.wallMs())
  }

  #apply(): void {
    const caps = capsAt(this.#table, this.#now())
    let changed = false
    for (const kind of rateKinds) {
      changed ||= this.#buckets[kind].bytesPerSecond !== caps[kind]
      this.#buckets[kind].bytesPerSecond = caps[kind]
    }
    if (changed) this.#o.changed()
  }
}

function forEachKind<T>(make: (kind: RateKind) => T): Record<RateKind, T> {
  return Object.fromEntries(rateKinds.map((kind) => [kind, make(kind)])) as Record<RateKind, T>
}
