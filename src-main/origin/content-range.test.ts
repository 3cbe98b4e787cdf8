import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseContentLength, parseContentRange } from './content-range.ts'

describe('Content-Range', () => {
  it('reads every range a server can write', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), fc.option(fc.nat(2 ** 40)), (start, more, beyond) => {
        const end = start + more + 1
        const total = beyond === null ? null : end + beyond
        expect(parseContentRange(`bytes ${start}-${end - 1}/${total ?? '*'}`)).toEqual({
          kind: 'bytes',
          start,
          end,
          total
        })
      })
    )
  })

  it('gives a range that holds together, or nothing, for any text', () => {
    const almost = fc.stringMatching(/^(bytes|byte|items)? ?(\d{0,20}-\d{0,20}|\*)?\/?(\d{0,20}|\*)$/)
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        const range = parseContentRange(text)
        if (range?.kind !== 'bytes') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThan(range.start)
        expect(range.end).toBeLessThanOrEqual(range.total ?? Number.MAX_SAFE_INTEGER)
      })
    )
  })

  it('refuses contradictions', () => {
    for (const text of [
      'bytes 5-4/10',
      'bytes 0-10/10',
      'bytes */*',
      'bytes 0-',
      'bytes=0-1/2',
      'bytes 0-1/2, bytes 3-4/5',
      'bytes 0-99999999999999999999/*',
      ''
    ]) {
      expect(parseContentRange(text), text).toBeNull()
    }
    expect(parseContentRange('bytes */0')).toEqual({ kind: 'unsatisfied', total: 0 })
  })
})

describe('Content-Length', () => {
  it('takes one decimal number and nothing else', () => {
    expect(parseContentLength('0')).toBe(0)
    expect(parseContentLength('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
    for (const text of ['', '-1', '+1', '1.0', '0x10', '1, 1', '9007199254740993', ' 1', undefined])
      expect(parseContentLength(text), text).toBeNull()
  })
})
