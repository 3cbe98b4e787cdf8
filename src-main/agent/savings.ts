import type { ByteCounts, DayCounts, DayLedger } from '../cache/savings-table.ts'
import type { Savings, SavingsWindow } from '../contract/snapshot.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** Counts go to the ledger this often; a crash loses at most this much time. */
const KEEP_EVERY_MS = 10_000

const nothing: ByteCounts = { originBytes: 0, peerBytes: 0, cacheBytes: 0, servedBytes: 0 }

/** Calendar day on this PC, `daysBefore` days before the one of `wallMs`: `2026-01-31`. */
export function localDay(wallMs: number, daysBefore = 0): string {
  const at = new Date(wallMs)
  // By the calendar, not by 24 hours: days of a clock change have 23 or 25.
  const day = new Date(at.getFullYear(), at.getMonth(), at.getDate() - daysBefore)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
}

/** Sums days, and says which part of what was got did not come from an origin. */
export function savingsOf(days: readonly ByteCounts[]): SavingsWindow {
  const sum = days.reduce(plus, nothing)
  const got = sum.originBytes + sum.peerBytes + sum.cacheBytes
  return { ...sum, savedShare: got === 0 ? null : (sum.peerBytes + sum.cacheBytes) / got }
}

/** Books what the running totals grow by to the day on which they do. */
export class SavingsMeter {
  readonly #clock: Clock
  readonly #ledger: DayLedger
  readonly #totals: () => ByteCounts
  readonly #timer: Timer
  #booked: ByteCounts
  #days: readonly DayCounts[] = []
  #today = ''

  constructor(clock: Clock, ledger: DayLedger, totals: () => ByteCounts) {
    this.#clock = clock
    this.#ledger = ledger
    this.#totals = totals
    this.#booked = totals()
    this.#book()
    this.#timer = clock.every(KEEP_EVERY_MS, () => this.#book())
  }

  read(): Savings {
    if (localDay(this.#clock.wallMs()) !== this.#today) this.#book()
    const unbooked = minus(this.#totals(), this.#booked)
    const wallMs = this.#clock.wallMs()
    const last = (days: number) => {
      const first = localDay(wallMs, days - 1)
      return savingsOf([...this.#days.filter(({ day }) => day >= first), unbooked])
    }
    return { today: last(1), days7: last(7), days28: last(28) }
  }

  /** Books the rest. */
  stop(): void {
    this.#timer.cancel()
    this.#book()
  }

  #book(): void {
    const wallMs = this.#clock.wallMs()
    const totals = this.#totals()
    const grown = minus(totals, this.#booked)
    const today = localDay(wallMs)
    const changed = Object.values(grown).some((bytes) => bytes !== 0)
    if (!changed && today === this.#today) return
    try {
      if (changed) this.#ledger.add(today, grown)
      this.#booked = totals
      this.#days = this.#ledger.since(localDay(wallMs, 27)).filter(({ day }) => day <= today)
    } catch {
      // The disk is full or fails: what is not booked now is booked later.
      return
    }
    this.#today = today
  }
}

const plus = (a: ByteCounts, b: ByteCounts): ByteCounts => combine(a, b, (x, y) => Math.max(0, x + y))
const minus = (a: ByteCounts, b: ByteCounts): ByteCounts => combine(a, b, (x, y) => x - y)

function combine(a: ByteCounts, b: ByteCounts, by: (x: number, y: number) => number): ByteCounts {
  return {
    originBytes: by(a.originBytes, b.originBytes),
    peerBytes: by(a.peerBytes, b.peerBytes),
    cacheBytes: by(a.cacheBytes, b.cacheBytes),
    servedBytes: by(a.servedBytes, b.servedBytes)
  }
}
