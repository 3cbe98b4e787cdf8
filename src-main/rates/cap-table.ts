import { rateKinds, weekdays, type RateKind, type Settings } from '../contract/settings.ts'
import type { LocalTime } from '../lib/local-time.ts'

/** Bytes per second for each kind of traffic; null: no limit. */
export type Caps = Readonly<Record<RateKind, number | null>>

const HOURS = 24

/**
 * The caps of each hour of the week, Monday 0 o'clock first: the general ones, and over them the rules in their order, so that a
 * later rule wins. A rule says only what it changes. One over midnight (22 to 6) belongs to the day it begins on.
 */
export function capTable(rates: Settings['rates']): readonly Caps[] {
  const general = Object.fromEntries(rateKinds.map((kind) => [kind, rates[kind]])) as Caps
  const table: Caps[] = Array.from({ length: weekdays.length * HOURS }, () => general)
  for (const { days, from, to, ...caps } of rates.schedule) {
    const hours = from < to ? to - from : to + HOURS - from
    for (const day of days) {
      for (let i = 0; i < hours; i++) {
        const cell = (weekdays.indexOf(day) * HOURS + from + i) % table.length
        table[cell] = { ...table[cell]!, ...withoutUndefined(caps) }
      }
    }
  }
  return table
}

/** The caps of an hour: daylight saving needs no care, the table is read by what clocks on the wall show. */
export function capsAt(table: readonly Caps[], { weekday, hour }: LocalTime): Caps {
  return table[weekday * HOURS + hour]!
}

function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
