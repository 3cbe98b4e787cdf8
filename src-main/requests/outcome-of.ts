import type { CachedContent } from '../cache/cache.ts'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { Outcome } from './request-machine.ts'

/**
 * What a request for `expected` has come to with a content of the cache.
 * @param key under which it is known here; null: by the digest asked for
 * @throws CONTENT_RECALLED
 */
export function outcomeOf(
  { sha256, plan }: CachedContent,
  key: ContentKey | null,
  expected: Sha256Hex | null,
  { cache, recalls }: Pick<TransferWorld, 'cache' | 'recalls'>
): Outcome {
  recalls.assertNotRecalled(sha256)
  const named = expected !== null || key === null || key.startsWith('sha256:')
  const verifiedBy = named ? 'digest' : (cache.provenance(key)?.verifiedBy ?? 'members')
  return { sha256, lengthBytes: plan.lengthBytes, verifiedBy }
}
