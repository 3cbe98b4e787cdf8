import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitsInto } from './bounded-input.ts'

describe('a value that fits', () => {
  test('has no more text than allowed, in keys, strings or lists', () => {
    expect(fitsInto({ text: 'x'.repeat(100) }, 200)).toBe(true)
    expect(fitsInto({ text: 'x'.repeat(200) }, 200)).toBe(false)
    expect(fitsInto({ ['k'.repeat(200)]: 1 }, 200)).toBe(false)
    expect(
      fitsInto(
        Array.from({ length: 100 }, () => 1),
        200
      )
    ).toBe(false)
  })

  test('is never larger as JSON than the limit, quotes and escapes aside', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 500 }), (value, limit) => {
        if (fitsInto(value, limit))
          expect(JSON.stringify(value).replace(/[\\"]/g, '').length).toBeLessThanOrEqual(6 * limit + 30)
      })
    )
  })

  test('has an end: neither cycles nor great depth', () => {
    const round: Record<string, unknown> = {}
    round['self'] = round
    expect(fitsInto(round, 1e6)).toBe(false)
    let deep: unknown = 1
    for (let i = 0; i < 30; i++) deep = [deep]
    expect(fitsInto(deep, 1e6)).toBe(false)
  })

  test('is plain data', () => {
    for (const value of [new Map(), new Date(0), new Uint8Array(1), () => 1, Symbol('x'), 1n, new (class A {})()])
      expect(fitsInto({ value }, 1e6)).toBe(false)
  })
})
