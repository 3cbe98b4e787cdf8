import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newReleaseKey, publicReleaseKey, readManifest, signManifest } from './manifest.ts'
import { aManifest } from '../testing/release-files.ts'

const [ours, next, other] = [newReleaseKey(), newReleaseKey(), newReleaseKey()]
const keys = [ours.publicKey]
const text = signManifest(aManifest(), [ours.privatePem])
const codeOf = (given: string | Uint8Array, known = keys): string => {
  try {
    readManifest(Buffer.from(given as string), known)
    return 'believed'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a signed manifest is read as it was written', () => {
  expect(readManifest(Buffer.from(text), keys)).toEqual(aManifest())
  expect(publicReleaseKey(ours.privatePem)).toBe(ours.publicKey)
})

test('one signed by another key, or by none that this build knows, is refused', () => {
  expect(codeOf(signManifest(aManifest(), [other.privatePem]))).toBe('UPDATE_SIGNATURE_INVALID')
  expect(codeOf(text, [])).toBe('UPDATE_SIGNATURE_INVALID')
})

test('while a key is being replaced, a manifest signed with both is believed by old and new builds', () => {
  const both = signManifest(aManifest(), [ours.privatePem, next.privatePem])
  expect([codeOf(both, [ours.publicKey]), codeOf(both, [next.publicKey])]).toEqual(['believed', 'believed'])
  expect(codeOf(signManifest(aManifest(), [next.privatePem]), [ours.publicKey, next.publicKey])).toBe('believed')
})

test('cut off anywhere it is refused', () => {
  for (let length = 0; length < text.trimEnd().length; length++)
    expect(codeOf(text.slice(0, length))).toBe('UPDATE_MANIFEST_INVALID')
})

test('one byte changed anywhere is noticed', () => {
  fc.assert(
    fc.property(fc.nat(text.trimEnd().length - 1), fc.integer({ min: 1, max: 127 }), (at, bits) => {
      const bytes = Buffer.from(text)
      bytes[at]! ^= bits
      return codeOf(bytes) !== 'believed' || readManifest(bytes, keys).release.version === aManifest().release.version
    }),
    { numRuns: 3000 }
  )
})

test('what is longer than a manifest may be is not even parsed', () => {
  expect(codeOf(`${text}${' '.repeat(64 * 1024)}`)).toBe('UPDATE_MANIFEST_INVALID')
})

test('signed, but of another shape, it is refused by the name of the field', () => {
  expect(() => signManifest({ ...aManifest(), minVersion: 'new' }, [ours.privatePem])).toThrow('version')
})

test('anything at all is refused or believed, and never throws something else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => codeOf(bytes) === 'UPDATE_MANIFEST_INVALID'),
    { numRuns: 2000 }
  )
})
