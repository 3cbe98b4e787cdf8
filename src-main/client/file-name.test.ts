import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileNameFromUrl } from './file-name.ts'

test.each([
  ['https://h.test/a/setup.msi?x=1#y', 'setup.msi'],
  ['https://h.test/a/b%20c.txt', 'b c.txt'],
  ['https://h.test/', 'h.test'],
  ['https://h.test/folder/', 'h.test'],
  ['https://h.test/.bashrc', 'bashrc'],
  ['https://h.test/%2e%2e', 'h.test'],
  ['https://h.test/a%00b', 'a_b'],
  ['https://h.test/x.%e2%80%aetxt.exe', 'x.txt.exe'],
  ['https://h.test/name.%20.%20', 'name'],
  ['https://h.test/COM%C2%B9', 'COM¹_'],
  ['https://h.test/conout$.txt', 'conout$_.txt'],
  ['https://h.test/nul%20.txt', 'nul_.txt'],
  ['https://h.test/aux.tar.gz', 'aux_.tar.gz'],
  ['https://h.test/file.txt%3Astream', 'file.txt_stream'],
  ['https://h.test/..%5c..%5cwindows%5cx.dll', '_.._windows_x.dll'],
  ['https://h.test/a%E2%88%95b%EF%BC%8Fc', 'a_b_c'],
  ['https://h.test/-rf', '_rf'],
  ['https://h.test/~', 'h.test'],
  ['https://h.test/x%E2%80%8B.exe', 'x_.exe']
])('%s → %s', (url, name) => {
  expect(fileNameFromUrl(url)).toBe(name)
})

test('a long name is cut before its endings', () => {
  const name = fileNameFromUrl(`http://h.test/${'x'.repeat(3000)}.tar.gz`)
  expect(name).toMatch(/^x+\.tar\.gz$/)
  expect(name).toHaveLength(180)
})

test('any URL gives a visible name without folders that every system takes', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 100 }),
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom(
          'nul.txt',
          'COM1',
          '.',
          '..',
          '~',
          '😀'.repeat(200),
          'a'.repeat(3000),
          `${'x'.repeat(300)}.tar.gz`
        )
      ),
      (part) => {
        const name = fileNameFromUrl(new URL(`http://h.test/${encodeURIComponent(part.toWellFormed())}`).href)
        expect(name).not.toMatch(/[/\\<>:"|?*\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
        expect(name).not.toMatch(/^[.\s]|[.\s]$/)
        expect(name).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i)
        expect(name.length).toBeGreaterThan(0)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(190)
      }
    )
  )
})
