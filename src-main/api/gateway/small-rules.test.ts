import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LarderError } from '../../lib/errors.ts'
import { routeRange } from '../../requests/range-route.ts'
import { GatewayHost } from '../../contract/settings.ts'
import { assertNoBrowser, assertOwnHost, listedBy, showsToken } from './access.ts'
import { answerToPass, choosingFields, fieldsToPass, isLoop, personalField } from './fields.ts'
import { readTarget } from './target.ts'

const own = ['127.0.0.1:4727', 'localhost:4727']
const coded = (code: string) => expect.objectContaining({ code })

describe('the target of a call', () => {
  test.each([
    ['/fetch?url=https%3A%2F%2Fe.test%2Fa%3Fb%3D1', 'query', 'https://e.test/a?b=1'],
    ['/fetch?url=http://e.test/a', 'query', 'http://e.test/a'],
    ['/fetch?url=https://e.test/a?b=1&c=2+3%26%2F', 'query', 'https://e.test/a?b=1&c=2+3%26%2F'],
    ['/fetch?url=https%3A%2F%2Fe.test%2Fa%2Bb+c', 'query', 'https://e.test/a+b+c'],
    ['/fetch/https/e.test/a%2Fb/c+d?x=1&url=2', 'path', 'https://e.test/a%2Fb/c+d?x=1&url=2'],
    ['/fetch/http/e.test:8080/simple/', 'path', 'http://e.test:8080/simple/'],
    ['/fetch/http/e.test%3A8080/a%3Ab', 'path', 'http://e.test:8080/a%3Ab'],
    ['/fetch/http/%5B::1%5d%3a80/a', 'path', 'http://[::1]/a'],
    ['/fetch/https://e.test/a', 'path', 'https://e.test/a'],
    ['/fetch/https:/e.test/a', 'path', 'https://e.test/a'],
    ['http://e.test/a?b#c', 'proxy', 'http://e.test/a?b'],
    ['http://127.0.0.1:4727/fetch?url=http://e.test/', 'query', 'http://e.test/'],
    ['http://127.0.0.1:4727/fetch/http/e.test/a?b', 'path', 'http://e.test/a?b']
  ])('%s', (target, form, url) => {
    expect(readTarget('GET', target, own)).toEqual({ form, url, authorization: null })
  })

  test('keeps a user name out of the URL', () => {
    expect(readTarget('GET', '/fetch?url=http://u:p%40@e.test/a', own)).toEqual({
      form: 'query',
      url: 'http://e.test/a',
      authorization: `Basic ${Buffer.from('u:p@').toString('base64')}`
    })
  })

  test.each([
    ['POST', 'http://e.test/', 'GATEWAY_METHOD'],
    ['CONNECT', 'e.test:443', 'GATEWAY_METHOD'],
    ['GET', '/', 'NOT_FOUND'],
    ['GET', '/fetch', 'BAD_REQUEST'],
    ['GET', '/fetch?url=a&url=b', 'BAD_REQUEST'],
    // Half of it is lost: where the rest belongs is not known.
    ['GET', '/fetch?url=https%3A%2F%2Fe.test%2Fa%3Fb=1&c=2', 'BAD_REQUEST'],
    ['GET', '/fetch?other=1&url=https%3A%2F%2Fe.test', 'BAD_REQUEST'],
    ['GET', '/fetch?url=%ff', 'BAD_REQUEST'],
    ['GET', '/fetch/ftp/e.test/a', 'NOT_FOUND'],
    ['GET', '/fetch/https/', 'URL_INVALID'],
    ['GET', '/fetchhttps/e.test', 'NOT_FOUND'],
    ['GET', '/fetch?url=file:///etc/passwd', 'URL_SCHEME_UNSUPPORTED'],
    ['GET', '/fetch?url=/a', 'URL_INVALID'],
    ['GET', 'https://e.test/', 'URL_SCHEME_UNSUPPORTED'],
    ['GET', 'ftp://e.test/', 'URL_SCHEME_UNSUPPORTED'],
    ['GET', '*', 'URL_INVALID'],
    ['GET', `/fetch?url=http://e.test/${'a'.repeat(9000)}`, 'URL_INVALID'],
    ['GET', '/fetch/https//e.test/a', 'URL_INVALID'],
    ['GET', '/fetch/https:///e.test/a', 'URL_INVALID'],
    ['GET', '/fetch?url=https:///e.test/a', 'URL_INVALID'],
    ['GET', '/fetch?url=https%3A%2F%2F%2Fe.test%2Fa', 'URL_INVALID'],
    ['GET', 'http:///e.test/a', 'URL_INVALID'],
    ['GET', '/fetch?url=http%3A//e.test/%0d%0aX:1', 'URL_INVALID']
  ])('%s %s is refused', (method, target, code) => {
    expect(() => readTarget(method, target, own)).toThrow(coded(code))
  })

  test('whatever comes, it is an absolute web URL or an error with a code', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((s) => `/fetch?url=${encodeURIComponent(s)}`),
          fc.webUrl().map((s) => `/fetch?url=${s}`)
        ),
        (target) => {
          try {
            const { url } = readTarget('GET', target, own)
            expect(new URL(url)).toMatchObject({ username: '', password: '', hash: '' })
            expect(url).toMatch(/^https?:/)
          } catch (error) {
            expect(error).toBeInstanceOf(LarderError)
          }
        }
      )
    )
  })
})

