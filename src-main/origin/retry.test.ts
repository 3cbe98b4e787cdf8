import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failureOf, retryAfter, retryOf, statusFailure } from './failures.ts'
import { MAX_RETRIES, MAX_RETRIES_TOO_MANY, pauseBeforeRetry } from './retry.ts'

const system = (code: string) =>
  Object.assign(new Error('connect to https://user:pw@host/secret?sig=1 failed'), { code })

describe('an error on the way to an origin', () => {
  it('has the code of its cause and a sentence with the host, never the URL', () => {
    const expected: Record<string, string> = {
      ENOTFOUND: 'ORIGIN_UNREACHABLE',
      ECONNREFUSED: 'ORIGIN_UNREACHABLE',
      ECONNRESET: 'ORIGIN_UNREACHABLE',
      ERR_PROXY_TUNNEL: 'ORIGIN_UNREACHABLE',
      SOMETHING_NEW: 'ORIGIN_UNREACHABLE',
      CERT_HAS_EXPIRED: 'ORIGIN_TLS',
      ERR_TLS_CERT_ALTNAME_INVALID: 'ORIGIN_TLS',
      SELF_SIGNED_CERT_IN_CHAIN: 'ORIGIN_TLS',
      ERR_SSL_WRONG_VERSION_NUMBER: 'ORIGIN_TLS',
      EPROTO: 'ORIGIN_TLS',
      HPE_INVALID_CONSTANT: 'ORIGIN_PROTOCOL',
      HPE_HEADER_OVERFLOW: 'ORIGIN_PROTOCOL',
      Z_DATA_ERROR: 'ORIGIN_PROTOCOL'
    }
    for (const [code, larder] of Object.entries(expected)) {
      const error = failureOf(system(code), 'host.example')
      expect(error.code, code).toBe(larder)
      expect(JSON.stringify(error.toView())).not.toMatch(/secret|sig=|pw/)
      expect(error.message).toContain('host.example')
    }
  })

  it('of a status says what the status means', () => {
    const codeOf = (status: number) => statusFailure(status, {}, 'h', 0).code
    expect([404, 410].map(codeOf)).toEqual(['ORIGIN_NOT_FOUND', 'ORIGIN_NOT_FOUND'])
    expect([401, 403].map(codeOf)).toEqual(['ORIGIN_FORBIDDEN', 'ORIGIN_FORBIDDEN'])
    expect([400, 418, 429, 500, 503].map(codeOf)).toEqual(Array(5).fill('ORIGIN_STATUS'))
    expect(codeOf(407)).toBe('PROXY_CREDENTIALS')
  })

  it('is retried only where that can help', () => {
    expect(retryOf(statusFailure(404, {}, 'h', 0))).toBe('never')
    expect(retryOf(statusFailure(400, {}, 'h', 0))).toBe('never')
    expect(retryOf(statusFailure(503, {}, 'h', 0))).toBe('soon')
    expect(retryOf(statusFailure(429, { 'retry-after': '3' }, 'h', 0))).toEqual({ afterMs: 3000 })
    expect(retryOf(failureOf(system('ECONNRESET'), 'h'))).toBe('soon')
    expect(retryOf(failureOf(system('ENOTFOUND'), 'h'))).toBe('never')
    expect(retryOf(failureOf(system('CERT_HAS_EXPIRED'), 'h'))).toBe('never')
  })

  it('is retried a few times with growing pauses, never before the origin wants it', () => {
    const status = fc.constantFrom(404, 403, 429, 500, 503)
    fc.assert(
      fc.property(
        status,
        fc.option(fc.nat(120)),
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (code, after, attempt, random) => {
          const error = statusFailure(code, after === null ? {} : { 'retry-after': String(after) }, 'h', 0)
          const pause = pauseBeforeRetry(error, attempt, random)
          const most = code === 429 ? MAX_RETRIES_TOO_MANY : MAX_RETRIES
          if (attempt > most || code === 404 || code === 403 || (after ?? 0) > 60) {
            expect(pause).toBeNull()
            return
          }
          expect(pause).toBeGreaterThanOrEqual(Math.max(187, (after ?? 0) * 1000))
          expect(pause).toBeLessThanOrEqual(60_000)
        }
      )
    )
    const reset = failureOf(system('ECONNRESET'), 'h')
    expect([1, 2].map((attempt) => pauseBeforeRetry(failureOf(system('ETIMEDOUT'), 'h'), attempt, 0.5))).toEqual([
      250,
      null
    ])
    expect([1, 2, 3, 4].map((attempt) => pauseBeforeRetry(reset, attempt, 0.5))).toEqual([250, 500, 1000, null])
  })

  it('of a server that was asked too often is retried by seconds, also where it does not say how long to wait', () => {
    const tooMany = statusFailure(429, {}, 'h', 0)
    const pauses = [1, 2, 3, 4, 5, 6].map((attempt) => pauseBeforeRetry(tooMany, attempt, 0.5))
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 8000, null])
    const told = statusFailure(429, { 'retry-after': '3' }, 'h', 0)
    expect([1, 3].map((attempt) => pauseBeforeRetry(told, attempt, 0.5))).toEqual([3000, 4000])
  })

  it('reads Retry-After as seconds or date, and no text makes it negative', () => {
    expect(retryAfter('120', 0)).toBe(120_000)
    expect(retryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000)
    expect(retryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000)).toBe(0)
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(retryAfter(text, 0) ?? 0).toBeGreaterThanOrEqual(0)
      })
    )
  })
})
