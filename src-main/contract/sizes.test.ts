import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countOf, editRate, editSize, formatRate, formatSize, parseRate, parseSize, percentOf } from './sizes.ts'

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
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [10 * 1024, '10 KiB'],
  [1023.6 * 1024, '1 MiB'],
  [52_953_088, '50.5 MiB'],
  [123.4 * 1024 ** 2, '123 MiB'],
  [1024 ** 4 * 3.25, '3.25 TiB'],
  [-1, '–'],
  [Number.NaN, '–']
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})

test('a rate of nothing is a dash', () => {
  expect([0, 0.4, 2048].map(formatRate)).toEqual(['–', '–', '2 KiB/s'])
})

test('only all of it is 100 percent', () => {
  expect([percentOf(999, 1000), percentOf(1000, 1000), percentOf(5, 0)]).toEqual([99, 100, 0])
})

test('one is counted without an s', () => {
  expect([countOf(1, 'file'), countOf(1200, 'entry', 'entries')]).toEqual(['1 file', '1,200 entries'])
})

test('what stands in an editor is read back as the very same number of bytes', () => {
  const bytes = fc.oneof(
    fc.nat(),
    fc.maxSafeNat(),
    fc.nat(4000).map((n) => n * 1024 ** 3)
  )
  fc.assert(fc.property(bytes, (n) => void expect(parseSize(editSize(n))).toBe(n)))
  expect([50 * 1024 ** 3, 1536, 1500, 0].map(editSize)).toEqual(['50 GiB', '1.5 KiB', '1500', '0'])
})

test('nothing else in Larder spells sizes: no text has a unit of 1000, and no other file has names of units in a row', () => {
  const root = join(import.meta.dirname, '../..')
  const files = ['src-main', 'src-renderer', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|\btesting\b/.test(name))
      .map((name) => join(folder, name))
  )
  expect(files.length).toBeGreaterThan(300)
  const spelt = files.filter((file) =>
    /\d ?[KMGT]B\b|'[KMGT]B'|'[KM]iB', *'[MG]iB'/.test(readFileSync(join(root, file), 'utf8'))
  )
  expect(spelt.map((file) => file.replaceAll('\\', '/'))).toEqual(['src-main/contract/sizes.ts'])
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

test.each([
  [2 * 1024 ** 2, '2 MiB/s'],
  [6_250_000, '50 Mbit/s'],
  [250_000, '2 Mbit/s'],
  [1_234_567, '1234567 B/s']
])('%d bytes per second stand in an editor as %s', (rate, text) => {
  expect(editRate(rate)).toBe(text)
})

test('a rate in an editor is read as the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (rate) => void expect(parseRate(editRate(rate))).toBe(rate))
  )
})
