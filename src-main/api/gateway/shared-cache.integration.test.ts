import { describe, test, vi } from 'vitest'
import {
  LATER,
  LONG_AGO,
  ONE,
  TWO,
  one,
  two,
  cacheSite,
  type At,
  type Fields,
  type Step
} from '../../testing/cache-site.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const play = cacheSite()

/** Kept for nobody: neither this PC nor the other one gets it again. */
const unshared = (fields: Fields, ask?: Record<string, string>): Step[] => [
  { at: one(fields), body: ONE, ...(ask && { ask }) },
  { at: two(fields), body: TWO, ...(ask && { ask }), via: 1 },
  { at: one(fields), body: ONE, ...(ask && { ask }), via: 1 },
  { at: two(fields), body: TWO }
]

describe('what a shared cache may use again', () => {
  test.each<[string, Step[]]>([
    [
      'is what the origin confirms, on both PCs',
      [
        { at: one(), body: ONE },
        { at: two(), body: ONE },
        { body: ONE, via: 1 }
      ]
    ],
    [
      'is nothing that it does not confirm',
      [
        { at: one(), body: ONE },
        { at: two({ etag: '"other"' }), body: TWO },
        { body: TWO, via: 1 }
      ]
    ],
    [
      'is confirmed by date where there is no tag',
      [
        { at: { body: ONE, fields: { 'last-modified': LONG_AGO } }, body: ONE },
        {
          at: { body: TWO, fields: { 'last-modified': LONG_AGO } },
          body: ONE,
          origin: { 'if-modified-since': LONG_AGO }
        },
        { at: { body: TWO, fields: { 'last-modified': LATER } }, body: TWO }
      ]
    ],
    [
      'is asked about although it is fresh',
      [
        { at: one({ 'cache-control': 'max-age=9999, immutable' }) },
        { body: ONE, origin: { 'if-none-match': '"same"' } }
      ]
    ],
    [
      'is another file for another query',
      [
        { at: one(), body: ONE, query: '?a=1' },
        { at: two(), body: TWO, query: '?a=2' },
        { at: two(), body: TWO, query: '?a=1&a=1' },
        { at: two(), body: ONE, query: '?a=1', via: 1 }
      ]
    ],
    [
      'comes behind an interim answer, too',
      [
        { at: { ...one(), hints: true }, body: ONE, hasNot: ['link'] },
        { at: { ...two(), hints: true }, body: ONE }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))
})

describe('a shared cache gives nobody', () => {
  test.each<[string, Step[]]>([
    ['no-store', unshared({ 'cache-control': 'no-store' })],
    ['No-StOrE beside max-age', unshared({ 'cache-control': 'max-age=10000, No-StOrE' })],
    ['no-store in a second field', unshared({ 'cache-control': ['max-age=10000', 'no-store'] })],
    ['private', unshared({ 'cache-control': 'private, max-age=3600' })],
    ['PRIVATE with a list of fields', unshared({ 'cache-control': 'max-age=3600, PRIVATE="x-a"' })],
    ['what sets a cookie', unshared({ 'set-cookie': ['a=b'] })],
    ['Vary: *', unshared({ vary: '*' })],
    ['Vary: * among others', unshared({ vary: 'accept, *' })],
    ['an answer to Authorization', unshared({}, { authorization: 'Basic YTpi' })],
    [
      'an answer to Authorization that is public',
      unshared({ 'cache-control': 'public, max-age=3600' }, { authorization: 'Basic YTpi' })
    ],
    ['an answer to a cookie', unshared({}, { cookie: 'a=b' })],
    ['an answer to a field it does not know', unshared({}, { 'x-api-user': 'me' })],
    ['an answer to a request that says no-store', unshared({}, { 'cache-control': 'no-store' })],
    [
      'an error',
      [
        { at: { ...one(), status: 500 }, status: 500 },
        { at: two(), body: TWO }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))

  test('a cookie along with what is public', () =>
    play([
      { at: one({ 'cache-control': 'public, max-age=9', 'set-cookie': ['a=b'] }), body: ONE, hasNot: ['set-cookie'] },
      {
        at: two({ 'cache-control': 'public, max-age=9', 'set-cookie': ['a=c'] }),
        body: ONE,
        via: 1,
        hasNot: ['set-cookie']
      }
    ]))

  test.each(['private', 'no-store'])('what has become %s since', (rule) =>
    play([
      { at: one(), body: ONE },
      { at: two({ 'cache-control': rule }), body: TWO },
      { at: two({ 'cache-control': rule }), body: TWO, via: 1 }
    ])
  )

  test('what was kept to somebody who says who it is', () =>
    play([
      { at: one(), body: ONE },
      { at: two(), body: TWO, ask: { authorization: 'Basic YTpi' }, origin: { authorization: 'Basic YTpi' } },
      { at: two(), body: TWO, ask: { cookie: 'a=b' }, has: { 'cache-status': /fwd=bypass; detail=private-cookie/ } }
    ]))

  test('fields of one connection', () =>
    play([
      { at: one({ connection: 'x-hop', 'x-hop': '1', 'cache-control': 'private' }), hasNot: ['x-hop'], body: ONE },
      { at: one({ connection: 'x-hop', 'x-hop': '1' }), hasNot: ['x-hop', 'proxy-authenticate'], body: ONE }
    ]))
})

/** By what the request says; the tag is the same for all, as of servers that do not care. */
const varying =
  (names: string, by: string): At =>
  (headers) => ({
    body: `for ${String(headers[by] ?? 'nobody')}`,
    fields: { etag: '"same"', vary: names, 'cache-control': 'max-age=3600' }
  })

describe('Vary', () => {
  test.each<[string, Step[]]>([
    [
      'tells what is accepted apart, also between PCs',
      [
        { at: varying('Accept', 'accept'), ask: { accept: 'text/html' }, body: 'for text/html' },
        { ask: { accept: 'text/plain' }, body: 'for text/plain' },
        { ask: { accept: 'text/plain' }, body: 'for text/plain', via: 1 },
        { ask: { accept: 'text/html' }, body: 'for text/html', via: 1 },
        { ask: { accept: 'text/html' }, body: 'for text/html' }
      ]
    ],
    [
      'tells a field from none',
      [
        { at: varying('accept-LANGUAGE', 'accept-language'), ask: { 'accept-language': 'de' }, body: 'for de' },
        { body: 'for nobody' },
        { body: 'for nobody', via: 1 },
        { ask: { 'accept-language': 'de' }, body: 'for de', via: 1 }
      ]
    ],
    [
      'tells two fields by both',
      [
        {
          at: (h) => ({
            body: `${h.accept}/${h['accept-language']}`,
            fields: { etag: '"same"', vary: 'Accept, Accept-Language' }
          }),
          ask: { accept: 'a/b', 'accept-language': 'de' },
          body: 'a/b/de'
        },
        { ask: { accept: 'a/b', 'accept-language': 'fr' }, body: 'a/b/fr' },
        { ask: { accept: 'a/c', 'accept-language': 'de' }, body: 'a/c/de' },
        { ask: { accept: 'a/b', 'accept-language': 'de' }, body: 'a/b/de', via: 1 }
      ]
    ],
    [
      'by the program gives each what the origin gives it',
      [
        { at: varying('User-Agent', 'user-agent'), ask: { 'user-agent': 'wget/1' }, body: 'for wget/1' },
        { ask: { 'user-agent': 'curl/8' }, body: 'for curl/8' },
        { ask: { 'user-agent': 'curl/8' }, body: 'for curl/8', via: 1 }
      ]
    ],
    [
      'by a field that is not passed on gives each what the origin gives it',
      [
        { at: varying('DNT', 'dnt'), ask: { dnt: '1' }, body: 'for 1' },
        { ask: { dnt: '0' }, body: 'for 0', via: 1 }
      ]
    ],
    [
      'by the coding is the same for all, as none is asked for',
      [
        { at: { ...one({ vary: 'Accept-Encoding' }) }, ask: { 'accept-encoding': 'gzip' }, body: ONE },
        { at: { ...two({ vary: 'Accept-Encoding' }) }, ask: { 'accept-encoding': 'br' }, body: ONE, via: 1 }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))
})

describe('who wants nothing but what is kept (only-if-cached)', () => {
  const kept = { 'cache-control': 'only-if-cached' }
  test.each<[string, Step[]]>([
    [
      'gets it while it is fresh, without a question to the origin',
      [
        { at: one(), body: ONE },
        { at: 'down', ask: kept, body: ONE, has: { 'cache-status': 'larder; hit' } },
        { at: 'down', ask: { ...kept, range: 'bytes=0-2' }, status: 206, body: 'one' },
        { at: 'down', ask: { ...kept, 'if-none-match': '"same"' }, status: 304 }
      ]
    ],
    [
      'gets 504 for what is not here, though the origin has it',
      [
        { at: one(), ask: kept, status: 504, has: { 'larder-error': 'NOT_KEPT' }, hasNot: ['retry-after'] },
        { at: one(), body: ONE, via: 1 },
        { at: one(), ask: kept, status: 504 }
      ]
    ],
    [
      'gets what is old only with max-stale',
      [
        { at: one({ 'cache-control': 'max-age=0' }), body: ONE },
        { at: two(), ask: kept, status: 504 },
        {
          at: two(),
          ask: { 'cache-control': 'only-if-cached, max-stale' },
          body: ONE,
          has: { 'cache-status': /stale/ }
        }
      ]
    ],
    [
      'gets nothing that asks as somebody, or of what may not be kept',
      [
        { at: one(), body: ONE },
        { at: one(), ask: { ...kept, cookie: 'a=b' }, status: 504 },
        { at: one(), ask: { 'cache-control': 'only-if-cached, no-store' }, status: 504 }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))
})

describe('an origin that cannot be asked', () => {
  const stale = { 'cache-control': 'max-stale' }
  const gone = (rules: string): Step[] => [
    { at: one({ 'cache-control': rules }), body: ONE },
    { at: 'down', ask: stale, status: 502, hasNot: ['etag'] }
  ]
  test.each<[string, Step[]]>([
    [
      'leaves nothing to anyone who does not take what is old',
      [
        { at: one(), body: ONE },
        { at: 'down', status: 502 }
      ]
    ],
    [
      'leaves what is old, with its age, to anyone who takes it',
      [
        { at: one({ 'cache-control': 'max-age=1', age: '100' }), body: ONE },
        { at: 'down', ask: stale, body: ONE, has: { age: /^1\d\d$/, 'cache-status': /hit; detail=stale/ } }
      ]
    ],
    ['leaves nothing under must-revalidate', gone('max-age=0, must-revalidate')],
    ['leaves nothing under proxy-revalidate', gone('max-age=0, proxy-revalidate')],
    ['leaves nothing under no-cache', gone('No-Cache')],
    ['leaves nothing under s-maxage', gone('s-maxage=0')]
  ])('%s', (_name, steps) => play(steps))
})

describe('an unsafe method', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH'])(
    '%s is refused, and what it changes elsewhere is seen at once',
    (method) =>
      play([
        { at: one(), body: ONE },
        { method, status: 405, has: { allow: 'GET, HEAD' } },
        { at: two({ etag: '"new"' }), body: TWO },
        { body: TWO, via: 1 }
      ])
  )
})
