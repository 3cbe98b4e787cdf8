import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { EMPTY_DENY_LIST, MAX_DENIED, MAX_DENY_LIST_BYTES, readDenyList, signDenyList } from './deny-list.ts'
import { DenyListHolder } from './deny-list-holder.ts'

const ca = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
const publicKey = createPublicKey(ca)
const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId

describe('a deny list', () => {
  it('comes back as it was signed, whatever is on it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffff_ffff }),
        fc.uniqueArray(fc.integer({ min: 0, max: 1e9 }), { maxLength: 50 }),
        (number, ids) => {
          const read = readDenyList(signDenyList(ca, number, ids.map(id)).bytes, publicKey)
          expect(read).toMatchObject({ number })
          expect([...read!.denied].sort()).toEqual(ids.map(id).sort())
        }
      ),
      { numRuns: 30 }
    )
  })

  it('is refused with any single bit changed, cut or lengthened', () => {
    const { bytes } = signDenyList(ca, 7, [id(1), id(2)])
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
        const bent = Buffer.from(bytes)
        bent[bit >> 3]! ^= 1 << (bit & 7)
        expect(readDenyList(bent, publicKey)).toBeUndefined()
      })
    )
    for (const other of [
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.alloc(0)
    ])
      expect(readDenyList(other, publicKey)).toBeUndefined()
  })

  it('is taken from its own CA only', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
    expect(readDenyList(signDenyList(other, 1, []).bytes, publicKey)).toBeUndefined()
  })

  it('is bounded, and fits into one message between peers', () => {
    const full = signDenyList(
      ca,
      1,
      Array.from({ length: MAX_DENIED }, (_, n) => id(n))
    )
    expect(full.bytes).toHaveLength(MAX_DENY_LIST_BYTES)
    expect(readDenyList(full.bytes, publicKey)?.denied.size).toBe(MAX_DENIED)
    expect(full.bytes.toString('base64url').length).toBeLessThanOrEqual(43_784)
    expect(() =>
      signDenyList(
        ca,
        2,
        Array.from({ length: MAX_DENIED + 1 }, (_, n) => id(n))
      )
    ).toThrow(RangeError)
  })

  it('only moves forward: an older one offered later changes nothing', () => {
    const kept: number[] = []
    const holder = new DenyListHolder(publicKey, EMPTY_DENY_LIST, ({ number }) => kept.push(number))
    const [first, second] = [signDenyList(ca, 1, [id(1)]), signDenyList(ca, 2, [])]
    expect(holder.offer(first.bytes)).toBe('adopted')
    expect(holder.denies(id(1))).toBe(true)
    expect(holder.offer(second.bytes)).toBe('adopted')
    expect(holder.offer(first.bytes)).toBe('old')
    expect(holder.denies(id(1))).toBe(false)
    expect(holder.offer(Buffer.from('nonsense'))).toBe('forged')
    // Not newer: no signature is looked at.
    expect(holder.offer(Buffer.concat([second.bytes.subarray(0, -64), Buffer.alloc(64)]))).toBe('old')
    expect(kept).toEqual([1, 2])
  })
})
