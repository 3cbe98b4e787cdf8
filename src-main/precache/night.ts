import { weekdays, type Settings } from '../contract/settings.ts'
import type { LocalTime } from '../lib/local-time.ts'

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

function nameOf({ year, month, day }: LocalTime, daysBefore: number): string {
  return new Date(Date.UTC(year, month - 1, day - daysBefore)).toISOString().slice(0, 10)
}
