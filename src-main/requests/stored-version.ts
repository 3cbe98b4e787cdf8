import type { Cache, StoredVersion } from '../cache/cache.ts'
import type { ContentKey } from '../contract/ids.ts'
import { keptAnswer } from '../origin/caching.ts'
import { contentKeyOf } from '../origin/content-key.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { sourceName, variantOf, variesBy } from '../origin/variants.ts'

/**
 * The newest version known of what this request would get: where the answer kept for the URL depends on a field that the request
 * sends (`Vary`), the one kept for just these values. Undefined: the origin is asked without conditions.
 */
export function storedVersionFor(
  cache: Pick<Cache, 'version'>,
  url: string,
  headers: Readonly<Record<string, string>> | undefined
): StoredVersion | undefined {
  const stored = cache.version(url)
  if (!stored || headers === undefined) return stored
  const { vary } = keptAnswer(stored.policy).fields
  const names = Object.keys(headers).map((name) => name.toLowerCase())
  if (!variesBy(vary, names)) return stored
  const variant = variantOf(vary, headers)
  return variant === null ? undefined : cache.version(sourceName({ url, variant }))
}

export function storedVersionOf(version: OriginVersion, key: ContentKey, wallMs: number): StoredVersion {
  return {
    url: sourceName(version),
    key,
    etag: version.etag,
    lastModified: version.lastModified,
    lengthBytes: version.lengthBytes ?? 0,
    policy: version.policy,
    confirmedAt: wallMs
  }
}

/** What a content whose length was not known before it had come is known by from now on; null where the origin gives it no strong name. */
export function storedOnceLong(version: OriginVersion, lengthBytes: number, wallMs: number): StoredVersion | null {
  const named = { ...version, lengthBytes }
  const key = version.lengthBytes === null ? contentKeyOf(named, null) : null
  return key && storedVersionOf(named, key, wallMs)
}
