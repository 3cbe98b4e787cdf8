import { formatDuration, parseDuration } from '../contract/durations.ts'
import { formatSize, parseRate, parseSize } from '../contract/sizes.ts'
import type { SettingUnit } from './setting-facts.ts'

/** How people write and read the numbers of one unit. */
interface Measure {
  /** After the number of a setting, e.g. `15000 ms`. */
  readonly short: string
  /** What may be typed, for an error. */
  readonly forms: string | null
  /** @returns in this unit, or undefined when it is none of its forms */
  read(text: string): number | undefined
  /** @returns in a unit that is easier to read, or null when there is none */
  show(value: number): string | null
}

const size = (short: string, forms: string, read: Measure['read'], perWhat = ''): Measure => ({
  short,
  forms,
  read,
  show: (value) => (value < 1024 ? null : `${formatSize(value)}${perWhat}`)
})

function time(unitMs: number, short: string): Measure {
  return {
    short,
    forms: '30s, 5m, 1h30m, 7d',
    read: (text) => {
      const ms = parseDuration(text)
      return ms === undefined ? undefined : ms / unitMs
    },
    show: (value) => {
      const shown = formatDuration(value * unitMs)
      return value * unitMs < 1000 || shown === `${value} ${short}` ? null : shown
    }
  }
}

const measures: Record<SettingUnit, Measure> = {
  bytes: size('bytes', '500M, 20GiB, 2TiB', parseSize),
  'bytes per second': size('bytes/s', '2M, 500KiB/s, 50mbit', parseRate, '/s'),
  milliseconds: time(1, 'ms'),
  seconds: time(1000, 's'),
  minutes: time(60_000, 'min'),
  hours: time(3600_000, 'h'),
  days: { ...time(24 * 3600_000, 'days'), show: () => null },
  percent: { short: '%', forms: null, read: () => undefined, show: () => null }
}

/**
 * A number as people type it with its unit, `20GiB`, `50mbit`, `2h`; `none` is null.
 * @returns in the unit of the setting; undefined when the text is no such thing. A text without a unit is none.
 */
export function readMeasure(unit: SettingUnit | null, text: string): number | null | undefined {
  if (unit === null) return undefined
  if (text.trim().toLowerCase() === 'none') return null
  return /[a-z]/i.test(text) ? measures[unit].read(text) : undefined
}

/** What {@link readMeasure} takes, e.g. `with a unit: 500M, 20GiB, 2TiB`; null for nothing but the number. */
export function measureForms(unit: SettingUnit | null): string | null {
  const forms = unit && measures[unit].forms
  return forms && `with a unit: ${forms}`
}

/** `1073741824` bytes → `1073741824 bytes (1 GiB)`; what is no number stays as it is. */
export function showMeasure(unit: SettingUnit | null, value: unknown): string {
  if (unit === null || typeof value !== 'number') return JSON.stringify(value)
  const { short, show } = measures[unit]
  const easier = show(value)
  return `${value} ${short}${easier === null ? '' : ` (${easier})`}`
}
