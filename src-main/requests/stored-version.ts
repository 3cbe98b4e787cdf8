import type { Cache, StoredVersion } from '../cache/cache.ts'
import { keptAnswer } from '../origin/caching.ts'
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
