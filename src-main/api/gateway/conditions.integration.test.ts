import { describe, test, vi } from 'vitest'
import { LATER, LONG_AGO, ONE, TWO, one, two, cacheSite, type Step } from '../../testing/cache-site.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const play = cacheSite()
const kept: Step = { at: one({ 'last-modified': LONG_AGO }), body: ONE }

describe('conditions', () => {
  test.each<[string, Step[]]>([
    [
      'If-None-Match of what is there: 304 with the tag and no type',
      [
        kept,
        {
          ask: { 'if-none-match': '"same"' },
          status: 304,
          body: '',
          has: { etag: '"same"' },
          hasNot: ['content-type', 'content-length']
        }
      ]
    ],
    [
      'If-None-Match on a PC that has nothing',
      [{ at: one(), ask: { 'if-none-match': '"same"' }, via: 1, status: 304 }]
    ],
    [
      'If-None-Match weakly, in a list, and *',
      [
        kept,
        { ask: { 'if-none-match': 'W/"same"' }, status: 304 },
        { ask: { 'if-none-match': '"a", "same", "b"' }, status: 304 },
        { ask: { 'if-none-match': '*' }, status: 304 }
      ]
    ],
    [
      'If-None-Match counts before If-Modified-Since',
      [
        kept,
        { ask: { 'if-none-match': '"other"', 'if-modified-since': LATER }, body: ONE },
        { ask: { 'if-none-match': '"same"', 'if-modified-since': 'Sun, 01 Jan 2023 00:00:00 GMT' }, status: 304 }
      ]
    ],
    [
      'If-None-Match of what was there before',
      [kept, { at: two({ etag: '"new"' }), ask: { 'if-none-match': '"same"' }, body: TWO, has: { etag: '"new"' } }]
    ],
    [
      'If-Modified-Since',
      [
        kept,
        { ask: { 'if-modified-since': LONG_AGO }, status: 304 },
        { ask: { 'if-modified-since': LATER }, status: 304 },
        { ask: { 'if-modified-since': 'Sunday, 01-Jan-23 00:00:00 GMT' }, body: ONE },
        { ask: { 'if-modified-since': 'yesterday' }, body: ONE }
      ]
    ],
    [
      'If-Match and If-Unmodified-Since',
      [
        kept,
        { ask: { 'if-match': '"same"' }, body: ONE },
        { ask: { 'if-match': '"other"' }, status: 412 },
        { ask: { 'if-match': 'W/"same"' }, status: 412 },
        { ask: { 'if-unmodified-since': LATER }, body: ONE },
        { ask: { 'if-unmodified-since': 'Sun, 01 Jan 2023 00:00:00 GMT' }, status: 412 }
      ]
    ],
    [
      'a 304 of the origin brings what it says again',
      [
        { at: one({ 'content-type': 'text/plain', expires: LONG_AGO }), has: { 'content-type': 'text/plain' } },
        {
          at: {
            ...two(),
            unchanged: { etag: '"same"', 'cache-control': 'max-age=7', 'content-type': 'text/css', expires: LATER }
          },
          body: ONE,
          has: { 'cache-control': 'max-age=7', expires: LATER }
        },
        {
          at: { ...two(), unchanged: { etag: '"same"' } },
          body: ONE,
          has: { 'cache-control': 'max-age=7', expires: LATER }
        }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))
})

describe('HEAD and parts', () => {
  test.each<[string, Step[]]>([
    [
      'HEAD says what GET would',
      [
        {
          at: one({ 'content-type': 'text/plain' }),
          method: 'HEAD',
          body: '',
          has: { 'content-length': '13', etag: '"same"', 'content-type': 'text/plain' }
        },
        { body: ONE, has: { 'content-length': '13', etag: '"same"', 'content-type': 'text/plain' } },
        { at: two({ etag: '"new"' }), method: 'HEAD', body: '', has: { etag: '"new"' } },
        { body: TWO }
      ]
    ],
    [
      'HEAD knows no parts',
      [
        kept,
        {
          method: 'HEAD',
          ask: { range: 'bytes=0-2' },
          body: '',
          has: { 'content-length': '13' },
          hasNot: ['content-range']
        }
      ]
    ],
    [
      'a part of what is kept',
      [
        kept,
        {
          ask: { range: 'bytes=0-2' },
          status: 206,
          body: 'one',
          has: { 'content-range': 'bytes 0-2/13', 'content-length': '3', etag: '"same"' }
        },
        { ask: { range: 'bytes=5-' }, status: 206, body: 'and more' },
        { ask: { range: 'bytes=-4' }, status: 206, body: 'more' },
        { ask: { range: 'bytes=5-999' }, status: 206, body: 'and more', has: { 'content-range': 'bytes 5-12/13' } },
        { ask: { range: 'bytes=13-' }, status: 416, has: { 'content-range': 'bytes */13' } },
        { ask: { range: 'lines=1-2' }, body: ONE },
        { ask: { range: 'bytes=3-1' }, body: ONE }
      ]
    ],
    [
      'a part of what is not kept is no whole',
      [
        { at: one(), ask: { range: 'bytes=0-2' }, status: 206, body: 'one' },
        { at: one(), body: ONE, has: { 'content-length': '13' } }
      ]
    ],
    [
      'a part of another version is not put to the rest',
      [
        { at: one(), ask: { range: 'bytes=0-2' }, status: 206, body: 'one' },
        {
          at: two({ etag: '"new"' }),
          ask: { range: 'bytes=3-' },
          status: 206,
          body: ', and more',
          has: { etag: '"new"' }
        },
        { body: TWO }
      ]
    ],
    [
      'If-Range',
      [
        kept,
        { ask: { range: 'bytes=0-2', 'if-range': '"same"' }, status: 206, body: 'one' },
        { ask: { range: 'bytes=0-2', 'if-range': 'W/"same"' }, body: ONE },
        { ask: { range: 'bytes=0-2', 'if-range': '"other"' }, body: ONE },
        { ask: { range: 'bytes=0-2', 'if-range': LONG_AGO }, status: 206, body: 'one' },
        { ask: { range: 'bytes=0-2', 'if-range': LATER }, body: ONE },
        { at: two({ etag: '"new"' }), ask: { range: 'bytes=3-', 'if-range': '"same"' }, body: TWO }
      ]
    ]
  ])('%s', (_name, steps) => play(steps))
})
