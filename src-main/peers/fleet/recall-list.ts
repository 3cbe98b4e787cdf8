import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'
import type { Sha256Hex } from '../../contract/ids.ts'
import { signatureHolds } from './fleet-certificate.ts'

/** Most contents on a recall list, and bytes of a reason, so that it fits into one message between peers. */
export const MAX_RECALLED = 256
export const MAX_REASON_BYTES = 96

/** The contents that a fleet's CA says nobody is to have. A later list has a higher number and replaces the earlier one. */
export interface RecallList {
  readonly number: number
  /** Why, by SHA-256 of the whole. */
  readonly recalled: ReadonlyMap<Sha256Hex, string>
  /** As it travels, signed. */
  readonly bytes: Buffer
}

/*
 *   0      number      4   big endian; 0 is the empty list every fleet begins with, which nobody signs
 *   4      count       2
 *   6      for each: SHA-256 32, length of the reason 1, reason in UTF-8
 *   end    signature  64   ECDSA P-256 by the CA over label ‖ SHA-256 of the CA's public key (SPKI DER) ‖ everything before
 */
const HEAD_BYTES = 6
const DIGEST_BYTES = 32
const SIGNATURE_BYTES = 64
const LABEL = Buffer.from('larder/recall-list/v1\0')

/** Bytes of the longest list. */
export const MAX_RECALL_LIST_BYTES = HEAD_BYTES + MAX_RECALLED * (DIGEST_BYTES + 1 + MAX_REASON_BYTES) + SIGNATURE_BYTES

export const EMPTY_RECALL_LIST: RecallList = { number: 0, recalled: new Map(), bytes: Buffer.alloc(0) }

/** Reasons are cut to {@link MAX_REASON_BYTES}. @throws RangeError when there are too many, or the number is not a u32 above 0 */
export function signRecallList(
  caKey: KeyObject,
  number: number,
  recalled: Iterable<readonly [Sha256Hex, string]>
): RecallList {
  const entries = [...new Map(recalled)].map(([sha256, reason]) => [sha256, cutReason(reason)] as const)
  if (entries.length > MAX_RECALLED) throw new RangeError(`a recall list holds ${MAX_RECALLED} contents`)
  if (number < 1) throw new RangeError('the first recall list has number 1')
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(number, 0)
  head.writeUInt16BE(entries.length, 4)
  const body = Buffer.concat([
    head,
    ...entries.flatMap(([sha256, reason]) => [Buffer.from(sha256, 'hex'), Buffer.of(reason.length), reason])
  ])
  const signature = sign('sha256', messageOf(createPublicKey(caKey), body), { key: caKey, dsaEncoding: 'ieee-p1363' })
  return {
    number,
    recalled: new Map(entries.map(([sha256, reason]) => [sha256, reason.toString('utf8')])),
    bytes: Buffer.concat([body, signature])
  }
}

/** The number such a list gives itself, signed or not; beyond all numbers when it is too short to have one. */
export function numberOfRecallList(bytes: Uint8Array): number {
  return bytes.length < HEAD_BYTES ? Infinity : Buffer.from(bytes.buffer, bytes.byteOffset, HEAD_BYTES).readUInt32BE(0)
}

/** Copies what it needs. @returns undefined for everything that this CA did not sign */
export function readRecallList(bytes: Uint8Array, caPublicKey: KeyObject): RecallList | undefined {
  if (bytes.length < HEAD_BYTES + SIGNATURE_BYTES || bytes.length > MAX_RECALL_LIST_BYTES) return undefined
  const copy = Buffer.from(bytes)
  const body = copy.subarray(0, -SIGNATURE_BYTES)
  if (!signatureHolds(caPublicKey, messageOf(caPublicKey, body), copy.subarray(-SIGNATURE_BYTES))) return undefined
  const recalled = new Map<Sha256Hex, string>()
  let at = HEAD_BYTES
  for (let left = body.readUInt16BE(4); left > 0; left--) {
    const reasonAt = at + DIGEST_BYTES + 1
    if (reasonAt > body.length) return undefined
    const end = reasonAt + body[reasonAt - 1]!
    if (end > body.length) return undefined
    recalled.set(body.toString('hex', at, at + DIGEST_BYTES) as Sha256Hex, body.toString('utf8', reasonAt, end))
    at = end
  }
  return at === body.length ? { number: body.readUInt32BE(0), recalled, bytes: copy } : undefined
}

/** Cut between characters, and one line. */
function cutReason(reason: string): Buffer {
  const line = reason.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  let text = ''
  for (const character of line) {
    if (Buffer.byteLength(text + character) > MAX_REASON_BYTES) break
    text += character
  }
  return Buffer.from(text)
}

function messageOf(caPublicKey: KeyObject, body: Uint8Array): Buffer {
  const ca = createHash('sha256')
    .update(caPublicKey.export({ format: 'der', type: 'spki' }))
    .digest()
  return Buffer.concat([LABEL, ca, body])
}
