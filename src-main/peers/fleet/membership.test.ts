import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../lib/errors.ts'
import { siteKeyMembership, type Channel } from './membership.ts'
import { newSiteKey } from './site-key.ts'

const key = newSiteKey()
const member = siteKeyMembership(key)
const channel = (more: Partial<Channel> = {}): Channel => ({
  dialerCertificate: Buffer.alloc(32, 1),
  acceptorCertificate: Buffer.alloc(32, 2),
  exporter: Buffer.alloc(32, 3),
  protocol: 1,
  ...more
})

describe('membership by site key', () => {
  it('recognises another holder of the key', () => {
    const other = siteKeyMembership(key)
    expect(other.proofHolds(channel(), 'dialer', member.prove(channel(), 'dialer'))).toBe(true)
    expect(other.tag).toBe(member.tag)
  })

  it('does not accept a proof made with another key', () => {
    const stranger = siteKeyMembership(newSiteKey())
    expect(member.proofHolds(channel(), 'dialer', stranger.prove(channel(), 'dialer'))).toBe(false)
    expect(stranger.tag).not.toBe(member.tag)
  })

  it('binds a proof to role, certificates, connection and protocol version', () => {
    const proof = member.prove(channel(), 'dialer')
    expect(member.proofHolds(channel(), 'acceptor', proof)).toBe(false)
    expect(member.proofHolds(channel({ dialerCertificate: Buffer.alloc(32, 9) }), 'dialer', proof)).toBe(false)
    expect(member.proofHolds(channel({ acceptorCertificate: Buffer.alloc(32, 9) }), 'dialer', proof)).toBe(false)
    expect(member.proofHolds(channel({ exporter: Buffer.alloc(32, 9) }), 'dialer', proof)).toBe(false)
    expect(member.proofHolds(channel({ protocol: 2 }), 'dialer', proof)).toBe(false)
    // A reflected proof: the roles and the certificates swapped.
    expect(
      member.proofHolds(
        channel({ dialerCertificate: Buffer.alloc(32, 2), acceptorCertificate: Buffer.alloc(32, 1) }),
        'acceptor',
        proof
      )
    ).toBe(false)
  })

  it('takes any text for no proof', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(member.proofHolds(channel(), 'dialer', text)).toBe(false)))
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (b) => void expect(member.proofHolds(channel(), 'dialer', Buffer.from(b).toString('base64url'))).toBe(false)
      )
    )
  })

  it('vouches for public keys so that members believe it and others do not', () => {
    const spki = randomBytes(91)
    const credential = member.vouch(spki)
    expect(siteKeyMembership(key).vouched(credential)).toEqual(spki)
    // Also once it is known that there is a good one for this key.
    expect(member.vouched(credential)).toEqual(spki)
    expect(member.vouched({ ...credential, proof: randomBytes(32).toString('base64url') })).toBeUndefined()
    expect(member.vouched(credential)).toEqual(spki)
    expect(siteKeyMembership(newSiteKey()).vouched(credential)).toBeUndefined()
    expect(member.vouched({ ...credential, spki: randomBytes(91).toString('base64url') })).toBeUndefined()
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        (a, b) => void expect(member.vouched({ spki: a, proof: b })).toBeUndefined()
      )
    )
  })

  it('refuses a key of another form with a stable code', () => {
    for (const bad of ['', 'larder-site-', `${key}x`, key.replace('larder', 'Larder')]) {
      expect
        .soft(() => siteKeyMembership(bad))
        .toThrowError(expect.toSatisfy((e: unknown) => hasCode(e, 'SITE_KEY_INVALID')))
    }
  })
})
