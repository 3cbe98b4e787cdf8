import type { RatesView, RateTableView } from '../../../src-main/contract/rates.ts'
import { weekdays, type Weekday } from '../../../src-main/contract/settings.ts'
import { formatSize, formatRate } from '../../../src-main/contract/sizes.ts'
import { hostOf } from '../../format/url.ts'
import { dayNames, fullHour } from '../../format/week.ts'

type Caps = RatesView['caps']

/** One thing that holds transfers back: what it is about, and how. */
export interface RateLimit {
  readonly about: string
  readonly how: string
  /** Something cannot be done because of it. */
  readonly stops?: true
}

/** What holds transfers back right now, in words; empty: nothing does. */
export function limitsInForce({ caps, adaptive, uploads }: RatesView): RateLimit[] {
  const limits: (RateLimit | null)[] = [
    capsOf('From the origin', caps.wanForeground, caps.wanBackground),
    capsOf('From peers', caps.lanForeground, caps.lanBackground),
    caps.upload === null ? null : { about: 'To peers', how: `at most ${formatRate(caps.upload)}` },
    uploads.limitBytes === null
      ? null
      : uploads.allowed
        ? { about: 'To peers', how: `${formatSize(uploads.bytes)} of ${formatSize(uploads.limitBytes)} this month` }
        : {
            about: 'To peers',
            how: `nothing until next month: this month’s limit of ${formatSize(uploads.limitBytes)} is used up`,
            stops: true
          },
    adaptive.enabled ? { about: 'Other traffic', how: adaptiveState(adaptive) } : null
  ]
  return limits.filter((limit) => limit !== null)
}

function capsOf(about: string, foreground: number | null, background: number | null): RateLimit | null {
  if (foreground === null && background === null) return null
  if (foreground === background) return { about, how: `at most ${formatRate(foreground!)}` }
  const parts = [
    foreground === null ? null : `at most ${formatRate(foreground)}`,
    background === null
      ? foreground === null
        ? null
        : 'no limit in the background'
      : `at most ${formatRate(background)} in the background`
  ]
  return { about, how: parts.filter((part) => part !== null).join(', ') }
}

/** How far background downloads yield; the origin with the longest delay speaks for all. */
function adaptiveState({ targetMs, origins }: RatesView['adaptive']): string {
  const slowest = origins.toSorted((a, b) => b.queueingDelayMs - a.queueingDelayMs)[0]
  if (slowest === undefined) return 'background downloads give way to it'
  if (slowest.windowBytes === null) return `cannot be measured at ${hostOf(slowest.origin)}; only the fixed limits hold`
  const delay = `(${Math.round(slowest.queueingDelayMs)} ms of delay at ${hostOf(slowest.origin)}, ${targetMs} ms allowed)`
  return `background downloads ${slowest.queueingDelayMs > targetMs ? 'give way' : 'have room'} ${delay}`
}

/** What a single download may get, for whoever wonders why it is slow; null: nothing holds it back. */
export function limitOf({ caps, adaptive }: RatesView, priority: 'foreground' | 'background'): string | null {
  const [wan, lan] =
    priority === 'foreground' ? [caps.wanForeground, caps.lanForeground] : [caps.wanBackground, caps.lanBackground]
  const parts = [
    wan === null ? null : `${formatRate(wan)} from the origin`,
    lan === null ? null : `${formatRate(lan)} from peers`,
    adaptive.enabled && priority === 'background' ? 'gives way to other traffic' : null
  ].filter((part) => part !== null)
  return parts.length === 0 ? null : parts.join(', ')
}

/** The hour at which the caps become others; null: they are the same all week. */
function nextCapsChange({
  now,
  days
}: RateTableView): { readonly day: Weekday; readonly hour: number; readonly hoursAway: number } | null {
  const first = weekdays.indexOf(now.day) * 24 + now.hour
  const capsAt = (n: number): Caps | undefined =>
    days.find(({ day }) => day === weekdays[Math.floor((n % 168) / 24)])?.hours[n % 24]
  const present = JSON.stringify(capsAt(first))
  for (let away = 1; away < 168; away++) {
    const at = (first + away) % 168
    if (JSON.stringify(capsAt(at)) !== present)
      return { day: weekdays[Math.floor(at / 24)]!, hour: at % 24, hoursAway: away }
  }
  return null
}

/** `18:00`, or `Monday 08:00` when that is a day or more away. */
export function hourOfChange(table: RateTableView): string | null {
  const change = nextCapsChange(table)
  if (change === null) return null
  const hour = fullHour(change.hour)
  return change.hoursAway < 24 ? hour : `${dayNames[weekdays.indexOf(change.day)]} ${hour}`
}
