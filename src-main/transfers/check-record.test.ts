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
  masters: [
    { epoch: 1, master: bert },
    { epoch: 2, master: anna }
  ],
  memberKey: (signer) => (signer === stranger ? undefined : Buffer.from(signer, 'hex')),
  verify: () => true,
  ...change
})

describe('a record', () => {
  it('of the master of its epoch is good, of a former one as well', () => {
    expect(checkRecord(record(), rights())).toBe('ok')
    expect(checkRecord(record({ epoch: 1, signer: bert }), rights())).toBe('ok')
  })

  it('of a wrong epoch is not good: another reigned then, or nobody knows of it', () => {
    expect(checkRecord(record({ epoch: 1 }), rights())).toBe('not-master')
    expect(checkRecord(record({ epoch: 2, signer: bert }), rights())).toBe('not-master')
    expect(checkRecord(record({ epoch: 3 }), rights())).toBe('not-master')
    expect(checkRecord(record({ epoch: 0xffff_ffff }), rights())).toBe('not-master')
  })

  it('may be vouched for by any member itself, by no stranger', () => {
    expect(checkRecord(record({ epoch: 0, signer: bert }), rights())).toBe('ok')
    expect(checkRecord(record({ epoch: 0, signer: stranger }), rights())).toBe('unknown-signer')
  })

  it('with a signature that does not hold is forged, whoever it names', () => {
    expect(checkRecord(record(), rights({ verify: () => false }))).toBe('forged')
    expect(checkRecord(record({ epoch: 0, signer: bert }), rights({ verify: () => false }))).toBe('forged')
  })

  it('costs no signature check before everything else is right', () => {
    const verify = () => {
      throw new Error('checked')
    }
    fc.assert(
      fc.property(fc.nat(5), fc.constantFrom(anna, bert, stranger), (epoch, signer) => {
        const mayCheck =
          signer !== stranger && (epoch === 0 || (epoch === 1 && signer === bert) || (epoch === 2 && signer === anna))
        const check = () => checkRecord(record({ epoch, signer }), rights({ verify }))
        if (mayCheck) expect(check).toThrow('checked')
        else expect(['not-master', 'unknown-signer']).toContain(check())
      })
    )
  })
})
