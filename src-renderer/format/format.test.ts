// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { relativeTime } from './time.ts'
import { fileNameOf, hostOf, safeFileName } from './url.ts'

describe('times', () => {
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
