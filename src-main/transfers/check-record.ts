// Why it is like this: docs/decisions/0003-who-may-sign-a-piece.md
import type { PeerId } from '../contract/ids.ts'
import type { PieceRecord } from '../pieces/record.ts'

/** What is known about who may sign pieces. */
export interface SigningRights {
  /** Public key (SPKI DER) of a member; undefined for strangers and for those who have signed a lie. */
  readonly memberKey: (id: PeerId) => Buffer | undefined
  readonly verify: (record: PieceRecord, spki: Buffer) => boolean
}

/**
 *     ok              signed by a member that is believed
 *     unknown-signer  no proof of its membership has reached us (yet), or it is believed no more
 *     forged          the signature is wrong: whoever sent it did not check it, or made it
 */
export type RecordVerdict = 'ok' | 'unknown-signer' | 'forged'

/**
 * Whether a record may be believed. The epoch in it says when it was signed and nothing more: a first signature outlives the
 * claim table that gave the epoch its number, and who lies needs no mastership for it.
 */
export function checkRecord(record: PieceRecord, rights: SigningRights): RecordVerdict {
  const spki = rights.memberKey(record.signer)
  if (spki === undefined) return 'unknown-signer'
  return rights.verify(record, spki) ? 'ok' : 'forged'
}
