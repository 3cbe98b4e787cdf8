import type { RateKind } from '../../../src-main/contract/settings.ts'
import { rateKinds, weekdays, type RateRule, type Weekday } from '../../../src-main/contract/settings.ts'

/** Limits that some hours have in place of the usual ones, bytes per second; null: no limit; not named: as usual. */
export type HourLimits = Readonly<Partial<Record<RateKind, number | null>>>

export const HOURS = 24
export const DAYS = weekdays.length
/** An hour at which the usual limits count. */
export const USUAL = -1

/** The schedule as it is painted: an entry for each hour of the week, Monday 0 o'clock first. */
export interface WeekGrid {
  readonly limits: readonly HourLimits[]
  /** Which of the limits counts, or {@link USUAL}. */
  readonly hours: readonly number[]
}

/** A place in the grid, both from 0. */
export interface Hour {
  readonly day: number
  readonly hour: number
}

export const emptyGrid: WeekGrid = { limits: [], hours: Array<number>(DAYS * HOURS).fill(USUAL) }
export const indexOf = ({ day, hour }: Hour): number => day * HOURS + hour

/** The rules of the setting as a grid. A later rule wins over what an earlier one says of the same limit. */
export function gridOf(rules: readonly RateRule[]): WeekGrid {
  const week: HourLimits[] = Array.from({ length: DAYS * HOURS }, () => ({}))
  for (const { days, from, to, ...limits } of rules) {
    const length = from < to ? to - from : to + HOURS - from
    for (const day of days)
      for (let i = 0; i < length; i++) {
        const at = (weekdays.indexOf(day) * HOURS + from + i) % week.length
        week[at] = { ...week[at], ...named(limits) }
      }
  }
  return gathered(week)
}

/** The grid as rules of the setting, as few as say it plainly: blocks of hours, over midnight where they go on there. */
export function rulesOf({ limits, hours }: WeekGrid): RateRule[] {
  return gathered(hours.map((which) => limits[which] ?? {})).limits.flatMap((limit) => {
    const isOn = hours.map((which) => which !== USUAL && keyOf(limits[which] ?? {}) === keyOf(limit))
    return blocksOf(isOn).map((block) => ({ ...block, ...limit }))
  })
}

/** Every hour between two corners has `which` from now on. */
export function painted(grid: WeekGrid, a: Hour, b: Hour, which: number): WeekGrid {
  const between = (value: number, one: number, other: number) =>
    value >= Math.min(one, other) && value <= Math.max(one, other)
  return {
    ...grid,
    hours: grid.hours.map((was, at) =>
      between(Math.floor(at / HOURS), a.day, b.day) && between(at % HOURS, a.hour, b.hour) ? which : was
    )
  }
}

/** Painting what is painted already takes it off: what a stroke that begins at `hour` paints with. */
export const strokeAt = (grid: WeekGrid, hour: Hour, brush: number): number =>
  grid.hours[indexOf(hour)] === brush ? USUAL : brush

/** The number that a limit of one grid has in another; the first where it is not in that. */
export function brushAfter(before: WeekGrid, brush: number, after: WeekGrid): number {
  if (brush === USUAL) return USUAL
  const key = keyOf(before.limits[brush] ?? {})
  return Math.max(
    after.limits.findIndex((one) => keyOf(one) === key),
    0
  )
}

export const isSameWeek = (a: WeekGrid, b: WeekGrid): boolean =>
  JSON.stringify(rulesOf(a)) === JSON.stringify(rulesOf(b))

export interface HourBlock {
  readonly days: Weekday[]
  readonly from: number
  readonly to: number
}

/** Hours in blocks of equal hours on several days. */
export function blocksOf(isOn: readonly boolean[]): HourBlock[] {
  const runs = runsOf(isOn)
  const joined = new Set<Run>()
  const spans = runs.flatMap((run) => {
    if (joined.has(run)) return []
    const next = run.to === HOURS && run.from > 0 ? morningAfter(run, runs) : undefined
    return [next === undefined ? run : (joined.add(next), { ...run, to: next.to })]
  })
  const blocks = new Map<string, HourBlock>()
  // Monday's early hours may have gone to Sunday's block.
  for (const { day, from, to } of spans.filter((span) => !joined.has(span as Run))) {
    const block = blocks.get(`${from}-${to}`) ?? { days: [], from, to }
    block.days.push(weekdays[day]!)
    blocks.set(`${from}-${to}`, block)
  }
  return [...blocks.values()]
}

interface Run {
  readonly day: number
  readonly from: number
  readonly to: number
}

function runsOf(isOn: readonly boolean[]): Run[] {
  const runs: Run[] = []
  for (let day = 0; day < DAYS; day++) {
    let from: number | null = null
    for (let hour = 0; hour <= HOURS; hour++) {
      const on = hour < HOURS && isOn[day * HOURS + hour] === true
      if (on) from ??= hour
      else if (from !== null) {
        runs.push({ day, from, to: hour })
        from = null
      }
    }
  }
  return runs
}

/** What goes on from midnight after a run that ends there; a block may not be longer than a day. */
const morningAfter = ({ day, from }: Run, runs: readonly Run[]): Run | undefined =>
  runs.find((run) => run.day === (day + 1) % DAYS && run.from === 0 && run.to <= from)

/** Equal limits become one, in the order in which they come up; those that say nothing are the usual ones. */
function gathered(week: readonly HourLimits[]): WeekGrid {
  const limits = new Map<string, HourLimits>()
  for (const limit of week) if (keyOf(limit) !== '') limits.set(keyOf(limit), limits.get(keyOf(limit)) ?? named(limit))
  const keys = [...limits.keys()]
  return { limits: [...limits.values()], hours: week.map((limit) => keys.indexOf(keyOf(limit))) }
}

const named = (limits: HourLimits): HourLimits =>
  Object.fromEntries(rateKinds.flatMap((kind) => (limits[kind] === undefined ? [] : [[kind, limits[kind]]])))

const keyOf = (limits: HourLimits): string =>
  rateKinds
    .filter((kind) => limits[kind] !== undefined)
    .map((kind) => `${kind}=${limits[kind]}`)
    .join()
