import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { PieceRecord } from '../pieces/record.ts'
import {
  fromFiles,
  isSigned,
  packProvenance,
  ProvenanceFiles,
  recordOf,
  toFiles,
  withProvenance
} from './provenance.ts'

const keyOf = (n: number) => `version:${n.toString(16).padStart(64, '0')}` as ContentKey
const signerOf = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const checked = { verifiedBy: 'sample', source: null } as const

const records = fc
  .array(
    fc.record({
      epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
      signer: fc.integer({ min: 0, max: 300 }).map(signerOf),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
      signature: fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => Buffer.from(bytes))
    }),
    { minLength: 1, maxLength: 40 }
  )
  .map((parts) => parts.map((part, index): PieceRecord => ({ ...part, index })))

describe('a provenance', () => {
  it('gives each first record back as it was, also from a file', () => {
    fc.assert(
      fc.property(records, (given) => {
        const packed = packProvenance(
          keyOf(1),
          checked,
          given,
          new Map([[given[0]!.signer, { spki: 's', proof: 'p' }]])
        )
        const [read] = fromFiles(ProvenanceFiles.parse(JSON.parse(JSON.stringify(toFiles([packed])))), given.length)
        expect(read).toEqual(packed)
        expect(isSigned(packed)).toBe(true)
        expect(given.map(({ index, digest }) => recordOf(read!, index, digest))).toEqual(given)
        expect(recordOf(read!, given.length, Buffer.alloc(32))).toBe(undefined)
      })
    )
  })

  it('with slots for another number of pieces has none', () => {
    const packed = packProvenance(keyOf(1), checked, [], new Map())
    expect(isSigned(packed)).toBe(false)
    const [cut] = fromFiles(toFiles([{ ...packed, slots: Buffer.alloc(69) }]) as never, 1)
    expect(cut!.slots.length).toBe(0)
  })

  it('keeps the signatures of the newest keys only, and one entry per key', () => {
    const record: PieceRecord = {
      index: 0,
      epoch: 1,
      signer: signerOf(7),
      digest: Buffer.alloc(32),
      signature: Buffer.alloc(64)
    }
    const all = Array.from({ length: 12 }, (_, i) => packProvenance(keyOf(i), checked, [record], new Map())).reduce(
      withProvenance,
      [] as ReturnType<typeof withProvenance>
    )
    expect(all.map(({ key }) => key)).toEqual([11, 10, 9, 8, 7, 6, 5, 4].map(keyOf))
    expect(all.map(isSigned)).toEqual([true, true, false, false, false, false, false, false])
    const again = withProvenance(all, packProvenance(keyOf(9), checked, [record], new Map()))
    expect(again.filter(({ key }) => key === keyOf(9))).toHaveLength(1)
    expect(again[0]!.key).toBe(keyOf(9))
  })
})
