import { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'

/**
 * Reads an expected digest: 64 hex digits, or Subresource Integrity metadata (`sha256-<base64>`, several apart by spaces, options
 * after `?` ignored). Of several kinds of hash the SHA-256 is taken.
 * @throws DIGEST_INVALID
 */
export function parseIntegrity(text: string): Sha256Hex {
  if (text.length > 4096) throw new LarderError('DIGEST_INVALID', 'The expected digest is too long.')
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Sha256Hex.parse(trimmed.toLowerCase())
  const found = new Set<Sha256Hex>()
  for (const part of trimmed.split(/\s+/)) {
    const match = /^sha256-([^?]*)(?:\?.*)?$/i.exec(part)
    if (!match) continue
    const digest = sha256FromBase64(match[1]!)
    if (digest === null) throw new LarderError('DIGEST_INVALID', 'The expected digest is not base64 of 32 bytes.')
    found.add(digest)
  }
  if (found.size === 0) throw new LarderError('DIGEST_INVALID', 'The expected digest names no SHA-256.')
  if (found.size > 1) throw new LarderError('DIGEST_INVALID', 'The expected digest names several SHA-256 values.')
  return [...found][0]!
}

/** Base64 or base64url of exactly 32 bytes as hex, else null. */
export function sha256FromBase64(text: string): Sha256Hex | null {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64')
  // The last digit carries 4 bits of the digest; spare bits that are set mean a damaged text.
  if (
    bytes.length !== 32 ||
    bytes.toString('base64url') !== text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_')
  )
    return null
  return Sha256Hex.parse(bytes.toString('hex'))
}
