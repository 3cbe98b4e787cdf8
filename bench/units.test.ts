import { describe, expect, test } from 'vitest'
import { formatSeconds, parseCount, parseRate, parseSize, secondsAt } from './units.ts'

describe('sizes', () => {
  test('are read with binary units', () => {
    expect([parseSize('1'), parseSize('10KiB'), parseSize('100MiB'), parseSize('1.5gib')]).toEqual([
      1, 10_240, 104_857_600, 1_610_612_736
    ])
  })

  test('that make no sense are refused', () => {
    for (const text of ['', '0', '-1', '10MB', 'MiB', '1e3', '1 000', '9999999999GiB'])
      expect(() => parseSize(text), text).toThrow('Expected a size')
  })
})

describe('rates', () => {
  test('are read in megabits unless they say otherwise', () => {
    expect([parseRate('50'), parseRate('50mbit'), parseRate('2Gbit'), parseRate('500kbit'), parseRate('none')]).toEqual(
      [50, 50, 2000, 0.5, null]
    )
  })

  test('that make no sense are refused', () => {
    for (const text of ['', '0', '-5mbit', '50MB', 'fast'])
      expect(() => parseRate(text), text).toThrow('Expected a rate')
  })

  test('give the time of a download', () => {
    expect(secondsAt(100 * 1024 ** 2, 50)).toBeCloseTo(16.777, 3)
    expect(secondsAt(1, null)).toBeNull()
  })
})

test('counts outside of their range are refused', () => {
  const parse = parseCount(1, 10)
  expect(parse('10')).toBe(10)
  for (const text of ['0', '11', '1.5', 'x']) expect(() => parse(text), text).toThrow('from 1 to 10')
})

test('seconds that are not known are shown as a dash', () => {
  expect([formatSeconds(null), formatSeconds(1.25), formatSeconds(0.456, 2)]).toEqual(['–', '1.3 s', '0.46 s'])
})
