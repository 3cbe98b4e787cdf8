import { createHash, createPrivateKey, generateKeyPairSync, sign as nodeSign, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { MAX_PIECES } from '../contract/peer-messages.ts'
import { LarderError } from '../lib/errors.ts'
import {
  createRecordVerifier,
  decodeRecord,
  encodeRecord,
  keyHashOf,
  RECORD_BYTES,
  recordMessage,
  signRecord,
  verifyRecord,
  type PieceRecord
} from './record.ts'

const key = `sha256:${'ab'.repeat(32)}` as ContentKey
const alice = device('prime256v1')

function device(namedCurve: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const id = createHash('sha256').update(spki).digest('hex') as PeerId
  return { id, spki, privateKey, sign: signer(privateKey) }
}
function signer(privateKey: KeyObject) {
  return (message: Buffer) =>
    nodeSign('sha256', message, {
      key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      dsaEncoding: 'ieee-p1363'
    })
}
function record(index = 7, epoch = 3, by = alice): PieceRecord {
  return signRecord(
    key,
    { index, epoch, digest: createHash('sha256').update('piece').digest(), signer: by.id },
    by.sign
  )
}

const anyRecord: fc.Arbitrary<PieceRecord> = fc.record({
  index: fc.integer({ min: 0, max: MAX_PIECES - 1 }),
  epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  signer: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex') as PeerId),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => Buffer.from(bytes))
})

test('a record is checked by the hash of its key as by the key, and by no other', () => {
  const verifier = createRecordVerifier()
  expect(verifier.verify(keyHashOf(key), record(), alice.spki)).toBe(true)
  const others = [
    keyHashOf(`version:${'ab'.repeat(32)}` as ContentKey),
    Buffer.alloc(32),
    Buffer.alloc(31),
    Buffer.alloc(0)
  ]
  expect(others.map((other) => verifier.verify(other, record(), alice.spki))).toEqual([false, false, false, false])
})

test('what is encoded decodes to the same record', () => {
  fc.assert(fc.property(anyRecord, (given) => void expect(decodeRecord(encodeRecord(given))).toEqual(given)))
})

test('any 136 bytes decode to a record that encodes to them again, or are refused as RECORD_INVALID', () => {
  const bytes = fc.uint8Array({ minLength: RECORD_BYTES, maxLength: RECORD_BYTES })
  const smallIndex = bytes.map((b) => Uint8Array.from([0, 0, b[2]! & 0x3f, ...b.subarray(3)]))
  fc.assert(
    fc.property(fc.oneof(bytes, smallIndex, fc.uint8Array({ maxLength: 300 })), (given) => {
      try {
        expect(encodeRecord(decodeRecord(given)).equals(given)).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(LarderError)
        expect((error as LarderError).code).toBe('RECORD_INVALID')
      }
    })
  )
})

test('a decoded record keeps no hold on the buffer it came from', () => {
  const bytes = encodeRecord(record())
  const decoded = decodeRecord(bytes)
  bytes.fill(0)
  expect(decoded).not.toEqual(decodeRecord(bytes))
})

test('a record verifies with the key of its signer', () => {
  expect(verifyRecord(key, record(), alice.spki)).toBe(true)
  expect(verifyRecord(key, decodeRecord(encodeRecord(record())), alice.spki)).toBe(true)
})

test('tampering with any field breaks the signature', () => {
  const genuine = record()
  const verifier = createRecordVerifier()
  for (let bit = 0; bit < RECORD_BYTES * 8; bit++) {
    const bytes = encodeRecord(genuine)
    bytes[bit >> 3]! ^= 0x80 >> (bit & 7)
    try {
      expect(verifier.verify(key, decodeRecord(bytes), alice.spki), `bit ${bit}`).toBe(false)
    } catch (error) {
      expect(error).toMatchObject({ code: 'RECORD_INVALID' })
    }
  }
  expect(verifyRecord(`sha256:${'ac'.repeat(32)}` as ContentKey, genuine, alice.spki)).toBe(false)
  expect(verifyRecord(`version:${'ab'.repeat(32)}` as ContentKey, genuine, alice.spki)).toBe(false)
})

test('nobody can sign in the name of another', () => {
  const mallory = device('prime256v1')
  const forged = signRecord(key, { ...record(), signer: alice.id }, mallory.sign)
  expect(verifyRecord(key, forged, mallory.spki)).toBe(false)
  expect(verifyRecord(key, forged, alice.spki)).toBe(false)
})

test('keys of another curve, of another kind and garbage are refused', () => {
  const other = device('secp384r1')
  const bySecp = { ...record(), signer: other.id }
  expect(verifyRecord(key, bySecp, other.spki)).toBe(false)
  const garbage = Buffer.from('no key')
  expect(
    verifyRecord(key, { ...record(), signer: createHash('sha256').update(garbage).digest('hex') as PeerId }, garbage)
  ).toBe(false)
})

test('a verifier with room for one key still answers right for two signers in turn', () => {
  const bob = device('prime256v1')
  const verifier = createRecordVerifier(1)
  for (let i = 0; i < 3; i++) {
    expect(verifier.verify(key, record(i), alice.spki)).toBe(true)
    expect(verifier.verify(key, record(i, 1, bob), bob.spki)).toBe(true)
    expect(verifier.verify(key, record(i, 1, bob), alice.spki)).toBe(false)
  }
})

test('a field out of range is refused before anything is signed', () => {
  const good = record()
  const bad = [
    { index: -1 },
    { index: MAX_PIECES },
    { index: 1.5 },
    { epoch: -1 },
    { epoch: 2 ** 32 },
    { digest: Buffer.alloc(31) },
    { signer: 'x' as PeerId }
  ]
  for (const change of bad) {
    expect(() => recordMessage(key, { ...good, ...change }), JSON.stringify(change)).toThrow(
      expect.objectContaining({ code: 'RECORD_INVALID' })
    )
    expect(() => encodeRecord({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
  }
  expect(() => signRecord(key, good, () => Buffer.alloc(70))).toThrow(
    expect.objectContaining({ code: 'RECORD_INVALID' })
  )
})
