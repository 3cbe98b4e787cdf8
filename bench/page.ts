// The targets of Larder, and how a figure is held against its own. Pure; `all.ts` runs the benches.
import { median } from './figures.ts'

/** What `--json` of a bench printed. */
export type Report = Readonly<Record<string, unknown>>

/** The worst value that is still good enough. */
export type Target = { readonly most: number } | { readonly least: number }

export interface Figure {
  readonly title: string
  readonly unit: string
  readonly digits: number
  readonly of: (report: Report) => number | null
  /** Measured in the same run, in the same unit. */
  readonly beside?: { readonly title: string; readonly of: (report: Report) => number | null }
  readonly must: Target
  readonly aim?: Target
}

export interface Bench {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** Instead of `args` in a quick look. */
  readonly quick: readonly string[]
  readonly runs: number
  /** Without figures: it held when it ended with exit code 0. */
  readonly figures: readonly Figure[]
}

/** One line of the page. */
export interface Line {
  readonly bench: string
  readonly title: string
  readonly unit: string
  readonly digits: number
  /** Of all runs; null: it could not be measured. */
  readonly middle: number | null
  readonly spread: readonly [number, number] | null
  readonly beside: { readonly title: string; readonly middle: number | null } | null
  readonly must: Target
  readonly aim: Target | null
  readonly verdict: 'missed' | 'met' | 'aim met' | 'not measured'
}

export function meets(value: number, target: Target): boolean {
  return 'most' in target ? value <= target.most : value >= target.least
}

/** @param reports one of each run; null: the bench failed */
export function judge(bench: Bench, reports: readonly (Report | null)[]): Line[] {
  const came = reports.filter((report) => report !== null)
  if (bench.figures.length === 0) {
    const failed = reports.length - came.length
    const must = { most: 0 }
    return [
      {
        bench: bench.name,
        title: 'runs in which something did not hold',
        unit: '',
        digits: 0,
        middle: failed,
        spread: null,
        beside: null,
        must,
        aim: null,
        verdict: reports.length === 0 ? 'not measured' : meets(failed, must) ? 'met' : 'missed'
      }
    ]
  }
  return bench.figures.map(({ title, unit, digits, of, beside, must, aim = null }) => {
    const values = came.map(of).filter((value) => value !== null)
    const middle = median(values)
    const failed = came.length < reports.length
    return {
      bench: bench.name,
      title,
      unit,
      digits,
      middle,
      spread: values.length === 0 ? null : [Math.min(...values), Math.max(...values)],
      beside: beside
        ? { title: beside.title, middle: median(came.map(beside.of).filter((value) => value !== null)) }
        : null,
      must,
      aim,
      verdict: failed
        ? 'missed'
        : middle === null
          ? 'not measured'
          : !meets(middle, must)
            ? 'missed'
            : aim && meets(middle, aim)
              ? 'aim met'
              : 'met'
    }
  })
}

/** `alone.cpuPercent` of a report; null where there is no number. */
export const at =
  (path: string) =>
  (report: Report): number | null => {
    let value: unknown = report
    for (const step of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[step]
    return typeof value === 'number' ? value : null
  }

/** The quotient or difference of two numbers of a report. */
export const over = (a: string, b: string) => both(a, b, (x, y) => x / y)
export const minus = (a: string, b: string) => both(a, b, (x, y) => x - y)
/** The largest of several. */
export const worstAt =
  (...paths: readonly string[]) =>
  (report: Report): number | null => {
    const values = paths.map((path) => at(path)(report)).filter((value) => value !== null)
    return values.length === paths.length ? Math.max(...values) : null
  }

function both(a: string, b: string, how: (x: number, y: number) => number) {
  return (report: Report): number | null => {
    const [x, y] = [at(a)(report), at(b)(report)]
    return x === null || y === null ? null : how(x, y)
  }
}
