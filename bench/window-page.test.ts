import fc from 'fast-check'
import { expect, test } from 'vitest'
import { droppedFrames, percentile } from './window-page.ts'

test('a frame that took three times as long dropped two', () => {
  expect(droppedFrames([16.7, 16.7, 50, 17, 24])).toBe(2)
})

test('a percentile is one of the values, and no more than its share lies above it', () => {
  expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3)
  expect(percentile([1, 2, 3, 4], 1)).toBe(4)
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const at = percentile(values, share)
        expect(values).toContain(at)
        expect(values.filter((value) => value > at).length).toBeLessThanOrEqual((1 - share) * values.length + 1e-9)
      }
    )
  )
})
