// Why it is like this: docs/decisions/0032-deny-list-peer-to-peer.md
import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'
import type { PeerId } from '../../contract/ids.ts'
import { signatureHolds } from './fleet-certificate.ts'

/** Most devices on a deny list, so that it fits into one message between peers. */
export const MAX_DENIED = 1024

/** The devices a fleet's CA has removed. A later list has a higher number and replaces the earlier one. */
export interface DenyList {
  readonly number: number
  readonly denied: ReadonlySet<PeerId>
  /** As it travels, signed. */
  readonly bytes: Buffer
}

/*
 *   0      number      4   big endian; 0 is the empty list every fleet begins with, which nobody signs
 *   4      count       2
 *   6      peer ids   32 each, ascending
 *   end    signature  64   ECDSA P-256 by the CA over label ‖ SHA-256 of the CA's public key (SPKI DER) ‖ everything before
 */
const HEAD_BYTES = 6
const ID_BYTES = 32
const SIGNATURE_BYTES = 64
const LABEL = Buffer.from('larder/deny-list/v1\0')

/** Bytes of the longest list. */
export const MAX_DENY_LIST_BYTES = HEAD_BYTES + MAX_DENIED * ID_BYTES + SIGNATURE_BYTES

export const EMPTY_DENY_LIST: DenyList = { number: 0, denied: new Set(), bytes: Buffer.alloc(0) }

/** @throws RangeError when there are too many, or the number is not a u32 above 0 */
export function signDenyList(caKey: KeyObject, number: number, denied: Iterable<PeerId>): DenyList {
  const ids = [...new Set(denied)].sort()
  if (ids.length > MAX_DENIED) throw new RangeError(`a deny list holds ${MAX_DENIED} devices`)
  const body = Buffer.alloc(HEAD_BYTES + ids.length * ID_BYTES)
  if (number < 1) throw new RangeError('the first deny list has number 1')
  body.writeUInt32BE(number, 0)
  body.writeUInt16BE(ids.length, 4)
  ids.forEach((id, at) => body.write(id, HEAD_BYTES + at * ID_BYTES, 'hex'))
  const signature = sign('sha256', messageOf(createPublicKey(caKey), body), { key: caKey, dsaEncoding: 'ieee-p1363' })
  return { number, denied: new Set(ids), bytes: Buffer.concat([body, signature]) }
}

/** The number such a list gives itself, signed or not; beyond all numbers when it is too short to have one. */
export function numberOfDenyList(bytes: Uint8Array): number {
  return bytes.length < HEAD_BYTES ? Infinity : Buffer.from(bytes.buffer, bytes.byteOffset, HEAD_BYTES).readUInt32BE(0)
}

/** Copies what it needs. @returns undefined for everything that this CA did not sign */
export function readDenyList(bytes: Uint8Array, caPublicKey: KeyObject): DenyList | undefined {
  if (bytes.length < HEAD_BYTES + SIGNATURE_BYTES || bytes.length > MAX_DENY_LIST_BYTES) return undefined
  const copy = Buffer.from(bytes)
  const count = copy.readUInt16BE(4)
  if (copy.length !== HEAD_BYTES + count * ID_BYTES + SIGNATURE_BYTES) return undefined
  const body = copy.subarray(0, -SIGNATURE_BYTES)
  if (!signatureHolds(caPublicKey, messageOf(caPublicKey, body), copy.subarray(-SIGNATURE_BYTES))) return undefined
  const denied = new Set<PeerId>()
  for (let at = HEAD_BYTES; at < body.length; at += ID_BYTES)
    denied.add(body.toString('hex', at, at + ID_BYTES) as PeerId)
  return { number: copy.readUInt32BE(0), denied, bytes: copy }
}

function messageOf(caPublicKey: KeyObject, body: Uint8Array): Buffer {
  const ca = createHash('sha256')
    .update(caPublicKey.export({ format: 'der', type: 'spki' }))
    .digest()
  return Buffer.concat([LABEL, ca, body])
}
