import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BootId, PeerId } from '../../contract/ids.ts'
import {
  BEACON_BYTES,
  decodeBeacon,
  encodeBeacon,
  looksLikeOurs,
  MAX_BEACON_BYTES,
  type BeaconMessage
} from './beacon-message.ts'
import { newSiteKey, siteKeyMembership } from '../fleet/membership.ts'

const membership = siteKeyMembership(newSiteKey())
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const message: fc.Arbitrary<BeaconMessage> = fc.record({
  id: hex(32) as fc.Arbitrary<PeerId>,
  bootId: hex(8) as fc.Arbitrary<BootId>,
  port: fc.integer({ min: 1, max: 65_535 }),
  counter: fc.maxSafeNat(),
  goodbye: fc.boolean(),
  replyWanted: fc.boolean()
})

describe('a beacon message', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        message,
        (m) =>
          void expect(decodeBeacon(encodeBeacon(m, membership), membership)).toEqual({ kind: 'beacon', message: m })
      )
    )
  })

  it('fits the datagram limit', () => {
    expect(BEACON_BYTES).toBeLessThanOrEqual(MAX_BEACON_BYTES)
  })

  it('is nothing after any byte was changed', () => {
    fc.assert(
      fc.property(message, fc.nat(BEACON_BYTES - 1), fc.integer({ min: 1, max: 255 }), (m, at, flip) => {
        const bytes = encodeBeacon(m, membership)
        bytes[at]! ^= flip
        expect(decodeBeacon(bytes, membership)).toBeUndefined()
      })
    )
  })

  it('is nothing when cut, prolonged or made of anything else', () => {
    fc.assert(
      fc.property(
        message,
        fc.nat(BEACON_BYTES - 1),
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        (m, cut, tail) => {
          const bytes = encodeBeacon(m, membership)
          expect(decodeBeacon(bytes.subarray(0, cut), membership)).toBeUndefined()
          expect(decodeBeacon(Buffer.concat([bytes, tail]), membership)).toBeUndefined()
          expect(decodeBeacon(Buffer.from(tail), membership)).toBeUndefined()
        }
      )
    )
  })

  it('of another fleet is put aside before any cryptography', () => {
    fc.assert(
      fc.property(
        message,
        (m) => void expect(looksLikeOurs(encodeBeacon(m, siteKeyMembership(newSiteKey())), membership)).toBe(false)
      ),
      { numRuns: 20 }
    )
  })

  it('of another protocol version is known as such, if a member made it, whatever its layout', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 255 }), fc.uint8Array({ maxLength: 400 }), (version, rest) => {
        const body = Buffer.concat([Buffer.from('LRDB'), Buffer.from([version, 0, 0, 0]), membership.beaconTag, rest])
        const bytes = Buffer.concat([body, membership.beaconMac(body)])
        expect(decodeBeacon(bytes, membership)).toEqual({ kind: 'other-version', version })
        bytes[bytes.length - 1]! ^= 1
        expect(decodeBeacon(bytes, membership)).toBeUndefined()
      })
    )
  })
})
