import { createHash } from 'node:crypto'
import { ContentKey, type Sha256Hex } from '../contract/ids.ts'
import { sourceName } from './variants.ts'
import type { KeyOf, OriginVersion } from './origin.ts'

type Named = Pick<OriginVersion, 'url' | 'knownBy' | 'variant' | 'etag' | 'lastModified' | 'lengthBytes'>

/**
 * The name under which agents find each other for a version: by digest when one is known (what the caller expects before what
 * the origin says), else by URL, strong validator and length. Null for what must not be shared and for what names no version.
 */
export const contentKeyOf: KeyOf = (version, expected) => {
  if (version.unshareable !== null) return null
  const sha256: Sha256Hex | null = expected ?? version.sha256
  if (sha256 !== null) return ContentKey.parse(`sha256:${sha256}`)
  const name = nameOf(version)
  return name === null ? null : ContentKey.parse(`version:${createHash('sha256').update(name).digest('hex')}`)
}

/**
 * What somebody who has asked the origin for this version knows, and somebody who has only heard its key does not: another hash of
 * the same. Null for what names no version.
 */
export function knowledgeOf(version: Named): Buffer | null {
  const name = nameOf(version)
  return name === null ? null : createHash('sha256').update('larder/knowledge/v1\0').update(name).digest()
}

/** URL with its variant, strong validator and length in one line each: neither a URL nor a header field contains a line feed. */
function nameOf({ url, knownBy, variant, etag, lastModified, lengthBytes }: Named): string | null {
  const validator = etag !== null ? `etag ${etag}` : lastModified !== null ? `date ${lastModified}` : null
  return validator === null || lengthBytes === null
    ? null
    : `${sourceName({ url, knownBy, variant })}\n${validator}\n${lengthBytes}`
}
