import { describe, expect, test } from 'vitest'
import type { RatesView, RateTableView } from '../../../src-main/contract/rates.ts'
import { weekdays } from '../../../src-main/contract/settings.ts'
import { hourOfChange, limitOf, limitsInForce } from './rates.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const noCaps: RatesView['caps'] = {
  wanForeground: null,
  wanBackground: null,
  lanForeground: null,
  lanBackground: null,
  upload: null
}
const free: RatesView = {
  caps: noCaps,
  scheduled: false,
  adaptive: { enabled: false, targetMs: 60, origins: [] },
  uploads: { month: '2026-11', bytes: 3 * GIB, limitBytes: null, allowed: true }
}
const said = (over: Partial<RatesView>) =>
  limitsInForce({ ...free, ...over }).map(({ about, how }) => `${about}: ${how}`)

describe('what holds transfers back', () => {
  test('is nothing where nothing is set', () => expect(said({})).toEqual([]))

  test.each([
    [{ wanBackground: 2 * MIB }, 'From the origin: at most 2 MiB/s in the background'],
    [{ wanForeground: 4 * MIB }, 'From the origin: at most 4 MiB/s, no limit in the background'],
    [{ wanForeground: 4 * MIB, wanBackground: 4 * MIB }, 'From the origin: at most 4 MiB/s'],
    [
      { lanForeground: 8 * MIB, lanBackground: 2 * MIB },
      'From peers: at most 8 MiB/s, at most 2 MiB/s in the background'
    ],
    [{ upload: MIB }, 'To peers: at most 1 MiB/s']
  ])('caps %o', (caps, sentence) => expect(said({ caps: { ...noCaps, ...caps } })).toEqual([sentence]))

  test('the month’s limit, and that nothing is served once it is reached', () => {
    expect(said({ uploads: { ...free.uploads, limitBytes: 100 * GIB } })).toEqual([
      'To peers: 3 GiB of 100 GiB this month'
    ])
    const reached = limitsInForce({
      ...free,
      uploads: { month: '2026-11', bytes: 100 * GIB, limitBytes: 100 * GIB, allowed: false }
    })
    expect(reached).toMatchObject([{ stops: true }])
  })

  test('the origin with the longest delay speaks for the adaptive mode', () => {
    const origin = (name: string, queueingDelayMs: number, windowBytes: number | null = MIB) => ({
      origin: `https://${name}`,
      windowBytes,
      queueingDelayMs,
      downloads: 1
    })
    const adaptive = (...origins: RatesView['adaptive']['origins']) =>
      said({ adaptive: { enabled: true, targetMs: 60, origins } })[0]
    expect(adaptive()).toBe('Other traffic: background downloads give way to it')
    expect(adaptive(origin('a.example', 12), origin('b.example', 84))).toBe(
      'Other traffic: background downloads give way (84 ms of delay at b.example, 60 ms allowed)'
    )
    expect(adaptive(origin('a.example', 12))).toBe(
      'Other traffic: background downloads have room (12 ms of delay at a.example, 60 ms allowed)'
    )
    expect(adaptive(origin('a.example', 0, null))).toContain('cannot be measured at a.example')
  })

  test('a single download is told of its own caps only', () => {
    const rates = {
      ...free,
      caps: { ...noCaps, wanBackground: 2 * MIB, lanForeground: 8 * MIB },
      adaptive: { ...free.adaptive, enabled: true }
    }
    expect(limitOf(rates, 'foreground')).toBe('8 MiB/s from peers')
    expect(limitOf(rates, 'background')).toBe('2 MiB/s from the origin, gives way to other traffic')
    expect(limitOf(free, 'background')).toBeNull()
  })
})

describe('the hour at which caps change', () => {
  const table = (
    day: (typeof weekdays)[number],
    hour: number,
    capped: (dayIndex: number, hour: number) => boolean
  ): RateTableView => ({
    now: { day, hour },
    days: weekdays.map((name, d) => ({
      day: name,
      hours: Array.from({ length: 24 }, (_, h) => ({ ...noCaps, wanBackground: capped(d, h) ? MIB : null }))
    }))
  })
  const office = (d: number, h: number) => d < 5 && h >= 8 && h < 18

  test.each([
    ['mon', 9, '18:00'],
    ['mon', 20, '08:00'],
    ['fri', 19, 'Monday 08:00'],
    ['sun', 23, '08:00']
  ] as const)('on %s at %d is %s', (day, hour, at) => expect(hourOfChange(table(day, hour, office))).toBe(at))

  test('is none where all hours are alike', () => expect(hourOfChange(table('mon', 0, () => true))).toBeNull())
})
