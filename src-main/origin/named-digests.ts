import type { IncomingHttpHeaders } from 'node:http'
import { Sha256Hex } from '../contract/ids.ts'
import { parseDigest, parseReprDigest } from './digest-fields.ts'
import { sha256FromBase64 } from './integrity.ts'

/**
 * SHA-256 of the whole that the answer's fields publish, or null: `Repr-Digest` and `Digest`, `X-Checksum-Sha256` of repository
 * managers (hex), `x-amz-checksum-sha256` of S3 (base64; that of a file uploaded in parts is over the parts and has a number after
 * it). `x-goog-hash` and `Content-MD5` have no SHA-256.
 */
export function digestInFields(headers: IncomingHttpHeaders): Sha256Hex | null {
  return (
    parseReprDigest(one(headers['repr-digest'])) ??
    parseDigest(one(headers['digest'])) ??
    hex(one(headers['x-checksum-sha256'])) ??
    (headers['x-amz-checksum-type'] === 'COMPOSITE' ? null : base64(one(headers['x-amz-checksum-sha256'])))
  )
}

/**
 * SHA-256 that a URL names its content by, or null: `…/blobs/sha256:<hex>` of container registries, `…/by-hash/SHA256/<hex>` of
 * package repositories.
 */
export function digestInPath(href: string): Sha256Hex | null {
  const path = new URL(href).pathname.replaceAll(/%3a/gi, ':')
  return hex(/\/(?:blobs\/sha256:|by-hash\/SHA256\/)([0-9a-f]{64})$/i.exec(path)?.[1])
}

/** SHA-256 in the fragment of a URL, as package indexes write it (`#sha256=<hex>`, also among others joined by `&`), or null. */
export function digestInFragment(text: string): Sha256Hex | null {
  const at = text.indexOf('#')
  if (at < 0) return null
  for (const part of text.slice(at + 1, at + 4096).split('&')) {
    const found = hex(/^sha256[=:-]([0-9a-f]{64})$/i.exec(part)?.[1])
    if (found !== null) return found
  }
  return null
}

function hex(text: string | undefined): Sha256Hex | null {
  return Sha256Hex.safeParse(text?.trim().toLowerCase()).data ?? null
}

function base64(text: string | undefined): Sha256Hex | null {
  return text === undefined ? null : sha256FromBase64(text.trim())
}

function one(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field
}
