import type { PeerId } from '../contract/ids.ts'
import type { Holder } from './claims.ts'

/** Most holders one agent is told of. */
export const MAX_HOLDERS = 64

export type ListedHolder = Holder

/**
 * Whom an agent is to exchange pieces with: everybody else, as long as they are few. Of many, each agent is told those
 * that follow it on a ring sorted by id, complete ones first, so that the load spreads and the swarm stays connected.
 */
export function ringOfHolders(recipient: PeerId, all: Iterable<ListedHolder>): Holder[] {
  const others = [...all].filter((h) => h.id !== recipient).sort((a, b) => (a.id < b.id ? -1 : 1))
  if (others.length <= MAX_HOLDERS) return others
  const start = others.findIndex((h) => h.id > recipient)
  const ring = start <= 0 ? others : [...others.slice(start), ...others.slice(0, start)]
  const complete = ring.filter((h) => h.complete).slice(0, MAX_HOLDERS / 2)
  const rest = ring.filter((h) => !complete.includes(h))
  return [...complete, ...rest].slice(0, MAX_HOLDERS)
}
