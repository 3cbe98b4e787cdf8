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

test('takes a file name for itself, whatever is in it', () => {
  const urlOf = (name: string) => readPrecacheList(`${hex}  ${name}\n`, base)[0]!.url
  expect(urlOf('a#b.iso')).toBe('https://origin.test/lists/a%23b.iso')
  expect(urlOf('what?.iso')).toBe('https://origin.test/lists/what%3F.iso')
  expect(urlOf('100%.iso')).toBe('https://origin.test/lists/100%25.iso')
  expect(urlOf('c:setup.iso')).toBe('https://origin.test/lists/c%3Asetup.iso')
  expect(urlOf('//elsewhere.test/x')).toBe('https://origin.test/elsewhere.test/x')
  expect(urlOf('./dätei.iso')).toBe('https://origin.test/lists/d%C3%A4tei.iso')
  expect(readPrecacheList(`\\${hex}  a\\\\b.iso\n`, base)[0]!.url).toBe('https://origin.test/lists/a%5Cb.iso')
})

test('reads tagged lines, and what was signed of a signed list', () => {
  const item = (name: string) => ({ url: `https://origin.test/lists/${name}`, integrity: hex })
  expect(readPrecacheList(`SHA256 (a (1).iso) = ${hex}\nSHA256(b.iso)= ${hex}\n`, base)).toEqual([
    item('a%20(1).iso'),
    item('b.iso')
  ])
  const signed = [
    'not signed.iso',
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA256',
    '',
    '# a.iso: 5 bytes',
    `SHA256 (a.iso) = ${hex}`,
    '- -b.bin',
    '-----BEGIN PGP SIGNATURE-----',
    '',
    'iQIzBAEBCAAdFiEE',
    '-----END PGP SIGNATURE-----'
  ]
  expect(readPrecacheList(signed.join('\r\n'), base)).toEqual([
    item('a.iso'),
    { url: 'https://origin.test/lists/-b.bin' }
  ])
})

test('names the line and the kind of a digest it does not read', () => {
  expect(whyNot(`${hex}  a\n${'0'.repeat(128)}  b.iso`)).toContain('line 2 names a digest of the kind SHA-512')
  expect(whyNot(`MD5 (b.iso) = ${'0'.repeat(32)}`)).toContain('line 1 names a digest of the kind MD5')
  expect(whyNot(Buffer.from(`\ufeff${hex}  a.iso`, 'utf16le').toString('utf8'))).toContain('UTF-16')
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
