import type { PeerId } from '../contract/ids.ts'
import type { MasterHistory } from '../contract/peer-messages.ts'

/** Most entries that travel; the oldest epochs are forgotten first. */
export const MAX_MASTERS = 64

/** No epoch is higher; there it stays, and elections go on without counting. */
export const MAX_EPOCH = 0xffff_ffff

/**
 * Adds what another agent knows about earlier masters. Two masters of one epoch (elected on both sides of a split) both
 * stay: the pieces of both remain usable.
 *
 * @param upTo entries of later epochs are not believed
 * @returns sorted by epoch, then id; the same array when nothing new was in it
 */
export function mergeMasters(known: MasterHistory, heard: MasterHistory, upTo = MAX_EPOCH): MasterHistory {
  let added: MasterHistory | undefined
  for (const entry of heard) {
    if (entry.epoch < 1 || entry.epoch > upTo) continue
    if ((added ?? known).some((k) => k.epoch === entry.epoch && k.master === entry.master)) continue
    added ??= [...known]
    added.push({ epoch: entry.epoch, master: entry.master })
  }
  if (!added) return known
  added.sort((a, b) => a.epoch - b.epoch || (a.master < b.master ? -1 : 1))
  const merged = added.slice(-MAX_MASTERS)
  return sameMasters(merged, known) ? known : merged
}

/** {@link mergeMasters} for one entry. */
export function rememberMaster(known: MasterHistory, epoch: number, master: PeerId): MasterHistory {
  return mergeMasters(known, [{ epoch, master }])
}

export function sameMasters(a: MasterHistory, b: MasterHistory): boolean {
  return a === b || (a.length === b.length && a.every((e, i) => e.epoch === b[i]!.epoch && e.master === b[i]!.master))
}
