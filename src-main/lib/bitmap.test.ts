import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bitmap } from './bitmap.ts'

describe('Bitmap', () => {
  it('behaves like a set of indices', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70 }), fc.array(fc.tuple(fc.boolean(), fc.nat(69))), (size, steps) => {
        const map = new Bitmap(size)
        const set = new Set<number>()
        for (const [add, index] of steps) {
          if (index >= size) continue
          if (add) expect(map.add(index)).toBe(!set.has(index) && !!set.add(index))
          else expect(map.delete(index)).toBe(set.delete(index))
        }
        expect([...map]).toEqual([...set].sort((a, b) => a - b))
        expect(map.count).toBe(set.size)
        expect([...new Bitmap(size, Buffer.from(map.toBase64(), 'base64'))]).toEqual([...map])
      })
    )
  })

  it('ignores spare bits that travelled along', () => {
    const map = new Bitmap(3, Uint8Array.of(0xff))
    expect(map.count).toBe(3)
    expect(map.complete).toBe(true)
    expect(map.bytes[0]).toBe(0b1110_0000)
  })

  it('refuses a map of another size', () => {
    expect(() => new Bitmap(9, Uint8Array.of(1))).toThrow(RangeError)
    expect(() => new Bitmap(9).add(9)).toThrow(RangeError)
  })
})
