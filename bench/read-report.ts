// Numbers out of what a bench printed with `--json`.
import type { Report } from './page.ts'

/** Null: the report has no such number. */
export type Reading = (report: Report) => number | null

/** `alone.cpuPercent` of a report; null where there is no number. */
export function at(path: string): Reading {
  return (report) => {
    const value = path
      .split('.')
      .reduce<unknown>((inner, step) => (inner as Record<string, unknown> | null | undefined)?.[step], report)
    return typeof value === 'number' ? value : null
  }
}

/** One number out of several; null where one of them is missing. */
export function from(readings: readonly Reading[], how: (...values: number[]) => number): Reading {
  return (report) => {
    const values = readings.map((reading) => reading(report)).filter((value) => value !== null)
    return values.length === readings.length ? how(...values) : null
  }
}

export const over = (a: string, b: string): Reading => from([at(a), at(b)], (x, y) => x / y)
export const minus = (a: string, b: string): Reading => from([at(a), at(b)], (x, y) => x - y)
export const worstAt = (...paths: readonly string[]): Reading => from(paths.map(at), Math.max)

/** Of the items of a list, those for which it is true; null where there is no list. */
export function countIn(list: string, fits: (item: Record<string, unknown>) => boolean): Reading {
  return (report) => {
    const items = report[list]
    return Array.isArray(items) ? (items as Record<string, unknown>[]).filter(fits).length : null
  }
}
