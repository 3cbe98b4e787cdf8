import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../lib/errors.ts'
import { parseIntegrity } from './integrity.ts'

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))

describe('an expected digest', () => {
  it('is the same in hex, base64, base64url and upper case', () => {
    fc.assert(
      fc.property(digests, (bytes) => {
        const hex = bytes.toString('hex')
        expect(parseIntegrity(hex)).toBe(hex)
        expect(parseIntegrity(hex.toUpperCase())).toBe(hex)
        expect(parseIntegrity(`sha256-${bytes.toString('base64')}`)).toBe(hex)
        expect(parseIntegrity(`sha256-${bytes.toString('base64url')}`)).toBe(hex)
      })
    )
  })

  it('is the SHA-256 of several hashes, options left aside', () => {
    fc.assert(
      fc.property(digests, fc.shuffledSubarray(['sha384-AAAA', 'sha512-BBBB==', 'md5-xyz']), (bytes, others) => {
        const text = [...others, `sha256-${bytes.toString('base64')}?ct=application/x`].sort().join('  ')
        expect(parseIntegrity(text)).toBe(bytes.toString('hex'))
      })
    )
  })

  it('is a digest or DIGEST_INVALID for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 120 }),
          fc.string().map((s) => `sha256-${s}`)
        ),
        (text) => {
          try {
            expect(parseIntegrity(text)).toMatch(/^[0-9a-f]{64}$/)
          } catch (error) {
            expect(hasCode(error, 'DIGEST_INVALID')).toBe(true)
          }
        }
      )
    )
  })

  it('is refused when it is cut, padded wrongly, or names two values', () => {
    const good = Buffer.alloc(32, 7).toString('base64')
    for (const text of [
      '',
      'sha256-',
      `sha256-${good.slice(0, -4)}`,
      `sha256-${good}=`,
      `sha256-${good.slice(0, -2)}x=`,
      'sha384-AAAA',
      'ab'.repeat(31),
      `sha256-${good} sha256-${Buffer.alloc(32, 8).toString('base64')}`,
      'a'.repeat(5000)
    ]) {
      expect(() => parseIntegrity(text), text).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
    }
  })
})
