import { hash } from 'node:crypto'
import type { ContentKey, PeerId } from '../contract/ids.ts'

/**
 * Highest-random-weight ("rendezvous") hashing: every agent has a score per content, the highest comes first. Who leaves
 * or joins moves only the contents it was, or becomes, first for.
 *
 * Deliberately unweighted. All agents that see the same members must name the same coordinator, and the weight of a
 * machine changes while it runs (battery, Wi-Fi), so two agents can hold different weights for a third one for a while.
 * Ids never differ. Coordinating is cheap (some messages per claim), so nobody needs to be spared from it.
 */

/** Score of a member as coordinator of a content: SHA-256 of key ‖ id in hex; compare as text. */
export function coordinatorScore(key: ContentKey, id: PeerId): string {
  return hash('sha256', key + id, 'hex')
}

/**
 * Score that breaks ties in an election. Salted apart from {@link coordinatorScore}: otherwise whoever coordinates a
 * content would win every tie, and one dead PC would take the claim table and the download with it.
 */
export function tieScore(key: ContentKey, id: PeerId): string {
  return hash('sha256', `master:${key}${id}`, 'hex')
}

/** The members in the order in which they coordinate this content: who takes over when the first is gone comes second. */
export function rankCoordinators(key: ContentKey, members: Iterable<PeerId>): PeerId[] {
  return [...members]
    .map((id) => ({ id, score: coordinatorScore(key, id) }))
    .sort((a, b) => (a.score < b.score ? 1 : a.score > b.score ? -1 : a.id < b.id ? -1 : 1))
    .map((m) => m.id)
}

/** First of {@link rankCoordinators} without sorting. */
export function coordinatorOf(key: ContentKey, self: PeerId, others: Iterable<PeerId>): PeerId {
  let first = self
  let best = coordinatorScore(key, self)
  for (const id of others) {
    const score = coordinatorScore(key, id)
    if (score > best) {
      first = id
      best = score
    }
  }
  return first
}
