import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import type { PieceRecord } from '../pieces/record.ts'
import { checkRecord, type SigningRights } from './check-record.ts'

const id = (digit: string) => digit.repeat(64) as PeerId
const [anna, bert, stranger] = [id('a'), id('b'), id('c')]
const record = (change: Partial<PieceRecord> = {}): PieceRecord => ({
  index: 0,
  epoch: 2,
  digest: Buffer.alloc(32),
  signer: anna,
  signature: Buffer.alloc(64),
  ...change
})
const rights = (change: Partial<SigningRights> = {}): SigningRights => ({
  memberKey: (signer) => (signer === stranger ? undefined : Buffer.from(signer, 'hex')),
  verify: () => true,
  ...change
})

describe('a record', () => {
  it('of a member is good, in whatever epoch it was signed', () => {
    for (const epoch of [0, 1, 2, 0xffff_ffff])
      expect(checkRecord(record({ epoch, signer: bert }), rights())).toBe('ok')
  })

  it('of a stranger is not, nor of a member that is believed no more', () => {
    expect(checkRecord(record({ epoch: 0, signer: stranger }), rights())).toBe('unknown-signer')
    expect(checkRecord(record(), rights({ memberKey: () => undefined }))).toBe('unknown-signer')
  })

  it('with a signature that does not hold is forged, whoever it names', () => {
    expect(checkRecord(record(), rights({ verify: () => false }))).toBe('forged')
    expect(checkRecord(record({ epoch: 0, signer: bert }), rights({ verify: () => false }))).toBe('forged')
  })

  it('costs no signature check before its signer is known', () => {
    const verify = () => {
      throw new Error('checked')
    }
    fc.assert(
      fc.property(fc.nat(5), fc.constantFrom(anna, bert, stranger), (epoch, signer) => {
        const check = () => checkRecord(record({ epoch, signer }), rights({ verify }))
        if (signer === stranger) expect(check()).toBe('unknown-signer')
        else expect(check).toThrow('checked')
      })
    )
  })
})
