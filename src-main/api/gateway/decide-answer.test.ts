import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FoundContent } from '../../requests/reading.ts'
import { decideAnswer } from './decide-answer.ts'

const modified = 'Tue, 24 Nov 2026 23:54:36 GMT'
const content: FoundContent = {
  url: 'http://o.test/a',
  lengthBytes: 1000,
  etag: '"v1"',
  lastModified: modified,
  fields: { 'content-type': 'text/plain', 'cache-control': 'max-age=60', date: modified, vary: 'accept' },
  cached: false,
  stale: false,
  ageSeconds: 0
}
const ask = (headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET', more: Partial<FoundContent> = {}) =>
  decideAnswer(method, headers, { ...content, ...more })

describe('an answer about a content', () => {
  test('carries what the origin said about it', () => {
    expect(ask({})).toEqual({
      status: 200,
      span: { start: 0, end: 1000 },
      headers: {
        'content-type': 'text/plain',
        'cache-control': 'max-age=60',
        vary: 'accept',
        date: modified,
        etag: '"v1"',
        'last-modified': modified,
        via: '1.1 larder',
        'accept-ranges': 'bytes',
        'content-length': '1000'
      }
    })
  })

  test('has an age only when the origin did not just confirm it', () => {
    expect(ask({}).headers['age']).toBeUndefined()
    expect(ask({}, 'GET', { stale: true, ageSeconds: 77 }).headers['age']).toBe('77')
    expect(ask({}, 'GET', { ageSeconds: 5 }).headers['age']).toBe('5')
  })

  test('to HEAD has the length of the whole and no body, whatever range is named', () => {
    expect(ask({ range: 'bytes=0-1' }, 'HEAD')).toMatchObject({
      status: 200,
      span: null,
      headers: { 'content-length': '1000' }
    })
  })

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=990-', 990, 1000],
    ['bytes=990-5000', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-5000', 0, 1000],
    ['BYTES=1-2', 1, 3]
  ])('to %s is bytes %i to %i', (range, start, end) => {
    const answer = ask({ range })
    expect(answer).toMatchObject({
      status: 206,
      span: { start, end },
      headers: { 'content-range': `bytes ${start}-${end - 1}/1000`, 'content-length': String(end - start) }
    })
  })

  test.each([
    'bytes=5-1',
    'bytes=',
    'bytes=-',
    'bytes=0-1,5-6',
    'items=0-1',
    'bytes=x-1',
    'bytes=0-1x',
    '0-1',
    `bytes=${'9'.repeat(20)}-`
  ])('to the range %s is the whole', (range) => {
    expect(ask({ range })).toMatchObject({ status: 200, span: { start: 0, end: 1000 } })
  })

  test.each(['bytes=1000-', 'bytes=-0', 'bytes=5000-6000'])('to %s says how long the file is', (range) => {
    expect(() => ask({ range })).toThrow(
      expect.objectContaining({ code: 'RANGE_UNSATISFIABLE', details: { lengthBytes: 1000 } })
    )
  })

  test('of an empty file has no range', () => {
    expect(() => ask({ range: 'bytes=0-' }, 'GET', { lengthBytes: 0 })).toThrow(
      expect.objectContaining({ code: 'RANGE_UNSATISFIABLE' })
    )
    expect(ask({}, 'GET', { lengthBytes: 0 })).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
  })

  test.each([
    ['"v1"', 206],
    [modified, 206],
    ['"v2"', 200],
    ['W/"v1"', 200],
    ['Tue, 24 Nov 2026 23:54:37 GMT', 200],
    ['nonsense', 200]
  ])('to a range if it is still %s has status %i', (ifRange, status) => {
    expect(ask({ range: 'bytes=5-', 'if-range': ifRange }).status).toBe(status)
  })

  test('a weak entity tag holds no range together', () => {
    expect(ask({ range: 'bytes=5-', 'if-range': 'W/"v1"' }, 'GET', { etag: 'W/"v1"' }).status).toBe(200)
  })

  test.each<[Record<string, string>, number]>([
    [{ 'if-none-match': '"v1"' }, 304],
    [{ 'if-none-match': 'W/"v1"' }, 304],
    [{ 'if-none-match': '"a", "v1"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"v2"' }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': 'Tue, 24 Nov 2026 23:54:35 GMT' }, 200],
    [{ 'if-modified-since': 'nonsense' }, 200],
    [{ 'if-none-match': '"v2"', 'if-modified-since': modified }, 200],
    [{ 'if-none-match': '"v1"', 'cache-control': 'no-cache' }, 304],
    [{ 'if-none-match': '"v1"', range: 'bytes=0-1' }, 304],
    [{ 'if-match': '"v1"' }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-unmodified-since': modified }, 200]
  ])('to %j has status %i', (headers, status) => {
    for (const method of ['GET', 'HEAD'] as const) expect(ask(headers, method).status).toBe(status)
  })

  test.each<Record<string, string>>([
    { 'if-match': '"v2"' },
    { 'if-match': 'W/"v1"' },
    { 'if-unmodified-since': 'Tue, 24 Nov 2026 23:54:35 GMT' }
  ])('is refused under %j', (headers) => {
    expect(() => ask(headers)).toThrow(expect.objectContaining({ code: 'PRECONDITION_FAILED' }))
  })

  test('to 304 tells the validators and not the type', () => {
    const { headers } = ask({ 'if-none-match': '"v1"' })
    expect(headers).toMatchObject({ etag: '"v1"', 'last-modified': modified, 'cache-control': 'max-age=60' })
    expect(headers).not.toHaveProperty('content-type')
    expect(headers).not.toHaveProperty('content-length')
  })

  test('never leaves the file, whatever the range', () => {
    const field = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(3000), fc.nat(3000)).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat(3000).map((n) => `bytes=-${n}`),
      fc.nat(3000).map((n) => `bytes=${n}-`)
    )
    fc.assert(
      fc.property(field, fc.nat(2000), (range, lengthBytes) => {
        try {
          const { span, headers } = ask({ range }, 'GET', { lengthBytes })
          expect(span!.start).toBeGreaterThanOrEqual(0)
          expect(span!.end).toBeLessThanOrEqual(lengthBytes)
          expect(headers['content-length']).toBe(String(span!.end - span!.start))
        } catch (error) {
          expect(error).toMatchObject({ code: 'RANGE_UNSATISFIABLE' })
        }
      })
    )
  })
})
