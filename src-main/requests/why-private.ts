import type { ReasonCode } from '../contract/request.ts'
import type { OriginVersion } from '../origin/origin.ts'

/** Why a version goes past the cache, to its destination alone. @param asksAsSomebody the request carries credentials */
export function whyPrivate(
  version: Pick<OriginVersion, 'unshareable'>,
  asksAsSomebody: boolean
): Extract<ReasonCode, 'private' | 'encoded'> {
  return !asksAsSomebody && version.unshareable === 'encoded' ? 'encoded' : 'private'
}
