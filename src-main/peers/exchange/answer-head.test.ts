import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../lib/errors.ts'
import { HeadReader, parseHead } from './answer-head.ts'

const good = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: a/b\r\ncontent-length: 12\r\nX-Empty:\r\n\r\n')

describe('the head of an answer', () => {
  it('is read however it is cut, and what follows is left', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(good.length + 5), { maxLength: 8 }), (cuts) => {
        const bytes = Buffer.concat([good, Buffer.from('body!')])
        const reader = new HeadReader()
        let body = ''
        let found
        for (const [i, at] of [0, ...cuts, bytes.length].sort((a, b) => a - b).entries()) {
          const chunk = bytes.subarray(at, [0, ...cuts, bytes.length].sort((a, b) => a - b)[i + 1] ?? at)
          if (found) body += chunk.toString()
          else if ((found = reader.push(chunk))) body += chunk.subarray(found.bodyAt).toString()
        }
        expect(found?.head).toMatchObject({ status: 200, lengthBytes: 12 })
        expect(found?.head.headers.get('content-type')).toBe('a/b')
        expect(body).toBe('body!')
      })
    )
  })

  it.each([
    '',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200 OK',
    'HTTP/1.1 200 OK\r\nContent-Length: -1',
    'HTTP/1.1 200 OK\r\nContent-Length: 1e3',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked',
    'HTTP/1.1 200 OK\r\nContent Length: 1',
    'HTTP/1.1 200 OK\r\n folded: 1'
  ])('is refused when malformed or without a length: %j', (text) => {
    expect(() => parseHead(text)).toThrowError(expect.toSatisfy((e: unknown) => hasCode(e, 'PEER_PROTOCOL')))
  })

  it('of any bytes is refused with one code or waited for, and never gathered without end', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 10 }), (chunks) => {
        const reader = new HeadReader()
        try {
          for (const chunk of chunks) if (reader.push(Buffer.from(chunk))) return
          expect(chunks.reduce((sum, c) => sum + c.length, 0)).toBeLessThanOrEqual(4096)
        } catch (error) {
          expect(hasCode(error, 'PEER_PROTOCOL')).toBe(true)
        }
      })
    )
  })
})
