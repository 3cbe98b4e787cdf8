import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { merkleRoot } from './merkle.ts'

const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** RFC 9162 §2.1.1 word for word. */
function byTheRfc(entries: Uint8Array[]): Buffer {
  if (entries.length === 0) return sha()
  if (entries.length === 1) return sha(Buffer.of(0), entries[0]!)
  let k = 1
  while (k * 2 < entries.length) k *= 2
  return sha(Buffer.of(1), byTheRfc(entries.slice(0, k)), byTheRfc(entries.slice(k)))
}

const digests = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 70 })

test('the root is the tree head of RFC 9162', () => {
  fc.assert(
    fc.property(
      digests,
      (entries) => void expect(merkleRoot(Buffer.concat(entries)).equals(byTheRfc(entries))).toBe(true)
    )
  )
})

test('an inner node cannot stand in for a piece', () => {
  const [a, b] = [sha(Buffer.of(1)), sha(Buffer.of(2))]
  const node = sha(Buffer.of(1), sha(Buffer.of(0), a), sha(Buffer.of(0), b))
  expect(merkleRoot(Buffer.concat([a, b])).equals(node)).toBe(true)
  expect(merkleRoot(node).equals(node)).toBe(false)
})

test('refuses bytes that are no list of digests', () => {
  expect(() => merkleRoot(Buffer.alloc(33))).toThrow(RangeError)
})
