import { weekdays, type Settings } from '../contract/settings.ts'
import type { LocalClock, LocalTime } from '../lib/local-time.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const MOST_HOURS_AHEAD = 8 * 24

type Hours = Pick<Settings['precache'], 'days' | 'from' | 'to'>

/**
 * The window of time that is open at a local time, named by the day it began on (`2026-03-28`); null when none is. One over midnight
 * (22 to 6) belongs to the evening. By what clocks on the wall show, so a night of a daylight-saving change is one night.
 */
export function windowAt({ days, from, to }: Hours, local: LocalTime): string | null {
  const overMidnight = to <= from
  const inEvening = local.hour >= from && (overMidnight || local.hour < to)
  if (inEvening) return days.includes(weekdays[local.weekday]!) ? nameOf(local, 0) : null
  const inMorning = overMidnight && local.hour < to
  return inMorning && days.includes(weekdays[(local.weekday + 6) % 7]!) ? nameOf(local, 1) : null
}

/**
 * When the next window other than `done` begins, wall clock, ms; now when it is open. Null: none in the next eight days. To the hour of
 * local time.
 */
export function nextOpening(hours: Hours, localClock: LocalClock, wallMs: number, done: string | null): number | null {
  const isOpen = (at: number) => ![null, done].includes(windowAt(hours, localClock(at)))
  return isOpen(wallMs) ? wallMs : nextFullHour(localClock, wallMs, isOpen)
}

/** When the window that is open now ends, wall clock, ms. Null: none is open. To the hour of local time. */
export function closingOf(hours: Hours, localClock: LocalClock, wallMs: number): number | null {
  const open = windowAt(hours, localClock(wallMs))
  return open === null ? null : nextFullHour(localClock, wallMs, (at) => windowAt(hours, localClock(at)) !== open)
}

/** The first full hour of local time after now that is so; null: none in the next eight days. */
function nextFullHour(localClock: LocalClock, wallMs: number, isSo: (at: number) => boolean): number | null {
  const fullHour = Math.floor(wallMs / MINUTE_MS) * MINUTE_MS - localClock(wallMs).minute * MINUTE_MS
  for (let n = 1; n <= MOST_HOURS_AHEAD; n++) if (isSo(fullHour + n * HOUR_MS)) return fullHour + n * HOUR_MS
  return null
}

function nameOf({ year, month, day }: LocalTime, daysBefore: number): string {
  return new Date(Date.UTC(year, month - 1, day - daysBefore)).toISOString().slice(0, 10)
}
