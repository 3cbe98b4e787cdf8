import type { OriginVersion } from './origin.ts'

/**
 * What a broken-off download can be gone on with: the same URL, asked for with the same fields, and a strong validator that is compared by
 * `If-Range`. Null where the origin gives none, no length or no ranges: then the next try starts over. May be secret.
 */
export function sameSource(
  { url, etag, lastModified, lengthBytes, ranges }: OriginVersion,
  headers: Readonly<Record<string, string>> | undefined
): readonly (string | number)[] | null {
  const validator = etag ?? lastModified
  if (validator === null || lengthBytes === null || !ranges) return null
  const fields = Object.entries(headers ?? {}).map(([name, value]) => `${name.toLowerCase()}:${value}`)
  return [url, validator, lengthBytes, ...fields.toSorted()]
}
