// How a figure is held against its target. Pure; the targets are in `targets.ts`, `all.ts` runs the benches.
import { median } from './figures.ts'
import type { Reading, Report } from './read-report.ts'

/** The worst value that is still good enough. */
export type Target = { readonly most: number } | { readonly least: number }

export interface Figure {
  readonly title: string
  readonly unit: string
  readonly digits: number
  readonly of: Reading
  /** Measured in the same run, in the same unit. */
  readonly beside?: { readonly title: string; readonly of: Reading }
  readonly must: Target
  readonly aim?: Target
}

export interface Bench {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** Instead of `args` in a quick look, which shows whether a bench works and takes no figures. */
  readonly quick: readonly string[]
  readonly runs: number
  /** Beside that it ends with exit code 0. */
  readonly figures: readonly Figure[]
  /** Why it cannot run on this machine; null when it can. */
  readonly missing?: () => string | null
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

/** What must hold in every run of every bench: it ended well and printed its figures. */
const ENDED_WELL = { title: 'runs in which something did not hold', unit: '', digits: 0, must: { most: 0 } }

export function meets(value: number, target: Target): boolean {
  return 'most' in target ? value <= target.most : value >= target.least
}

/** @param reports one of each run; null: something did not hold in it. None: the bench could not run here */
export function judge(bench: Bench, reports: readonly (Report | null)[], figures = bench.figures): Line[] {
  const came = reports.filter((report) => report !== null)
  const medianOf = (reading: Reading) => median(came.map(reading).filter((value) => value !== null))
  const failed = reports.length === 0 ? null : reports.length - came.length
  return [
    {
      bench: bench.name,
      ...ENDED_WELL,
      middle: failed,
      spread: null,
      beside: null,
      aim: null,
      verdict: verdictOf(failed, ENDED_WELL.must, null)
    },
    ...figures.map(({ title, unit, digits, of, beside, must, aim = null }): Line => {
      const values = came.map(of).filter((value) => value !== null)
      const middle = median(values)
      return {
        bench: bench.name,
        title,
        unit,
        digits,
        middle,
        spread: values.length === 0 ? null : [Math.min(...values), Math.max(...values)],
        beside: beside ? { title: beside.title, middle: medianOf(beside.of) } : null,
        must,
        aim,
        verdict: verdictOf(middle, must, aim)
      }
    })
  ]
}

function verdictOf(middle: number | null, must: Target, aim: Target | null): Line['verdict'] {
  if (middle === null) return 'not measured'
  if (!meets(middle, must)) return 'missed'
  return aim && meets(middle, aim) ? 'aim met' : 'met'
}
