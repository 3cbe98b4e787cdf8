import type { ContentKey } from '../contract/ids.ts'
import type { ClaimPut } from '../contract/peer-messages.ts'

/** The claim of a PC that has nothing of a content yet and knows of no election. */
export function seekingClaim(key: ContentKey, over: Partial<ClaimPut> = {}): ClaimPut {
  return {
    t: 'claim.put',
    key,
    role: 'seeking',
    pieces: 0,
    pieceCount: 100,
    bytes: 0,
    weight: 50,
    eligible: true,
    epoch: 0,
    master: null,
    masters: [],
    ...over
  }
}
