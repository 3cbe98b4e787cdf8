import fc from 'fast-check'
import { expect, test } from 'vitest'
import { staggerMs } from './stagger.ts'

test('a wait lies in [0, range], both ends included', () => {
  expect(staggerMs(300, () => 0)).toBe(0)
  expect(staggerMs(300, () => 1 - Number.EPSILON)).toBe(300_000)
  expect(staggerMs(0, () => 0.99)).toBe(0)
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 86_400 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (range, random) => {
        const wait = staggerMs(range, () => random)
        expect(Number.isInteger(wait) && wait >= 0 && wait <= range * 1000).toBe(true)
      }
    )
  )
})

test('waits are spread evenly over the range', () => {
  // A small generator with a fixed seed (mulberry32).
  let state = 42
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const tenths = Array<number>(10).fill(0)
  for (let n = 0; n < 20_000; n++) tenths[Math.min(9, Math.floor(staggerMs(300, random) / 30_000))]!++
  // χ² with 9 degrees of freedom: 27.9 is passed by one fair generator in a thousand.
  const chiSquared = tenths.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)
  expect(chiSquared).toBeLessThan(27.9)
})
