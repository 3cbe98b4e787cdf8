// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateRule, Settings, weekdays } from '../../../src-main/contract/settings.ts'
import { capTable } from '../../../src-main/rates/cap-table.ts'
import {
  DAYS,
  emptyGrid,
  gridOf,
  HOURS,
  isSameWeek,
  painted,
  rulesOf,
  strokeAt,
  USUAL,
  type WeekGrid
} from './schedule.ts'
import { daysInWords, hourInWords, limitsInWords, scheduleInWords } from './schedule-words.ts'

const MIB = 2 ** 20
const rate = fc.option(fc.integer({ min: MIB, max: 9 * MIB }))
const limits = fc.record(
  { wanForeground: rate, wanBackground: rate, lanForeground: rate, lanBackground: rate, upload: rate },
  { requiredKeys: [] }
)
const rule = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
    from: fc.integer({ min: 0, max: 23 }),
    to: fc.integer({ min: 1, max: 24 }),
    limits
  })
  .map(({ limits: said, ...when }) => RateRule.parse({ ...when, ...said }))
const rules = fc.array(rule, { maxLength: 8 })
const grid: fc.Arbitrary<WeekGrid> = fc
  .array(limits, { minLength: 1, maxLength: 3 })
  .chain((all) =>
    fc
      .array(fc.integer({ min: USUAL, max: all.length - 1 }), { minLength: DAYS * HOURS, maxLength: DAYS * HOURS })
      .map((hours) => ({ limits: all, hours }))
  )

/** What the agent goes by at each hour. */
const weekOf = (schedule: RateRule[]) => capTable({ ...Settings.parse({}).rates, upload: 7 * MIB, schedule })

describe('a schedule in the grid', () => {
  test('means to the agent what its text meant', () => {
    fc.assert(
      fc.property(rules, (schedule) => void expect(weekOf(rulesOf(gridOf(schedule)))).toEqual(weekOf(schedule)))
    )
  })

  test('becomes a text that is painted as the same again', () => {
    fc.assert(
      fc.property(grid, (week) => {
        const text = rulesOf(week)
        for (const one of text) expect(RateRule.parse(one)).toEqual(one)
        expect(rulesOf(gridOf(text))).toEqual(text)
        const again = gridOf(text)
        const at = ({ limits: all, hours }: WeekGrid) => hours.map((which) => all[which] ?? {})
        expect(at(again)).toEqual(at(week))
      })
    )
  })

  test('holds what was painted, and nothing else changes', () => {
    const place = fc.record({ day: fc.nat(DAYS - 1), hour: fc.nat(HOURS - 1) })
    fc.assert(
      fc.property(grid, place, place, (week, a, b) => {
        const after = painted(week, a, b, 0)
        for (let day = 0; day < DAYS; day++)
          for (let hour = 0; hour < HOURS; hour++) {
            const isIn = (day - a.day) * (day - b.day) <= 0 && (hour - a.hour) * (hour - b.hour) <= 0
            expect(after.hours[day * HOURS + hour]).toBe(isIn ? 0 : week.hours[day * HOURS + hour])
          }
      })
    )
  })

  const night = RateRule.parse({ days: ['sun', 'mon'], from: 22, to: 6, wanBackground: null })
  const work = RateRule.parse({
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    from: 8,
    to: 18,
    wanBackground: 2 * MIB,
    upload: MIB
  })

  test('keeps blocks that go over midnight, from Sunday into Monday too', () => {
    expect(rulesOf(gridOf([night, work]))).toEqual([{ ...night, days: ['mon', 'sun'] }, work])
    expect(rulesOf(gridOf([RateRule.parse({ from: 5, to: 5, upload: MIB })]))).toEqual([
      { days: [...weekdays], from: 0, to: 24, upload: MIB }
    ])
  })

  test('is unpainted by a stroke that begins on its own colour', () => {
    const once = painted({ ...emptyGrid, limits: [{ upload: MIB }] }, { day: 0, hour: 8 }, { day: 4, hour: 9 }, 0)
    expect(strokeAt(once, { day: 0, hour: 8 }, 0)).toBe(USUAL)
    expect(strokeAt(once, { day: 0, hour: 7 }, 0)).toBe(0)
    expect(isSameWeek(painted(once, { day: 0, hour: 0 }, { day: 6, hour: 23 }, USUAL), emptyGrid)).toBe(true)
  })

  test('is told in words', () => {
    const week = gridOf([night, work])
    expect(scheduleInWords(week)).toEqual([
      { when: 'Monday and Sunday, 22:00 to 06:00', what: 'Background downloads unlimited' },
      { when: 'Monday to Friday, 08:00 to 18:00', what: 'Background downloads 2 MiB/s; uploads 1 MiB/s' }
    ])
    expect(hourInWords(week, { day: 0, hour: 8 })).toBe(
      'Monday, 08:00 to 09:00: Background downloads 2 MiB/s; uploads 1 MiB/s'
    )
    expect(hourInWords(week, { day: 5, hour: 23 })).toBe('Saturday, 23:00 to 24:00: Usual limits')
    expect(limitsInWords({})).toBe('Usual limits')
    expect(daysInWords([...weekdays])).toBe('Every day')
    expect(daysInWords(['sat', 'sun'])).toBe('Saturday and Sunday')
    expect(daysInWords(['mon', 'wed', 'thu', 'fri'])).toBe('Monday and Wednesday to Friday')
  })
})
