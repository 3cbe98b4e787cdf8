import { hash } from 'node:crypto'

const DIGEST_BYTES = 32
const LEAF = 0
const NODE = 1

/**
 * Merkle tree head over piece digests, as RFC 9162 §2.1.1 defines it with each 32-byte piece digest as an entry: leaves and
 * nodes are hashed under different prefixes, so that no node can pass for a leaf. No pieces: SHA-256 of nothing.
 * @param pieceDigests SHA-256 of each piece, 32 bytes each, in order
 */
export function merkleRoot(pieceDigests: Uint8Array): Buffer {
  if (pieceDigests.length % DIGEST_BYTES !== 0)
    throw new RangeError(`${pieceDigests.length} bytes are no list of digests`)
  if (pieceDigests.length === 0) return hash('sha256', '', 'buffer')
  let level: Buffer[] = []
  for (let at = 0; at < pieceDigests.length; at += DIGEST_BYTES)
    level.push(prefixed(LEAF, pieceDigests.subarray(at, at + DIGEST_BYTES)))
  // Pairing from the left and carrying an odd last node up gives the RFC's split at the largest power of two.
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i]!
      const right = level[i + 1]
      above.push(right ? prefixed(NODE, left, right) : left)
    }
    level = above
  }
  return level[0]!
}

function prefixed(prefix: number, ...parts: Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(prefix), ...parts]), 'buffer')
}
