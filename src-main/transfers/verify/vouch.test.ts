import { describe, expect, it } from 'vitest'
import { packProvenance } from '../../cache/provenance.ts'
import type { KeyProvenance } from '../../cache/cache.ts'
import type { SourceFacts } from '../../contract/provenance.ts'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import { mayOffer, recordToServe, type OfferRules } from './vouch.ts'

const named = `sha256:${'a'.repeat(64)}` as ContentKey
const unnamed = `version:${'b'.repeat(64)}` as ContentKey
const [self, anna] = ['1', '2'].map((digit) => digit.repeat(64) as PeerId) as [PeerId, PeerId]
const rules: OfferRules = { withoutDigest: 'check', self, isHere: (name) => name === 'office', believes: () => true }
const source = (scheme: 'http' | 'https', network: string | null): SourceFacts => ({
  url: `${scheme}://e.test/a`,
  scheme,
  address: null,
  at: 1,
  issuer: null,
  network
})
const provenance = (more: Partial<KeyProvenance> = {}): KeyProvenance => ({
  verifiedBy: 'sample',
  source: source('https', null),
  signers: [{ id: anna, credential: { spki: 's', proof: 'p' } }],
  ...more
})

describe('a complete content', () => {
  it('is offered by digest whatever is known of it', () => {
    expect(mayOffer(named, undefined, { ...rules, withoutDigest: 'never' })).toBe(true)
  })

  it('without digest is offered with first signatures that members believe, and not without', () => {
    expect(mayOffer(unnamed, provenance(), rules)).toBe(true)
    expect(mayOffer(unnamed, provenance({ signers: null }), rules)).toBe(false)
    expect(mayOffer(unnamed, provenance({ signers: [{ id: anna, credential: null }] }), rules)).toBe(false)
    expect(mayOffer(unnamed, provenance(), { ...rules, believes: () => false })).toBe(false)
    expect(mayOffer(unnamed, undefined, rules)).toBe(false)
  })

  it('that this PC downloaded itself needs no other signature', () => {
    expect(mayOffer(unnamed, provenance({ verifiedBy: 'origin', signers: null }), rules)).toBe(true)
  })

  it('that came over http is offered only in the network it came in', () => {
    const own = (network: string | null) => provenance({ verifiedBy: 'origin', source: source('http', network) })
    expect(mayOffer(unnamed, own('office'), rules)).toBe(true)
    expect(mayOffer(unnamed, own('a café'), rules)).toBe(false)
    expect(mayOffer(unnamed, own(null), rules)).toBe(false)
    expect(mayOffer(unnamed, provenance({ verifiedBy: 'origin', source: null }), rules)).toBe(false)
  })

  it('without digest is never offered where the settings say so', () => {
    expect(mayOffer(unnamed, provenance({ verifiedBy: 'origin' }), { ...rules, withoutDigest: 'never' })).toBe(false)
  })
})

describe('the record of a piece', () => {
  const digest = Buffer.alloc(32, 3)
  const first: PieceRecord = { index: 0, epoch: 4, digest, signer: anna, signature: Buffer.alloc(64, 9) }
  const again: PieceRecord = { ...first, epoch: 0, signer: self }
  const packed = (verifiedBy: KeyProvenance['verifiedBy'], records = [first]) =>
    packProvenance(unnamed, { verifiedBy, source: null }, records, new Map())

  it('is its first one, and is never signed again by a PC that did not download it', () => {
    expect(recordToServe(packed('sample'), { key: unnamed, index: 0, digest }, () => again)).toEqual(first)
    expect(recordToServe(packed('members', []), { key: unnamed, index: 0, digest }, () => again)).toBe(undefined)
    expect(recordToServe(undefined, { key: unnamed, index: 0, digest }, () => again)).toBe(undefined)
  })

  it('is this PC’s own where it downloaded the content, or a digest of the whole holds', () => {
    expect(recordToServe(packed('origin', []), { key: unnamed, index: 0, digest }, () => again)).toBe(again)
    expect(recordToServe(undefined, { key: named, index: 0, digest }, () => again)).toBe(again)
  })
})
