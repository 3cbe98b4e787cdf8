import type { PeerId } from '../../contract/ids.ts'
import { peerIdOf } from './certificate.ts'
import type { Membership } from './membership.ts'

/** The membership without those who are believed no more, however genuine their proofs are. */
export function believing(membership: Membership, distrusts: (id: PeerId) => boolean): Membership {
  return {
    ...membership,
    vouched(credential) {
      const spki = membership.vouched(credential)
      return spki && distrusts(peerIdOf(spki)) ? undefined : spki
    },
    objection: (remote) =>
      distrusts(remote.id)
        ? { kind: 'denied', reason: 'signed pieces that are not what the origin has' }
        : membership.objection(remote),
    denies: (id) => distrusts(id) || membership.denies(id)
  }
}
