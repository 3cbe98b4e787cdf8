import { editRate } from '../../../src-main/contract/sizes.ts'
import { rateKinds, weekdays, type RateKind, type Weekday } from '../../../src-main/contract/settings.ts'
import { dayNames, fullHour } from '../../format/week.ts'
import { HOURS, USUAL, rulesOf, type Hour, type HourLimits, type WeekGrid } from './schedule.ts'

/** The kinds of traffic, as the fields of a limit are called. */
export const kindNames: Readonly<Record<RateKind, string>> = {
  wanForeground: 'Downloads',
  wanBackground: 'Background downloads',
  lanForeground: 'From other PCs',
  lanBackground: 'From other PCs, in the background',
  upload: 'Uploads'
}

/** Limits for one line: `Background downloads 2 MiB/s, uploads unlimited`. */
export function limitsInWords(limits: HourLimits): string {
  const said = rateKinds.flatMap((kind) => {
    const rate = limits[kind]
    return rate === undefined ? [] : [`${kindNames[kind]} ${rate === null ? 'unlimited' : editRate(rate)}`]
  })
  if (said.length === 0) return 'Usual limits'
  return said.map((one, at) => (at === 0 ? one : `${one.charAt(0).toLowerCase()}${one.slice(1)}`)).join('; ')
}

/** Days for a sentence: `Monday to Friday`, `Saturday and Sunday`, `Every day`. */
export function daysInWords(days: readonly Weekday[]): string {
  const numbers = weekdays.flatMap((day, at) => (days.includes(day) ? [at] : []))
  if (numbers.length === weekdays.length) return 'Every day'
  const runs: number[][] = []
  for (const day of numbers) {
    const last = runs.at(-1)
    if (last?.at(-1) === day - 1) last.push(day)
    else runs.push([day])
  }
  const parts = runs.flatMap((run) =>
    run.length > 2 ? [`${dayNames[run[0]!]} to ${dayNames[run.at(-1)!]}`] : run.map((day) => dayNames[day]!)
  )
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

/** A schedule, a line for each block of hours: when, and what counts then. */
export function scheduleInWords(grid: WeekGrid): readonly { readonly when: string; readonly what: string }[] {
  return rulesOf(grid).map(({ days, from, to, ...limits }) => ({
    when: `${daysInWords(days)}, ${from === 0 && to === HOURS ? 'all day' : `${fullHour(from)} to ${fullHour(to)}`}`,
    what: limitsInWords(limits)
  }))
}

/** What a screen reader says of an hour: `Monday, 08:00 to 09:00: Background downloads 2 MiB/s`. */
export function hourInWords({ limits, hours }: WeekGrid, { day, hour }: Hour): string {
  const which = hours[day * HOURS + hour]!
  const what = which === USUAL ? 'Usual limits' : limitsInWords(limits[which] ?? {})
  return `${dayNames[day]}, ${fullHour(hour)} to ${fullHour(hour + 1)}: ${what}`
}
