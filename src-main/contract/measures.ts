import { editDuration, formatDuration, parseDuration } from './durations.ts'
import { editRate, editSize, formatSize, parseRate, parseSize } from './sizes.ts'

/** What the number of a setting counts. */
export type SettingUnit =
  | 'bytes'
  | 'bytes per second'
  | 'milliseconds'
  | 'seconds'
  | 'minutes'
  | 'hours'
  | 'days'
  | 'percent'

/** How people write and read the numbers of one unit. */
interface Measure {
  /** After the number of a setting, e.g. `15000 ms`. */
  readonly short: string
  /** What it is and what it looks like, for an error: `a size such as 20 GiB`. */
  readonly wanted: string
  /** What may be typed, all spellings. */
  readonly forms: string
  /** @returns in this unit, or undefined when it is none of its forms */
  read(text: string): number | undefined
  /** @returns in a unit that is easier to read, or null when there is none */
  show(value: number): string | null
  /** As it stands in an editor; {@link read} gives the same number again. */
  edit(value: number): string
}

const size = (short: string, words: Pick<Measure, 'wanted' | 'forms' | 'read' | 'edit'>, perWhat = ''): Measure => ({
  short,
  ...words,
  show: (value) => (value < 1024 ? null : `${formatSize(value)}${perWhat}`)
})

function time(unitMs: number, short: string, example: string): Measure {
  const read = (text: string) => {
    const ms = parseDuration(text)
    return ms === undefined ? undefined : ms / unitMs
  }
  return {
    short,
    wanted: `a time such as ${example}`,
    forms: '30s, 10 min, 1h30m, 7d',
    read,
    show: (value) => {
      const shown = formatDuration(value * unitMs)
      return value * unitMs < 1000 || shown === `${value} ${short}` ? null : shown
    },
    edit: (value) => {
      const shown = editDuration(value * unitMs)
      return read(shown) === value ? shown : `${value} ${short}`
    }
  }
}

const measures: Record<SettingUnit, Measure> = {
  bytes: size('bytes', {
    wanted: 'a size such as 500 MiB or 20 GiB',
    forms: '500M, 20GiB, 2 TiB',
    read: parseSize,
    edit: editSize
  }),
  'bytes per second': size(
    'bytes/s',
    {
      wanted: 'a rate such as 2 MiB/s or 50 Mbit/s',
      forms: '2M, 500 KiB/s, 50mbit',
      read: parseRate,
      edit: editRate
    },
    '/s'
  ),
  milliseconds: time(1, 'ms', '15 s or 10 min'),
  seconds: time(1000, 's', '30 s or 10 min'),
  minutes: time(60_000, 'min', '30 min or 2 h'),
  hours: time(3600_000, 'h', '6 h or 2 days'),
  days: {
    ...time(24 * 3600_000, 'days', '7 days or 36 h'),
    show: () => null,
    edit: (value) => `${value} ${value === 1 ? 'day' : 'days'}`
  },
  percent: {
    short: '%',
    wanted: 'a percentage such as 10 %',
    forms: '10 %',
    read: (text) => {
      const [, amount] = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(text.trim()) ?? []
      return amount === undefined ? undefined : Number(amount)
    },
    show: () => null,
    edit: (value) => `${value} %`
  }
}

/**
 * A number as people type it with its unit: `20 GiB`, `50mbit`, `2h`.
 * @returns in the unit of the setting; undefined when the text is no such thing. A text without a unit is none.
 */
export function readMeasure(unit: SettingUnit, text: string): number | undefined {
  return /[a-z%]/i.test(text) ? measures[unit].read(text) : undefined
}

/** What {@link readMeasure} takes, e.g. `with a unit: 500M, 20GiB, 2 TiB`; null for nothing but the number. */
export function measureForms(unit: SettingUnit | null): string | null {
  return unit && `with a unit: ${measures[unit].forms}`
}

/** What is wanted of such a number, for an error: `a size such as 20 GiB`. */
export const measureWanted = (unit: SettingUnit): string => measures[unit].wanted

/** A number with its unit, as people write it: `53687091200` → `50 GiB`. Read again it is the same. */
export const editMeasure = (unit: SettingUnit, value: number): string => measures[unit].edit(value)

/** `1073741824` bytes → `1073741824 bytes (1 GiB)`; what is not a number stays as it is. */
export function showMeasure(unit: SettingUnit | null, value: unknown): string {
  if (unit === null || typeof value !== 'number') return JSON.stringify(value)
  const { short, show } = measures[unit]
  const easier = show(value)
  return `${value} ${short}${easier === null ? '' : ` (${easier})`}`
}
