// Numbers out of what a bench printed.

/** What `--json` of a bench printed. */
export type Report = Readonly<Record<string, unknown>>

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
function combined(readings: readonly Reading[], how: (...values: number[]) => number): Reading {
  return (report) => {
    const values = readings.map((reading) => reading(report)).filter((value) => value !== null)
    return values.length === readings.length ? how(...values) : null
  }
}

export const over = (a: string, b: string): Reading => combined([at(a), at(b)], (x, y) => x / y)
export const minus = (a: string, b: string): Reading => combined([at(a), at(b)], (x, y) => x - y)
export const worstAt = (...paths: readonly string[]): Reading => combined(paths.map(at), Math.max)
/** In another unit. */
export const times = (reading: Reading, factor: number): Reading => combined([reading], (value) => value * factor)

/** How many items of a list fit; null where there is no list. */
export function countOf(list: string, fits: (item: Record<string, unknown>) => boolean): Reading {
  return (report) => {
    const items = report[list]
    return Array.isArray(items) ? (items as Record<string, unknown>[]).filter(fits).length : null
  }
}

/** Null where there is no list of numbers, or nothing in it. */
export function largestOf(list: string): Reading {
  return (report) => {
    const values = report[list]
    return Array.isArray(values) && values.length > 0 ? Math.max(...(values as number[])) : null
  }
}
