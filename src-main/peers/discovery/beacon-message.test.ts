import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BootId } from '../../contract/ids.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import { makeDevice } from '../../testing/device.ts'
import { newSiteKey } from '../fleet/site-key.ts'
import { siteKeyMembership } from '../fleet/membership.ts'
import {
  BEACON_BYTES,
  encodeBeacon,
  looksLikeBeacon,
  MAX_BEACON_BYTES,
  openBeacon,
  sealed,
  type BeaconMessage
} from './beacon-message.ts'

const membership = siteKeyMembership(newSiteKey())
const device = makeDevice()
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const message: fc.Arbitrary<Omit<BeaconMessage, 'id'>> = fc.record({
  bootId: hex(8) as fc.Arbitrary<BootId>,
  port: fc.integer({ min: 1, max: 65_535 }),
  counter: fc.maxSafeNat(),
  goodbye: fc.boolean(),
  replyWanted: fc.boolean()
})
const opened = (bytes: Buffer) => {
  const found = openBeacon(bytes, membership)
  if (found?.kind !== 'beacon') throw new Error('not opened')
  return found
}

describe('a beacon message', () => {
  it('is read as it was written, and is from the device that signed it', () => {
    fc.assert(
      fc.property(message, (m) => {
        const found = opened(encodeBeacon(m, membership, device))
        expect(found.message).toEqual({ ...m, id: device.id })
        expect(found.isSigned()).toBe(true)
      }),
      { numRuns: 50 }
    )
  })

  it('fits the datagram limit', () => {
    expect(BEACON_BYTES).toBeLessThanOrEqual(MAX_BEACON_BYTES)
  })

  it('is nothing after any byte was changed', () => {
    fc.assert(
      fc.property(message, fc.nat(BEACON_BYTES - 1), fc.integer({ min: 1, max: 255 }), (m, at, flip) => {
        const bytes = encodeBeacon(m, membership, device)
        bytes[at]! ^= flip
        expect(openBeacon(bytes, membership)).toBeUndefined()
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
          const bytes = encodeBeacon(m, membership, device)
          expect(openBeacon(bytes.subarray(0, cut), membership)).toBeUndefined()
          expect(openBeacon(Buffer.concat([bytes, tail]), membership)).toBeUndefined()
          expect(openBeacon(Buffer.from(tail), membership)).toBeUndefined()
        }
      )
    )
  })

  it('in the name of another device carries no signature, whatever of it is invented', () => {
    const forger = makeDevice()
    fc.assert(
      fc.property(message, fc.uint8Array({ minLength: 64, maxLength: 64 }), (m, noise) => {
        for (const sign of [forger.sign.bind(forger), () => Buffer.from(noise), () => Buffer.alloc(64)]) {
          const found = opened(encodeBeacon(m, membership, { spki: device.spki, sign }))
          expect(found.message.id).toBe(device.id)
          expect(found.isSigned()).toBe(false)
        }
        // A key that is no point of the curve.
        const spki = Buffer.concat([device.spki.subarray(0, -64), noise])
        expect(opened(encodeBeacon(m, membership, { spki, sign: forger.sign.bind(forger) })).isSigned()).toBe(false)
      }),
      { numRuns: 50 }
    )
  })

  it('tells whoever is not of the fleet nothing: no two have more in common than magic and version', () => {
    const quiet = { bootId: '11'.repeat(8) as BootId, port: 4726, goodbye: false, replyWanted: false }
    const beacons = Array.from({ length: 20 }, (_, counter) => encodeBeacon({ ...quiet, counter }, membership, device))
    expect(new Set(beacons.map((bytes) => bytes.toString('hex', 0, 5))).size).toBe(1)
    for (let at = 5; at + 4 <= BEACON_BYTES; at += 4)
      expect(new Set(beacons.map((bytes) => bytes.toString('hex', at, at + 4))).size, `bytes at ${at}`).toBe(20)
    for (const bytes of beacons) {
      expect(bytes.includes(device.spki.subarray(-64))).toBe(false)
      expect(bytes.includes(Buffer.from(membership.tag!, 'hex'))).toBe(false)
    }
  })

  it('of another fleet is nothing', () => {
    const other = siteKeyMembership(newSiteKey())
    fc.assert(
      fc.property(message, (m) => void expect(openBeacon(encodeBeacon(m, other, device), membership)).toBeUndefined()),
      { numRuns: 20 }
    )
  })

  it('of another protocol version is known as such, if a member made it, whatever its layout', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 255 }), fc.uint8Array({ maxLength: 400 }), (version, rest) => {
        const bytes = sealed(version, rest, membership)
        expect(looksLikeBeacon(bytes)).toBe(true)
        expect(openBeacon(bytes, membership)).toEqual({ kind: 'other-version', version })
        bytes[bytes.length - 1]! ^= 1
        expect(openBeacon(bytes, membership)).toBeUndefined()
      })
    )
    expect(PEER_PROTOCOL).toBe(2)
  })
})
