import type { ReasonCode } from '../contract/request.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { PrivateBecause } from '../origin/private-by-default.ts'

/** Why a version goes past the cache, to its destination alone. @param asksAsSomebody the request carries credentials */
export function whyPrivate(
  { unshareable, because }: Pick<OriginVersion, 'unshareable' | 'because'>,
  asksAsSomebody: boolean
): Extract<ReasonCode, 'private' | 'encoded'> | PrivateBecause {
  if (asksAsSomebody) return 'private'
  return because ?? (unshareable === 'encoded' ? 'encoded' : 'private')
}
