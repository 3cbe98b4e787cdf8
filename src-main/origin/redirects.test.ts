import { describe, expect, it } from 'vitest'
import { MAX_REDIRECTS, nextHop } from './redirects.ts'
import { callerFields, fieldsFor, isCredentialField } from './request-headers.ts'

const refused = expect.objectContaining({ code: 'ORIGIN_REDIRECTS' })

describe('a redirect', () => {
  it('is followed relative to who sent it, without fragment and user name', () => {
    expect(nextHop(['https://a.example/x/y'], '../z?q=1#f')).toBe('https://a.example/z?q=1')
    expect(nextHop(['http://a.example/'], 'https://user:pw@b.example/z')).toBe('https://b.example/z')
  })

  it('is refused in a circle, after too many, and to other schemes', () => {
    expect(() => nextHop(['http://a.example/1', 'http://a.example/2'], '/1#again')).toThrow(refused)
    const chain = Array.from({ length: MAX_REDIRECTS + 1 }, (_, i) => `http://a.example/${i}`)
    expect(nextHop(chain.slice(0, -1), '/next')).toBe('http://a.example/next')
    expect(() => nextHop(chain, '/next')).toThrow(refused)
    for (const target of ['file:///etc/passwd', 'ftp://a.example/', 'javascript:1', 'http://', 'http://a b/'])
      expect(() => nextHop(['http://a.example/'], target), target).toThrow(refused)
  })

  it('never steps down from https to http, unless a digest vouches for the bytes', () => {
    expect(() => nextHop(['https://a.example/x'], 'http://a.example/x')).toThrow(
      expect.objectContaining({ code: 'ORIGIN_DOWNGRADE' })
    )
    expect(nextHop(['https://a.example/x'], 'http://b.example/x', { mayDowngrade: true })).toBe('http://b.example/x')
    expect(nextHop(['http://a.example/x'], 'https://a.example/x')).toBe('https://a.example/x')
  })

  it('names the host in its refusal, never path or query', () => {
    try {
      nextHop(['https://a.example/secret?token=abc'], 'http://b.example/other?sig=def')
      expect.unreachable()
    } catch (error) {
      expect(String(error)).toContain('a.example')
      expect(String(error)).not.toMatch(/secret|token|abc|other|sig|def/)
    }
  })
})

describe('fields of a caller', () => {
  it('cannot touch the connection, ranges, or conditions', () => {
    expect(
      callerFields({
        Host: 'x',
        Range: 'bytes=0-1',
        'If-None-Match': '"x"',
        Connection: 'close',
        'Accept-Encoding': 'br',
        'Content-Length': '5',
        'Transfer-Encoding': 'chunked',
        'X-Ok': '1',
        Empty: ''
      })
    ).toEqual({ 'x-ok': '1' })
  })

  it('stay with the origin they were meant for, but for harmless ones', () => {
    const fields = { authorization: 'Bearer x', 'x-custom': '1', accept: 'text/plain' }
    expect(fieldsFor(fields, 'https://a.example/x', 'https://a.example/y')).toEqual(fields)
    for (const other of ['https://b.example/', 'http://a.example/', 'https://a.example:444/', 'https://sub.a.example/'])
      expect(fieldsFor(fields, 'https://a.example/x', other)).toEqual({ accept: 'text/plain' })
  })

  it('make a request private when they say who is asking', () => {
    for (const name of [
      'Authorization',
      'Cookie',
      'PRIVATE-TOKEN',
      'X-Api-Key',
      'X-JFrog-Art-Api-Key',
      'X-Auth-User',
      'x-amz-security-token'
    ])
      expect(isCredentialField(name), name).toBe(true)
    for (const name of ['accept', 'user-agent', 'x-request-id', 'referer'])
      expect(isCredentialField(name), name).toBe(false)
  })
})
