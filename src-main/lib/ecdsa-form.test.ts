import { generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derFromP1363, p1363FromDer } from './ecdsa-form.ts'

/** 32 bytes that begin with any number of zeros. */
const half = fc
  .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(32))
  .map(([bytes, zeros]) => bytes.fill(0, 0, zeros))

test('a signature survives the way to the other form and back, whatever its halves begin with', () => {
  fc.assert(
    fc.property(half, half, (r, s) => {
      const signature = Buffer.concat([r, s])
      expect(p1363FromDer(derFromP1363(signature)).equals(signature)).toBe(true)
    })
  )
})

test('both forms hold before the library, and only while nothing was changed', () => {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  for (let i = 0; i < 200; i++) {
    const message = Buffer.from(`message ${i}`)
    const signature = p1363FromDer(sign('sha256', message, key))
    expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    const other = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })
    expect(verify('sha256', message, publicKey, derFromP1363(other))).toBe(true)
    other[i % 64]! ^= 1
    expect(verify('sha256', message, publicKey, derFromP1363(other))).toBe(false)
  }
})

test('anything else is refused', () => {
  expect(() => derFromP1363(Buffer.alloc(63))).toThrow(RangeError)
  const good = derFromP1363(Buffer.alloc(64, 0x81))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        expect(p1363FromDer(bytes)).toHaveLength(64)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    })
  )
  for (const wrong of [
    good.subarray(1),
    good.subarray(0, -1),
    Buffer.concat([good, good]),
    Buffer.alloc(0),
    Buffer.from([0x30, 4, 2, 0, 2, 0])
  ])
    expect(() => p1363FromDer(wrong)).toThrow(RangeError)
})
