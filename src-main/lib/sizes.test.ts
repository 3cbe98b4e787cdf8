import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatSize, parseRate, parseSize } from './sizes.ts'

test.each([
  ['0', 0],
  ['4096', 4096],
  ['1k', 1024],
  ['1.5 GiB', 1.5 * 1024 ** 3],
  ['500M', 500 * 1024 ** 2],
  ['2TB', 2e12],
  [' 10mb ', 1e7],
  ['10 B', 10]
])('%j is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([
  '',
  ' ',
  'M',
  '-1',
  '1e3',
  '1,5G',
  '0x10',
  '1 GiB GiB',
  '10Q',
  'Infinity',
  '99999999T',
  '1constructor',
  '1.G',
  '.5G'
])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined()
})

test.each([
  ['2M', 2 * 1024 ** 2],
  ['500 KiB/s', 500 * 1024],
  ['4096', 4096],
  ['50mbit', 6_250_000],
  ['1.5 Gbit/s', 187_500_000],
  ['9 bit', 1]
])('%j is %d bytes per second', (text, bytes) => {
  expect(parseRate(text)).toBe(bytes)
})

test.each(['', '/s', 'mbit', '50 mbit/h', '2M/s/s', '50mb it', '-1mbit', '1e3mbit', '9999999999999999gbit'])(
  '%j is no rate',
  (text) => {
    expect(parseRate(text)).toBeUndefined()
  }
)

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1536, '1.50 KiB'],
  [10 * 1024, '10.0 KiB'],
  [1023.6 * 1024, '1.00 MiB'],
  [123.4 * 1024 ** 2, '123 MiB'],
  [1024 ** 3, '1.00 GiB']
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})

test('what is shown can be read again, and is right to half a percent', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
      const shown = formatSize(bytes)
      const read = parseSize(shown)
      expect(read, shown).toBeDefined()
      expect(Math.abs(read! - bytes)).toBeLessThanOrEqual(Math.max(0.5, bytes * 0.0051))
    })
  )
})

test('any text is a size of whole bytes or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{0,20}(\.\d*)? ?[kmgtKMGT]?[iI]?[bB]?$/)), (text) => {
      const bytes = parseSize(text)
      if (bytes !== undefined) expect(Number.isSafeInteger(bytes) && bytes >= 0).toBe(true)
    })
  )
})
