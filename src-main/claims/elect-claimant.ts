import type { ContentKey } from '../contract/ids.ts'
import type { Claimant, ClaimRoster } from './claim-roster.ts'
import { elect, type Candidate, type Election } from './election.ts'

/**
 * Elects the master among those with a claim: who is silent is none, who was reported only when there is nobody else.
 * @param isOver nobody may download any more
 */
export function electClaimant(
  key: ContentKey,
  roster: ClaimRoster,
  { pieceCount, isOver }: { readonly pieceCount: number; readonly isOver: boolean }
): Election {
  const fresh = [...roster.claimants()]
    .filter((c) => !c.silent)
    .map((c) => (isOver ? { ...snapshot(c), eligible: false } : snapshot(c)))
  const unreported = fresh.map((c) => (roster.get(c.id)!.reported ? { ...c, eligible: false } : c))
  const election = elect(key, unreported, pieceCount)
  return election.winner === null ? elect(key, fresh, pieceCount) : election
}

function snapshot({ id, pieces, weight, eligible, about, role }: Claimant): Candidate {
  return { id, pieces, weight, eligible, about, role }
}
