import Table from 'cli-table3'
import { printable } from './printable.ts'

const blank = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid'
] as const

/** Fewer characters of a shortened column say nothing. */
const LEAST_WIDTH = 12
const GAP = '  '

export interface TableLayout {
  /** Columns of numbers. */
  readonly right?: readonly string[]
  /** Column that is shortened in its middle until a line fits. */
  readonly shorten?: string
  /** Characters a line may have, see `Output.width`. */
  readonly width?: number
  /** By column: colours its texts. */
  readonly paint?: Readonly<Record<string, (text: string) => string>>
}

/** Columns without lines. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], shorten, width = Infinity, paint = {} }: TableLayout = {}
): string {
  const table = new Table({
    head: [...head],
    chars: { ...Object.fromEntries(blank.map((part) => [part, ''])), middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((name) => (right.includes(name) ? 'right' : 'left'))
  })
  const cells = rows.map((row) => row.map(printable))
  const column = shorten === undefined ? -1 : head.indexOf(shorten)
  const room = column === -1 ? Infinity : width - widthWithout(column, [head, ...cells])
  table.push(
    ...cells.map((row) =>
      row.map((text, at) => {
        const shown = at === column ? fitted(text, Math.max(LEAST_WIDTH, room)) : text
        return paint[head[at]!]?.(shown) ?? shown
      })
    )
  )
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Of a line, when one column is empty. */
function widthWithout(column: number, lines: readonly (readonly string[])[]): number {
  let width = 0
  for (let at = 0; at < lines[0]!.length; at++) {
    if (at > 0) width += GAP.length
    if (at !== column) width += Math.max(...lines.map((line) => line[at]?.length ?? 0))
  }
  return width
}

/** The text, with its middle left out where it is longer: the end of a URL says more than its start. */
export function fitted(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.floor((width - 1) * 0.6)
  return `${text.slice(0, width - 1 - end)}…${end === 0 ? '' : text.slice(-end)}`
}

/** Two columns: what, and its value. */
export function formatFacts(facts: readonly (readonly [string, string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length))
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n')
}
