import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import { MAX_PIECES } from '../../contract/peer-messages.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { backoffMs } from './backoff.ts'
import { Hello, presentableName } from './hello.ts'
import { parsePiecesPath, piecesPath } from '../exchange/piece-request.ts'
import { parseSeed } from '../discovery/seed.ts'
import { KeyedBuckets, TokenBucket } from '../../lib/token-bucket.ts'

describe('the path of a piece request', () => {
  const key = `version:${'0f'.repeat(32)}` as ContentKey

  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.nat(MAX_PIECES - 1),
        fc.integer({ min: 1, max: MAX_PIECES }),
        (first, count) => void expect(parsePiecesPath(piecesPath(key, { first, count }))).toEqual({ key, first, count })
      )
    )
  })

  it('is nothing in any other form', () => {
    const path = piecesPath(key, { first: 1, count: 2 })
    for (const bad of [
      `${path}0000`,
      `${path}&x=1`,
      path.replace('first=1', 'first=-1'),
      path.replace('count=2', 'count=0'),
      path.replace('version', 'file'),
      `/..${path}`,
      path.replace('0f', '0F'),
      path.replace('first=1', 'first=99999')
    ]) {
      expect.soft(parsePiecesPath(bad), bad).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), (text) => void expect(parsePiecesPath(text)).toBeUndefined()))
  })
})

describe('a seed', () => {
  it.each([
    ['studio-2.local:4000', { host: 'studio-2.local', port: 4000 }],
    ['10.0.0.7', { host: '10.0.0.7', port: 4726 }],
    ['[fe80::1]:99', { host: 'fe80::1', port: 99 }],
    [' [::1] ', { host: '::1', port: 4726 }]
  ])('%j is read', (text, seed) => expect(parseSeed(text, 4726)).toEqual(seed))

  it.each(['', ':99', 'a:0', 'a:65536', 'a:b', 'a b', 'http://a', 'a/b', '::1', '[::1'])('%j is none', (text) =>
    expect(parseSeed(text, 4726)).toBeUndefined()
  )

  it('of any text is a host and a usable port, or nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const seed = parseSeed(text, 4726)
        if (seed) expect(seed.host.length > 0 && seed.port >= 1 && seed.port <= 65_535).toBe(true)
      })
    )
  })
})

describe('the name of a peer', () => {
  it('is always one that others accept', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 }).map((units) => String.fromCharCode(...units)),
        (name) => {
          expect(
            Hello.safeParse({ t: 'hello', name: presentableName(name), version: '1', port: 1, weight: 0 }).success
          ).toBe(true)
        }
      )
    )
  })

  it('with control characters or line breaks is not accepted', () => {
    for (const name of ['a\nb', 'a\u001b[31m', 'a\u202eb', 'x'.repeat(65)])
      expect.soft(Hello.safeParse({ t: 'hello', name, version: '1', port: 1, weight: 0 }).success).toBe(false)
  })
})

describe('a token bucket', () => {
  it('never lets more happen than its burst and rate allow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2000), { maxLength: 30 }), async (pauses) => {
        const clock = fakeClock()
        const bucket = new TokenBucket(clock, { burst: 5, perSecond: 10 })
        let taken = 0
        for (const ms of pauses) {
          await clock.pass(ms)
          while (bucket.take()) taken++
        }
        expect(taken).toBeLessThanOrEqual(5 + clock.monotonicMs() / 100)
      }),
      { numRuns: 30 }
    )
  })

  it('is kept for a bounded number of sources', () => {
    const buckets = new KeyedBuckets(fakeClock(), { burst: 1, perSecond: 1 }, 10)
    for (let i = 0; i < 1000; i++) buckets.of(String(i))
    expect(buckets.size).toBe(10)
  })
})

describe('the pause between attempts', () => {
  it('grows from half a second to at most a minute', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, () => random)
        expect(ms >= 500 && ms <= 60_000).toBe(true)
        if (attempt >= 6) expect(ms).toBeGreaterThanOrEqual(30_000)
      })
    )
  })
})
