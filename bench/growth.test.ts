import { expect, test } from 'vitest'
import { growthOf, slopeOf } from './growth.ts'

test('what grows steadily is certain to, by its slope in an hour', () => {
  const growth = growthOf([10, 10.1, 10.2, 10.3, 10.4], 360)
  expect(growth).toMatchObject({ first: 10, last: 10.4, least: 10, most: 10.4 })
  expect(growth.perHour).toBeCloseTo(36)
  expect(growth.error).toBeCloseTo(0)
  expect(growth.certain).toBeCloseTo(36)
})

test('what swings around a level is not certain to grow, whatever the line through it says', () => {
  const growth = growthOf([10, 14, 9, 13, 11, 15, 10, 14], 360)
  expect(growth.perHour).toBeGreaterThan(0)
  expect(growth.error).toBeGreaterThan(growth.perHour)
  expect(growth.certain).toBe(0)
})

test('what shrinks does not grow', () => expect(growthOf([5, 4, 3, 2], 1).certain).toBe(0))

test('a straight line grows by its slope, noise around a level does not', () => {
  expect(slopeOf([1, 3, 5, 7])).toBeCloseTo(2)
  expect(slopeOf([5, 6, 5, 6, 5])).toBeCloseTo(0)
  expect(slopeOf([4])).toBe(0)
})
