import type { PeerId } from '../contract/ids.ts'
import type { MasterHistory } from '../contract/peer-messages.ts'
import type { PieceRecord } from '../pieces/record.ts'

/** What is known about who may sign which pieces. */
export interface SigningRights {
  readonly masters: MasterHistory
  /** Public key (SPKI DER) of a member; undefined for strangers. */
  readonly memberKey: (id: PeerId) => Buffer | undefined
  readonly verify: (record: PieceRecord, spki: Buffer) => boolean
}

/**
 *     ok              signed by a member who was master in that epoch, or who vouches by itself (epoch 0)
 *     unknown-signer  no proof of its membership has reached us (yet)
 *     not-master      somebody else was master in that epoch, or we do not know of it (yet)
 *     forged          the signature is wrong: whoever sent it did not check it, or made it
 */
export type RecordVerdict = 'ok' | 'unknown-signer' | 'not-master' | 'forged'

export function checkRecord(record: PieceRecord, rights: SigningRights): RecordVerdict {
  if (record.epoch > 0 && !rights.masters.some((m) => m.epoch === record.epoch && m.master === record.signer))
    return 'not-master'
  const spki = rights.memberKey(record.signer)
  if (spki === undefined) return 'unknown-signer'
  return rights.verify(record, spki) ? 'ok' : 'forged'
}
