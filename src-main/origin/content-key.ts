import { createHash } from 'node:crypto'
import { ContentKey, type Sha256Hex } from '../contract/ids.ts'
import type { KeyOf } from './origin.ts'

/**
 * The name under which agents find each other for a version: by digest when one is known (what the caller expects before what
 * the origin says), else by URL, strong validator and length. Null for what must not be shared and for what names no version.
 */
export const contentKeyOf: KeyOf = (version, expected) => {
  if (version.unshareable !== null) return null
  const sha256: Sha256Hex | null = expected ?? version.sha256
  if (sha256 !== null) return ContentKey.parse(`sha256:${sha256}`)
  const validator =
    version.etag !== null
      ? `etag ${version.etag}`
      : version.lastModified !== null
        ? `date ${version.lastModified}`
        : null
  if (validator === null || version.lengthBytes === null) return null
  // Neither a URL nor a header field contains a line feed, so the three parts cannot run into each other.
  const digest = createHash('sha256').update(`${version.url}\n${validator}\n${version.lengthBytes}`).digest('hex')
  return ContentKey.parse(`version:${digest}`)
}
