import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RateRule, Settings, weekdays } from '../contract/settings.ts'
import { localClock } from '../lib/local-time.ts'
import { capsAt, capTable } from './cap-table.ts'

const MIB = 2 ** 20
const HOUR = 3600_000
const settings = (rates: object) => Settings.parse({ rates }).rates
const weekdaysOnly = weekdays.slice(0, 5)

test('without rules every hour has the general caps', () => {
  const table = capTable(settings({ wanBackground: MIB }))
  expect(table).toHaveLength(168)
  expect(new Set(table.map((caps) => caps.wanBackground))).toEqual(new Set([MIB]))
  expect(table[0]!.wanForeground).toBe(null)
})

test('a rule holds in its hours of its days and changes only what it names; null lifts a cap', () => {
  const table = capTable(
    settings({
      wanForeground: 5 * MIB,
      wanBackground: 2 * MIB,
      schedule: [
        { days: weekdaysOnly, from: 8, to: 18, wanBackground: MIB },
        { days: ['wed'], from: 12, to: 13, wanForeground: null }
      ]
    })
  )
  const at = (weekday: number, hour: number) => table[weekday * 24 + hour]!
  expect([at(0, 7), at(0, 8), at(0, 17), at(0, 18), at(5, 8)].map((caps) => caps.wanBackground)).toEqual([
    2 * MIB,
    MIB,
    MIB,
    2 * MIB,
    2 * MIB
  ])
  expect([at(2, 11), at(2, 12), at(2, 13)].map((caps) => caps.wanForeground)).toEqual([5 * MIB, null, 5 * MIB])
  expect(at(2, 12).wanBackground).toBe(MIB)
})

test('a rule over midnight goes on into the next day, from Sunday into Monday too', () => {
  const table = capTable(settings({ schedule: [{ days: ['sun'], from: 22, to: 6, upload: MIB }] }))
  const capped = table.flatMap((caps, i) => (caps.upload === MIB ? [i] : []))
  expect(capped).toEqual([0, 1, 2, 3, 4, 5, 6 * 24 + 22, 6 * 24 + 23])
})

test('whatever the rules, each hour has the cap of the last rule that covers it', () => {
  const rule = fc.record({
    days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }),
    from: fc.integer({ min: 0, max: 23 }),
    to: fc.integer({ min: 1, max: 24 }),
    wanForeground: fc.option(fc.integer({ min: 16384, max: 1e9 }))
  })
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), fc.nat(6), fc.nat(23), (schedule, weekday, hour) => {
      const covers = ({ days, from, to }: { days: string[]; from: number; to: number }) => {
        const [today, yesterday] = [weekdays[weekday]!, weekdays[(weekday + 6) % 7]!]
        if (from < to) return days.includes(today) && hour >= from && hour < to
        return (days.includes(today) && hour >= from) || (days.includes(yesterday) && hour < to)
      }
      const last = schedule.filter(covers).at(-1)
      expect(capTable(settings({ schedule }))[weekday * 24 + hour]!.wanForeground).toBe(
        last === undefined ? null : last.wanForeground
      )
    })
  )
})

test('the table is read by the clock on the wall, over both changes of daylight saving', () => {
  const table = capTable(settings({ schedule: [{ days: ['sun'], from: 2, to: 3, wanBackground: MIB }] }))
  const berlin = localClock('Europe/Berlin')
  const capped = (startUtc: number) =>
    Array.from({ length: 6 }, (_, i) => capsAt(table, berlin(startUtc + i * HOUR)).wanBackground !== null)
  // 29 March 2026: 2 o'clock does not exist. 25 October 2026: it comes twice.
  expect(capped(Date.UTC(2026, 2, 28, 23))).toEqual([false, false, false, false, false, false])
  expect(capped(Date.UTC(2026, 9, 24, 22))).toEqual([false, false, true, true, false, false])
})

test('an hour that does not exist and a cap too low to work are refused', () => {
  for (const bad of [
    { from: 24, to: 3 },
    { from: 1, to: 25 },
    { from: 1, to: 2, upload: 1000 },
    { from: 1, to: 2, days: [] },
    { from: 1, to: 2, wan: 1 }
  ])
    expect(RateRule.safeParse(bad).success).toBe(false)
})
