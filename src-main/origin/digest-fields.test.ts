import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDigest, parseReprDigest } from './digest-fields.ts'

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))

describe('published digests', () => {
  it('are found in Repr-Digest among others', () => {
    fc.assert(
      fc.property(digests, fc.boolean(), (bytes, first) => {
        const ours = `sha-256=:${bytes.toString('base64')}:`
        const other = `sha-512=:${Buffer.alloc(64, 1).toString('base64')}:`
        expect(parseReprDigest(first ? `${ours}, ${other}` : `${other},${ours}`)).toBe(bytes.toString('hex'))
      })
    )
  })

  it('are found in the older Digest among others', () => {
    fc.assert(
      fc.property(digests, (bytes) => {
        expect(parseDigest(`SHA-256=${bytes.toString('base64')}`)).toBe(bytes.toString('hex'))
        expect(parseDigest(`md5=abc==, sha-256=${bytes.toString('base64')}, adler32=1`)).toBe(bytes.toString('hex'))
      })
    )
  })

  it('are a digest or nothing for any text', () => {
    const nearly = fc
      .tuple(fc.constantFrom('sha-256=', 'SHA-256=', 'sha-256=:', 'sha-256=?1'), fc.base64String())
      .map(([a, b]) => a + b)
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        for (const parse of [parseReprDigest, parseDigest])
          expect(parse(text) ?? '0'.repeat(64)).toMatch(/^[0-9a-f]{64}$/)
      })
    )
  })

  it('of the wrong length or kind count for nothing', () => {
    expect(parseReprDigest(`sha-256=:${Buffer.alloc(31).toString('base64')}:`)).toBeNull()
    expect(parseReprDigest('sha-256="text"')).toBeNull()
    expect(parseReprDigest('sha-256=(:AA==:)')).toBeNull()
    expect(parseDigest(`SHA-256=${Buffer.alloc(20).toString('base64')}`)).toBeNull()
    expect(parseDigest(`SHA-512=${Buffer.alloc(32).toString('base64')}`)).toBeNull()
    expect(parseReprDigest('x'.repeat(10_000))).toBeNull()
  })
})
