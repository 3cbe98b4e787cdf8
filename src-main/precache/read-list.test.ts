import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPrecacheList } from './read-list.ts'

const hex = 'ab'.repeat(32)
const base = 'https://origin.test/lists/night.txt'
const whyNot = (text: string): string => {
  try {
    readPrecacheList(text, null)
    return 'read'
  } catch (error) {
    return (error as Error).message
  }
}

test('reads JSON with items or URLs, alone or in an object', () => {
  expect(
    readPrecacheList(
      '{"items":[{"url":"a.msi","integrity":"sha256-x","pinDays":30,"priority":"high"},"../b.bin"]}',
      base
    )
  ).toEqual([
    { url: 'https://origin.test/lists/a.msi', integrity: 'sha256-x', pinDays: 30, priority: 'high' },
    { url: 'https://origin.test/b.bin' }
  ])
  expect(readPrecacheList('\uFEFF ["https://a.test/x"]', null)).toEqual([{ url: 'https://a.test/x' }])
})

test('reads lines of URLs with and without digest, comments and blank lines left out', () => {
  expect(readPrecacheList(`# tonight\r\n\r\nhttps://a.test/x ${hex}\r\ny.bin\n`, base)).toEqual([
    { url: 'https://a.test/x', integrity: hex },
    { url: 'https://origin.test/lists/y.bin' }
  ])
})

test('reads what sha256sum writes, names with blanks and stars too', () => {
  expect(readPrecacheList(`${hex}  my setup.msi\n${hex.toUpperCase()} *sub/b.bin\n`, base)).toEqual([
    { url: 'https://origin.test/lists/my%20setup.msi', integrity: hex },
    { url: 'https://origin.test/lists/sub/b.bin', integrity: hex }
  ])
})

test('says which line or item is wrong and why', () => {
  expect(whyNot('https://a.test/x\nhttps://a.test/y one two')).toContain('line 2 has more than')
  expect(whyNot('{"items":[{"url":"a"},{"url":3}]}')).toContain('items.1')
  expect(whyNot('{"items":[{"url":"a","destination":"/etc/x"}]}')).toContain('items.0')
  expect(whyNot('{"items":[')).toContain('is no JSON')
  expect(whyNot('x'.repeat(5_000_000))).toContain('at most')
  expect(whyNot('a\n'.repeat(10_001))).toContain('10001 items')
})

test('whatever the text, there is a list or BAD_REQUEST', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string({ unit: fc.constantFrom('a', ' ', '\n', '#', '{', '[', '"', '\\', '%') })
      ),
      (text) => {
        try {
          for (const { url } of readPrecacheList(text, base)) expect(url).not.toBe('')
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_REQUEST' })
        }
      }
    )
  )
})
