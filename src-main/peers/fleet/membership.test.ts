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

  describe('while the key is being replaced', () => {
    const nextKey = newSiteKey()
    const both = siteKeyMembership(key, nextKey)
    const turned = siteKeyMembership(nextKey, key)
    const next = siteKeyMembership(nextKey)

    it('holders of the old, of both and of the new key know each other, those of old and new alone do not', () => {
      const names = { member, both, turned, next }
      const known = Object.entries(names).flatMap(([one, a]) =>
        Object.entries(names)
          .filter(([, b]) => b.proofHolds(channel(), 'dialer', a.prove(channel(), 'dialer')))
          .map(([other]) => `${one} ${other}`)
      )
      expect(known).toHaveLength(14)
      expect(known).not.toContain('member next')
      expect(known).not.toContain('next member')
    })

    it('a proof of three parts is none', () => {
      const proof = member.prove(channel(), 'dialer')
      expect(both.proofHolds(channel(), 'dialer', `${proof},${proof},${proof}`)).toBe(false)
      expect(both.proofHolds(channel(), 'dialer', `,${proof}`)).toBe(true)
    })

    it('the first key names fleet and contents, and beacons are sealed under each', () => {
      expect([both.tag, turned.tag]).toEqual([member.tag, next.tag])
      const blinded = 'sha256:00' as Parameters<typeof both.blind>[0]
      expect([both.blind(blinded), turned.blind(blinded)]).toEqual([member.blind(blinded), next.blind(blinded)])
      const [head, nonce, plain] = [Buffer.from('head'), randomBytes(12), Buffer.from('here')]
      const sealed = [0, 1].map((secret) => both.sealBeacon(head, nonce, plain, secret))
      const opened = (who: typeof both) => sealed.map((one) => who.openBeacon(head, nonce, one)?.toString())
      expect([both.secrets, opened(member), opened(next), opened(turned)]).toEqual([
        2,
        ['here', undefined],
        [undefined, 'here'],
        ['here', 'here']
      ])
    })

    it('who has both vouches so that holders of either believe it, also for somebody met by one key', () => {
      const spki = randomBytes(91)
      expect([member, next].map((who) => who.vouched(both.vouch(spki)))).toEqual([spki, spki])
      const others = randomBytes(91)
      expect(turned.vouched(next.vouch(others))).toEqual(others)
      expect(member.vouched(turned.passOn(next.vouch(others)))).toEqual(others)
      const foreign = siteKeyMembership(newSiteKey()).vouch(others)
      expect([turned.passOn(foreign), member.passOn(next.vouch(others))]).toEqual([foreign, next.vouch(others)])
      expect(siteKeyMembership(newSiteKey()).vouched(both.vouch(spki))).toBeUndefined()
    })
  })

  it('refuses a key of another form with a stable code', () => {
    for (const bad of ['', 'larder-site-', `${key}x`, key.replace('larder', 'Larder')]) {
      expect
        .soft(() => siteKeyMembership(bad))
        .toThrowError(expect.toSatisfy((e: unknown) => hasCode(e, 'SITE_KEY_INVALID')))
    }
  })
})
