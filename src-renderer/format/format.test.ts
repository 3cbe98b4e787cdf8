// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countOf, editBytes, formatBytes, formatRate, parseBytes, percentOf } from './bytes.ts'
import { formatDuration, relativeTime } from './time.ts'
import { fileNameOf, hostOf, safeFileName } from './url.ts'

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [52_953_088, '50.5 MiB'],
    [1024 ** 4 * 3.25, '3.25 TiB'],
    [-1, '–'],
    [Number.NaN, '–']
  ])('%d reads %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  test('never read as 1,024 of a unit that has a bigger one', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1024 ** 5, noNaN: true }), (bytes) => {
        expect(formatBytes(bytes)).not.toMatch(/^1,024 /)
      })
    )
  })

  test('what stands in an editor is read back as the very same number of bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(),
          fc.maxSafeNat(),
          fc.nat(4000).map((n) => n * 1024 ** 3)
        ),
        (bytes) => {
          expect(parseBytes(editBytes(bytes))).toBe(bytes)
        }
      )
    )
    expect([50 * 1024 ** 3, 1536, 1500, 0].map(editBytes)).toEqual(['50 GiB', '1.5 KiB', '1500', '0'])
    expect(['1.5 GiB', '500M', '4096', 'x', '-1', '1e9', ''].map(parseBytes)).toEqual([
      1.5 * 1024 ** 3,
      500 * 1024 ** 2,
      4096,
      undefined,
      undefined,
      undefined,
      undefined
    ])
  })

  test('a rate of nothing is a dash', () => {
    expect(formatRate(0)).toBe('–')
    expect(formatRate(2048)).toBe('2 KiB/s')
  })

  test('only all of it is 100 percent', () => {
    expect(percentOf(999, 1000)).toBe(99)
    expect(percentOf(1000, 1000)).toBe(100)
    expect(percentOf(5, 0)).toBe(0)
  })

  test('one is counted without an s', () => {
    expect(countOf(1, 'file')).toBe('1 file')
    expect(countOf(1200, 'entry', 'entries')).toBe('1,200 entries')
  })
})

describe('times', () => {
  test.each([
    [400, 'less than 1 s'],
    [59_999, '59 s'],
    [95_000, '1 min 35 s'],
    [3_600_000, '1 h'],
    [26.5 * 3_600_000, '1 d 2 h']
  ])('%d ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  const now = Date.UTC(2026, 10, 23, 12)
  test.each([
    [0, 'just now'],
    [34_000, '30 s ago'],
    [120_000, '2 min ago'],
    [5 * 3_600_000, '5 h ago'],
    [30 * 3_600_000, 'yesterday'],
    [5 * 24 * 3_600_000, '5 days ago'],
    [-2 * 3_600_000, 'in 2 h'],
    [-5_000, 'just now']
  ])('%d ms before now reads %s', (passed, text) => expect(relativeTime(now - passed, now)).toBe(text))
})

describe('names', () => {
  test.each([
    ['https://files.example/a/Setup%20Tool.msi?x=1#y', 'Setup Tool.msi'],
    ['https://files.example/', 'files.example'],
    ['packages/tool.zip', 'tool.zip'],
    ['https://files.example/%zz', '%zz']
  ])('%s is called %s', (url, name) => expect(fileNameOf(url)).toBe(name))

  test('a relative URL has no host', () => {
    expect(hostOf('a/b')).toBe('')
    expect(hostOf('http://x:81/b')).toBe('x:81')
  })

  test('a proposed file name never has folders in it or ends in a dot', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(safeFileName(name)).toMatch(/^[^/\\:*?"<>|\p{Cc}]{1,120}$/u)
        expect(safeFileName(name)).not.toMatch(/^\.|[. ]$/)
      })
    )
  })
})
