import { parseDictionary } from 'structured-headers'
import { Sha256Hex } from '../contract/ids.ts'
import { sha256FromBase64 } from './integrity.ts'

const MAX_FIELD_LENGTH = 4096

/** SHA-256 in `Repr-Digest: sha-256=:<base64>:` (RFC 9530 §3), or null. */
export function parseReprDigest(field: string | undefined): Sha256Hex | null {
  if (field === undefined || field.length > MAX_FIELD_LENGTH) return null
  try {
    const value = parseDictionary(field).get('sha-256')?.[0]
    if (!(value instanceof ArrayBuffer) || value.byteLength !== 32) return null
    return Sha256Hex.parse(Buffer.from(value).toString('hex'))
  } catch {
    return null
  }
}

/** SHA-256 in the older `Digest: SHA-256=<base64>` (RFC 3230, RFC 5843), or null. */
export function parseDigest(field: string | undefined): Sha256Hex | null {
  if (field === undefined || field.length > MAX_FIELD_LENGTH) return null
  for (const part of field.split(',')) {
    const match = /^\s*sha-256=([A-Za-z0-9+/_-]+=?)\s*$/i.exec(part)
    if (match) return sha256FromBase64(match[1]!)
  }
  return null
}
