import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_MENDED_BYTES, mendHead } from './mend-head.ts'

const mended = (text: string) => {
  const result = mendHead(Buffer.from(text, 'latin1'))
  return result === null || result === 'hopeless' ? result : { ...result, head: result.head.toString('latin1') }
}

describe('a header section', () => {
  test.each([
    'Content-Length: 1 1360',
    'Content-Length: 1;60',
    'Transfer-Encoding: chunked\r\n chunked',
    'X: a\rb',
    'X: \0'
  ])('of which clients make different things is not mended: %j', (field) =>
    expect(mendHead(Buffer.from(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`))).toBe('hopeless')
  )

  test('with bare line feeds, nameless fields and folded lines becomes one that a strict parser takes', () => {
    expect(
      mended('HTTP/1.1 200 OK\nX Bad Name: 1\nETag: "a"\nX-A: b\n  c\nno colon\nContent-Length: 3\n\nabc')
    ).toEqual({
      head: 'HTTP/1.1 200 OK\r\netag: "a"\r\nx-a: b c\r\ncontent-length: 3\r\nconnection: close\r\n\r\n',
      bodyAt: 79,
      doubtfulLength: false
    })
  })

  test.each([
    ['Content-Length: 5\r\nContent-Length: 5', '5', false],
    ['Content-Length: 5, 5', '5', false],
    ['Content-Length: 5\r\nContent-Length: 6', null, true],
    ['Content-Length: 5\r\nTransfer-Encoding: chunked', null, true],
    ['Content-Length: five', null, true],
    ['Transfer-Encoding: chunked', null, false]
  ])('says how long it is, or that this is doubtful: %s', (fields, length, doubtful) => {
    const result = mended(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`)
    expect(result).toMatchObject({ doubtfulLength: doubtful })
    expect(/content-length: (\S+)/.exec((result as { head: string }).head)?.[1] ?? null).toBe(length)
  })

  test('that never ends, or is none, is given up', () => {
    expect(mended('HTTP/1.1 200 OK\r\nA: b\r\n')).toBeNull()
    expect(mended(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(MAX_MENDED_BYTES)}`)).toBe('hopeless')
    expect(mended('SSH-2.0-OpenSSH\r\n\r\n')).toBe('hopeless')
    expect(mended('HTTP/2 200\r\n\r\n')).toBe('hopeless')
  })

  test('whatever it was, has lines of name and value alone, and no second length', () => {
    const part = fc.constantFrom(
      'HTTP/1.1 200 OK',
      'Content-Length: 1',
      'content-length:2',
      ' folded',
      ': x',
      'a\x00b: \x07',
      '\r',
      '\n',
      '\r\n',
      'Transfer-Encoding: gzip, chunked',
      'é: é'
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
        const result = mended(`HTTP/1.1 200 OK\n${parts.join('')}\n\n`)
        if (result === null || result === 'hopeless') return
        const lines = result.head.split('\r\n')
        expect(lines.slice(-2)).toEqual(['', ''])
        for (const line of lines.slice(1, -2))
          expect(line).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*$/)
        const named = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).length
        expect(named('content-length')).toBeLessThanOrEqual(1)
        if (lines.some((line) => /^transfer-encoding:.*chunked$/i.test(line))) expect(named('content-length')).toBe(0)
        expect(named('connection')).toBe(1)
      })
    )
  })
})
