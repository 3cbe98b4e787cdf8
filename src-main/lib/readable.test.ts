import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBytes } from './readable.ts'

describe('a number of bytes', () => {
  test('is short enough to read', () => {
    expect([0, 1, 999, 1000, 1536, 10_485_760, 1023 * 1024 * 1024, 5 * 2 ** 40].map(formatBytes)).toEqual([
      '0 B',
      '1 B',
      '999 B',
      '0.98 KB',
      '1.5 KB',
      '10 MB',
      '1 GB',
      '5 TB'
    ])
  })

  test('never has more than three digits', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 2 ** 59, noNaN: true }),
        (bytes) => void expect(formatBytes(bytes)).toMatch(/^(\d{1,3}|\d\.\d{1,2}|\d\d\.\d) [KMGTP]?B$/)
      )
    )
  })
})
