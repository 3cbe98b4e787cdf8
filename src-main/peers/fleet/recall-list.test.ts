import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sha256Hex } from '../../contract/ids.ts'
import { MAX_PEER_MESSAGE_BYTES } from '../../contract/peer-messages.ts'
import { MAX_REASON_BYTES, MAX_RECALLED, readRecallList, signRecallList } from './recall-list.ts'

const ca = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const digest = (n: number) => n.toString(16).padStart(64, '0') as Sha256Hex

describe('a recall list', () => {
  it('comes back as it was signed, with reasons cut to one bounded line', () => {
    const entries = fc.array(fc.tuple(fc.nat(1000).map(digest), fc.string({ unit: 'grapheme', maxLength: 200 })), {
      maxLength: 20
    })
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 0xffff_ffff }), (given, number) => {
        const list = signRecallList(ca.privateKey, number, given)
        expect(readRecallList(list.bytes, ca.publicKey)).toEqual(list)
        for (const reason of list.recalled.values()) {
          expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(MAX_REASON_BYTES)
          expect(reason).not.toMatch(/[\n\r]/)
        }
      }),
      { numRuns: 30 }
    )
  })

  it('is refused with any byte changed, cut or lengthened, and from another CA', () => {
    const { bytes } = signRecallList(ca.privateKey, 3, [[digest(1), 'malware']])
    expect(readRecallList(bytes, other.publicKey)).toBe(undefined)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      expect(readRecallList(changed, ca.publicKey)).toBe(undefined)
      expect(readRecallList(bytes.subarray(0, at), ca.publicKey)).toBe(undefined)
    }
    expect(readRecallList(Buffer.concat([bytes, Buffer.of(0)]), ca.publicKey)).toBe(undefined)
  })

  it('is bounded, and fits into one message between peers', () => {
    const entries = Array.from({ length: MAX_RECALLED }, (_, n) => [digest(n), 'x'.repeat(500)] as const)
    const { bytes } = signRecallList(ca.privateKey, 1, entries)
    const message = JSON.stringify({ t: 'fleet.recalled', number: 1, list: bytes.toString('base64url') })
    expect(Buffer.byteLength(message)).toBeLessThan(MAX_PEER_MESSAGE_BYTES)
    expect(() => signRecallList(ca.privateKey, 1, [...entries, [digest(9999), '']])).toThrow(RangeError)
  })
})
