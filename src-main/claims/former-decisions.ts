import type { PeerId } from '../contract/ids.ts'
import type { ClaimPut } from '../contract/peer-messages.ts'
import { isElectable, settleRivals, type Candidate } from './election.ts'
import { MAX_EPOCH } from './master-history.ts'

/** Who is master, as a coordinator knows it. */
export interface Mastership {
  readonly epoch: number
  readonly master: PeerId | null
  /** Pieces of that master as far as it is a claimant; −1 otherwise. */
  readonly masterPieces: number
  /** Why it is master. */
  readonly why: string
  /** Nothing has been decided here yet. */
  readonly isOpen: boolean
  /** Whether a follower that names this one master is to be believed. */
  couldBeMaster(id: PeerId): boolean
}

/** What follows for the mastership: somebody is master in that epoch; or, without a master, the epoch counts from there on. */
export type Lesson =
  | { readonly master: PeerId; readonly epoch: number; readonly why: string }
  | { readonly master: null; readonly epoch: number }

/**
 * What a claim tells of decisions of others: its own mastership, another's, or at least the epoch.
 * @returns null when the mastership stays as it is
 */
export function learnFrom(from: Candidate, put: ClaimPut, mastership: Mastership): Lesson | null {
  const { epoch, master } = mastership
  if (put.epoch < epoch) return null
  const isMaster = put.role === 'mastering' && put.master === from.id && isElectable(from)
  if (put.epoch > epoch) {
    const why =
      master === null
        ? 'it was master before this coordinator took over'
        : 'two masters met, the later elected one stays'
    if (isMaster) return { master: from.id, epoch: put.epoch, why }
    if (put.master !== null && put.master !== from.id && mastership.couldBeMaster(put.master))
      return { master: put.master, epoch: put.epoch, why }
    // The other one is out of reach. Going beyond its epoch keeps decisions in order for those who knew it.
    return master === null
      ? { master, epoch: put.epoch }
      : { master, epoch: Math.min(put.epoch + 1, MAX_EPOCH), why: mastership.why }
  }
  if (!isMaster || master === from.id) return null
  if (master === null)
    return mastership.isOpen
      ? { master: from.id, epoch: put.epoch, why: 'it was master before this coordinator took over' }
      : null
  const { stays, why } = settleRivals(
    { id: master, epoch, pieces: mastership.masterPieces },
    { id: from.id, epoch, pieces: from.pieces }
  )
  return { master: stays.id, epoch: Math.min(epoch + 1, MAX_EPOCH), why }
}
