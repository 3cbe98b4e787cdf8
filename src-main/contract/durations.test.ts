import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDuration, formatDuration, formatTimeLeft, parseDuration } from './durations.ts'

test.each([
  ['30s', 30_000],
  ['90', 90_000],
  ['0.5', 500],
  ['250ms', 250],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
  [' 5M ', 300_000],
  ['1 h', 3_600_000],
  ['10 min', 600_000],
  ['250 ms', 250],
  ['2 d 4 h', 187_200_000],
  ['1 hour 30 sec', 3_630_000],
  ['10 minutes', 600_000],
  ['1 minute 30 seconds', 90_000],
  ['30 days', 2_592_000_000]
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  '',
  's',
  '-1s',
  '1m1h',
  '1s1s',
  '5m 2h',
  '1  h',
  '1 min 1 min',
  '1 hourly',
  '1x',
  '1e3s',
  'Infinity',
  '1.s',
  '9'.repeat(30),
  '1h'.repeat(30)
])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  [0, '0 s'],
  [449, '0.4 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_499, '59 s'],
  [59_500, '1 min'],
  [200_000, '3 min 20 s'],
  [3_599_700, '1 h'],
  [2 * 3600_000 + 300_000, '2 h 5 min'],
  [86_399_000, '1 d'],
  [76 * 3600_000, '3 d 4 h']
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [0, '0 s'],
  [300, '1 s'],
  [4300, '5 s'],
  [125_000, '2 min 5 s'],
  [605_000, '11 min'],
  [Number.NaN, '–']
])('%d ms left are shown as %s', (ms, text) => {
  expect(formatTimeLeft(ms)).toBe(text)
})

test('units in falling order are read as their sum', () => {
  const amount = fc.integer({ min: 0, max: 999 })
  fc.assert(
    fc.property(amount, amount, amount, (hours, minutes, seconds) => {
      expect(parseDuration(`${hours}h${minutes}m${seconds}s`)).toBe(((hours * 60 + minutes) * 60 + seconds) * 1000)
    })
  )
})

test('any text is a whole number of milliseconds or none; what is shown never has a unit beyond its limit', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{1,5}(\.\d{1,3})?(ms|s|m|h|d)){1,4}$/)), (text) => {
      const ms = parseDuration(text)
      if (ms === undefined) return
      expect(Number.isSafeInteger(ms) && ms >= 0).toBe(true)
      expect(formatDuration(ms)).not.toMatch(/\b(60 (s|min)|24 h)\b/)
    })
  )
})

test('what stands in an editor is read as the same', () => {
  fc.assert(fc.property(fc.nat(10 ** 10), (ms) => void expect(parseDuration(editDuration(ms))).toBe(ms)))
})
