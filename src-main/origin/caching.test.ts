import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { cachingRules, forbidsSharing, mayServeStale } from './caching.ts'

const clock = fakeClock()
const rules = cachingRules(clock)
const dated = (cacheControl?: string) => ({
  date: new Date(clock.wallMs()).toUTCString(),
  ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl })
})
const stored = (cacheControl?: string) => JSON.parse(JSON.stringify(rules.of(dated(cacheControl), false).policy))

describe('caching rules', () => {
  it('let a plain answer be stored, and not one that forbids it', () => {
    expect(rules.of(dated(), false).storable).toBe(true)
    expect(rules.of(dated('max-age=60'), false).storable).toBe(true)
    for (const cc of ['no-store', 'private', 'No-Store, max-age=5'])
      expect(rules.of(dated(cc), false).storable, cc).toBe(false)
    expect(rules.of(dated(), true).storable).toBe(false)
  })

  it('allow a stale version where the origin does not forbid it', () => {
    for (const cc of [undefined, 'max-age=0', 'public', 'max-age=60'])
      expect(mayServeStale(stored(cc), clock), cc).toBe(true)
    for (const cc of ['must-revalidate', 'no-cache', 'proxy-revalidate', 's-maxage=60', 'max-age=9, must-revalidate'])
      expect(mayServeStale(stored(cc), clock), cc).toBe(false)
  })

  it('know when a version is fresh, by the clock they were given', async () => {
    const policy = stored('max-age=60')
    expect(rules.isFresh(policy)).toBe(true)
    expect(rules.isFresh(stored())).toBe(false)
    await clock.pass(61_000)
    expect(rules.isFresh(policy)).toBe(false)
    expect(rules.isFresh(rules.renewed(policy, dated()))).toBe(true)
    expect(rules.isFresh(rules.renewed(policy, dated('max-age=0')))).toBe(false)
  })

  it('are nothing when what was stored is damaged, whatever it is', () => {
    for (const policy of [null, undefined, 1, 'x', {}, { v: 1 }, { v: 2, t: 0, resh: {}, rescc: {}, reqcc: {} }]) {
      expect(mayServeStale(policy, clock)).toBe(false)
      expect(rules.isFresh(policy)).toBe(false)
    }
    fc.assert(
      fc.property(fc.anything(), (policy) => {
        mayServeStale(policy, clock)
        rules.isFresh(policy)
        rules.renewed(policy, dated())
      })
    )
  })

  it('keep no header field but the ruling ones', () => {
    const kept = JSON.stringify(
      rules.of(
        { ...dated('max-age=1'), 'set-cookie': ['secret=1'], 'x-signed': 'secret', location: 'https://h/?sig=secret' },
        false
      ).policy
    )
    expect(kept).not.toContain('secret')
  })

  it('find private and no-store among other directives', () => {
    for (const cc of ['private', 'max-age=1,private', 'No-Store', 'private="x"', 'public, no-store , a'])
      expect(forbidsSharing({ 'cache-control': cc }), cc).toBe(true)
    for (const cc of [undefined, 'public', 'max-age=1', 'x-private', 'privately'])
      expect(forbidsSharing({ 'cache-control': cc }), cc).toBe(false)
  })
})