describe('who may use the gateway', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36'
  test.each([
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:4727' },
    { referer: 'https://evil.test/page' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'image' },
    { 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-user': '?1' },
    { 'upgrade-insecure-requests': '1', accept: 'text/html' },
    { 'user-agent': chrome },
    { 'user-agent': 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Safari/605.1.15' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:89.0) Gecko/20100101 Firefox/89.0' },
    { 'access-control-request-method': 'GET' }
  ])('no page: %j', (headers) => {
    expect(() => assertNoBrowser(headers)).toThrow(coded('FORBIDDEN'))
  })

  test.each([
    { 'user-agent': 'curl/8.16.0' },
    { 'user-agent': 'Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.4391' },
    {
      'user-agent': `${chrome} Electron/45.4.1`,
      'sec-fetch-site': 'none',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'empty'
    },
    { 'user-agent': `${chrome} Electron/45.4.1` }
  ])('a program: %j', (headers) => {
    expect(() => assertNoBrowser(headers)).not.toThrow()
    expect(personalField({ host: 'e.test', ...headers })).toBeNull()
  })

  test('the fetch of Node, as it is here', async () => {
    const server = createServer((request, response) => response.end(JSON.stringify(request.headers)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const headers = (await answer.json()) as IncomingHttpHeaders
    server.close()
    expect(headers['sec-fetch-mode']).toBe('cors')
    expect(() => assertNoBrowser(headers)).not.toThrow()
    expect(personalField(headers)).toBeNull()
    expect(choosingFields(headers)).toBeUndefined()
  })

  test.each([undefined, '', 'evil.test', 'evil.test:4727', '127.0.0.1', '127.0.0.1:1', 'localhost:4727@evil.test'])(
    'not under the host %s',
    (host) => {
      expect(() => assertOwnHost(host, own)).toThrow(coded('FORBIDDEN'))
    }
  )

  test.each([
    ['http://e.test/', ['e.test'], true],
    ['http://e.test:81/', ['e.test'], true],
    ['http://E.TEST/', ['e.test'], true],
    ['http://e.test/', ['E.Test'], true],
    ['http://e.test:81/', ['e.test:80'], false],
    ['http://e.test/', ['e.test:80'], true],
    ['https://e.test/', ['e.test:443'], true],
    ['https://e.test/', ['e.test:80'], false],
    ['http://a.e.test/', ['*.e.test'], true],
    ['http://e.test/', ['*.e.test'], false],
    ['http://evile.test/', ['*.e.test'], false],
    ['http://e.test.evil/', ['e.test'], false],
    ['http://a.e.test/', ['e.test'], false],
    ['http://any.test/', ['*'], true],
    ['http://any.test/', [], false],
    ['http://127.0.0.1:8080/', ['127.0.0.1:8080'], true],
    ['http://[::1]:80/', ['[::1]:80'], true],
    ['http://[::1]/', ['[::1]'], true]
  ])('%s under %j: %s', (url, entries, listed) => {
    expect(listedBy(url, entries) !== null).toBe(listed)
    for (const entry of entries) expect(GatewayHost.safeParse(entry).success).toBe(true)
  })

  test('`*` names no host, an entry of its own does', () => {
    expect(listedBy('http://e.test/', ['*'])).toBe('other')
    expect(listedBy('http://e.test/', ['*', 'e.test'])).toBe('policy')
    expect(listedBy('http://a.e.test/', ['*.e.test', '*'])).toBe('policy')
  })

  test.each(['', 'http://e.test', 'a*.test', '*e.test', 'e.test/', 'e.test:x', '*.*', 'a b', '-a:1\n'])(
    'the list takes no %j',
    (entry) => {
      expect(GatewayHost.safeParse(entry).success).toBe(false)
    }
  )

  test('the token counts as Bearer and as the password of Basic', () => {
    const token = 'ab'.repeat(32)
    expect(showsToken(undefined, token)).toBe(false)
    for (const field of [
      `Bearer ${token}`,
      `bearer ${token}`,
      `Basic ${btoa(`larder:${token}`)}`,
      `Basic ${btoa(`:${token}`)}`
    ])
      expect(showsToken(field, token), field).toBe(true)
    for (const field of [
      '',
      'Bearer',
      'Bearer x',
      `Basic ${btoa(token.slice(1))}`,
      `Digest ${token}`,
      `Bearer ${token}x`
    ])
      expect(() => showsToken(field, token), field).toThrow(coded('TOKEN_INVALID'))
  })
})

describe('fields', () => {
  test('of ordinary tools say nothing about who is asking', () => {
    expect(
      personalField({
        host: 'e.test',
        'user-agent': 'Debian APT-HTTP/1.3',
        accept: 'text/*',
        'cache-control': 'max-age=0',
        'if-modified-since': 'x',
        range: 'bytes=1-',
        'if-range': 'x',
        'proxy-connection': 'Keep-Alive',
        'accept-encoding': 'identity'
      })
    ).toBeNull()
  })

  test('of package managers neither, unless one names a user', () => {
    for (const [name, value] of [
      ['x-zypp-anonymousid', 'e2b5'],
      ['x-zypp-distributionflavor', 'appliance'],
      ['cargo-protocol', 'version=1'],
      ['flatpak-ref', 'app/org.example.App/x86_64/stable'],
      ['x-gemfile-source', 'https://gems.example/']
    ] as const)
      expect(personalField({ host: 'e.test', [name]: value }), name).toBeNull()
    expect(personalField({ host: 'e.test', 'x-gemfile-source': 'https://u:pw@gems.example/' })).toBe('x-gemfile-source')
    const npm = {
      'user-agent': 'npm/11.19.1 node/v20.20.2',
      'pacote-version': '21.5.1',
      'pacote-req-type': 'tarball',
      'pacote-pkg-id': 'remote:http://e.test/x.tgz',
      'npm-auth-type': 'web',
      'npm-command': 'pack',
      accept: '*/*'
    }
    const maven = {
      'user-agent': 'Apache-Maven/3.9',
      'cache-control': 'no-cache',
      'cache-store': 'no-store',
      pragma: 'no-cache',
      expires: '0'
    }
    for (const headers of [npm, maven]) expect(personalField({ host: 'e.test', ...headers })).toBeNull()
  })

  test.each([
    'authorization',
    'cookie',
    'npm-otp',
    'x-api-key',
    'private-token',
    'x-amz-security-token',
    'anything-else'
  ])('%s makes a request personal', (name) => {
    expect(personalField({ host: 'e.test', [name]: 'x' })).toBe(name)
  })

  test('that belong to one connection stay there', () => {
    const { headers, conditions } = fieldsToPass({
      host: 'gateway',
      connection: 'close, x-secret-hop',
      'x-secret-hop': '1',
      'proxy-authorization': 'Bearer t',
      'proxy-connection': 'x',
      te: 'x',
      authorization: 'Basic u',
      cookie: 'a=b',
      range: 'bytes=1-',
      'if-none-match': '"a"',
      via: '1.1 squid'
    })
    expect(headers).toEqual({ authorization: 'Basic u', cookie: 'a=b', via: '1.1 squid, 1.1 larder' })
    expect(conditions).toEqual({ range: 'bytes=1-', 'if-none-match': '"a"' })
    expect(
      answerToPass({
        connection: 'keep-alive',
        'keep-alive': 'x',
        'transfer-encoding': 'chunked',
        'set-cookie': ['a', 'b'],
        etag: '"e"'
      })
    ).toEqual({ 'set-cookie': ['a', 'b'], etag: '"e"', via: '1.1 larder' })
  })

  test('that choose among representations are kept, those that do not are left out', () => {
    expect(choosingFields({ accept: '*/*', 'user-agent': 'curl' })).toBeUndefined()
    expect(choosingFields({ accept: 'text/*', 'accept-language': 'de' })).toEqual({
      accept: 'text/*',
      'accept-language': 'de'
    })
  })

  test.each([
    [{ via: '1.1 larder' }, true],
    [{ via: '1.1 a, 1.1 larder' }, true],
    [{ 'user-agent': 'larder/0.1.0 (agent)' }, true],
    [{ 'user-agent': 'larder/0.1.0' }, false],
    [{ via: '1.1 larderous' }, false],
    [{}, false]
  ])('%j: a loop %s', (headers, loop) => {
    expect(isLoop(headers)).toBe(loop)
  })
})

describe('a part of a file that is not here', () => {
  const GIB = 1024 ** 3
  test.each([
    ['the rest of it is a download being resumed', { start: 5, end: GIB }, GIB, 'transfer'],
    ['a look into a large file goes to the origin', { start: 0, end: 1000 }, GIB, 'origin'],
    ['most of it is most of it', { start: 0, end: GIB / 2 }, GIB, 'transfer'],
    ['of a small file the whole is fetched', { start: 0, end: 10 }, 1024 ** 2, 'transfer']
  ] as const)('%s', (_title, span, lengthBytes, route) => {
    expect(routeRange(span, lengthBytes, { isHere: false, others: 0 })).toBe(route)
    expect(routeRange(span, lengthBytes, { isHere: true, others: 0 })).toBe('transfer')
  })

  test('parts of a download that asks for several at once come from one transfer', () => {
    const part = { start: 100 * 1024 ** 2, end: 110 * 1024 ** 2 }
    expect(routeRange(part, GIB, { isHere: false, others: 0 })).toBe('origin')
    expect(routeRange(part, GIB, { isHere: false, others: 1 })).toBe('transfer')
    expect(routeRange({ start: GIB / 4, end: GIB / 2 }, GIB, { isHere: false, others: 0 })).toBe('transfer')
    // What aria2 asks for when it shares out the last of a download.
    const last = { start: 1024 ** 2, end: 2 * 1024 ** 2 }
    expect(routeRange(last, GIB, { isHere: false, others: 1 })).toBe('transfer')
    expect(routeRange({ start: 5, end: 4096 }, GIB, { isHere: false, others: 3 })).toBe('origin')
  })
})
