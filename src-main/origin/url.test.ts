import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../lib/errors.ts'
import { fileNameOf, hostOf, MAX_URL_LENGTH, normaliseUrl, separateCredentials } from './url.ts'

describe('a URL', () => {
  it('has one spelling: normalising twice changes nothing', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'Z', '%20', '%zz', 'ä', '.', '..', '/', '?', '#', '&', '=', '@', ':', '\\', '|', '"'),
      maxLength: 12
    })
    const host = fc.constantFrom(
      'Host.example',
      'host.example:443',
      'host:80',
      '127.1',
      '[::1]:8080',
      'bücher.example',
      'u:p@host'
    )
    fc.assert(
      fc.property(fc.constantFrom('http', 'HTTPS'), host, part, (scheme, name, rest) => {
        const url = normaliseUrl(`${scheme}://${name}/${rest}`)
        expect(normaliseUrl(url)).toBe(url)
        expect(url).not.toContain('#')
      })
    )
  })

  it('is normal or refused with a code for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => `http://${s}`),
          fc.string().map((s) => `https://host/${s}`)
        ),
        (text) => {
          try {
            expect(normaliseUrl(text)).toMatch(/^https?:\/\//)
          } catch (error) {
            expect(hasCode(error, 'URL_INVALID', 'URL_SCHEME_UNSUPPORTED')).toBe(true)
          }
        }
      )
    )
  })

  it('loses fragment, default port and upper case of the host', () => {
    expect(normaliseUrl('HTTPS://Host.Example:443/A%20b?x=1#part')).toBe('https://host.example/A%20b?x=1')
  })

  it('is refused when it is not http, too long, or has blanks and line breaks in it', () => {
    expect(() => normaliseUrl('ftp://host/x')).toThrow(expect.objectContaining({ code: 'URL_SCHEME_UNSUPPORTED' }))
    expect(() => normaliseUrl('file:///etc/passwd')).toThrow(
      expect.objectContaining({ code: 'URL_SCHEME_UNSUPPORTED' })
    )
    for (const text of [
      '',
      'x',
      '/path',
      'http://',
      'http://a b/',
      'http://host/a\nb',
      ' http://host/',
      `http://host/${'a'.repeat(MAX_URL_LENGTH)}`,
      `http://host/${'ä'.repeat(3000)}`
    ]) {
      expect(() => normaliseUrl(text), text.slice(0, 30)).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
    }
  })

  it('gives up user name and password as an Authorization field', () => {
    expect(separateCredentials('https://us%40er:p%3Aw@host/x')).toEqual({
      url: 'https://host/x',
      authorization: `Basic ${Buffer.from('us@er:p:w').toString('base64')}`
    })
    expect(separateCredentials('https://host/x')).toEqual({ url: 'https://host/x', authorization: null })
    expect(hostOf('https://user:secret@host:8443/x?token=1')).toBe('host:8443')
    expect(fileNameOf('https://host/dir/a%20b.bin?x=/y')).toBe('a b.bin')
  })
})
