import { createHash, createPublicKey, hash, verify, type KeyObject } from 'node:crypto'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { MAX_PIECES } from '../contract/peer-messages.ts'
import { derFromP1363 } from '../lib/ecdsa-form.ts'
import { LarderError } from '../lib/errors.ts'

/**
 * The master's signed word that piece `index` of a content has this digest. Anyone can relay it; a false one convicts
 * its signer.
 */
export interface PieceRecord {
  readonly index: number
  /** Epoch in which the signer was master; 0: the signer vouches by itself (a complete holder, or after a fallback). */
  readonly epoch: number
  /** SHA-256 of the piece, 32 bytes. */
  readonly digest: Buffer
  readonly signer: PeerId
  /** ECDSA P-256 over {@link recordMessage}, IEEE P1363 form, 64 bytes. */
  readonly signature: Buffer
}

/** Everything of a record that the signature covers, with the content key beside it. */
export type UnsignedRecord = Omit<PieceRecord, 'signature'>

/** Bytes of an encoded record: index u32 ‖ epoch u32 ‖ digest 32 ‖ signer 32 ‖ signature 64, big endian. */
export const RECORD_BYTES = 136

const DIGEST_BYTES = 32
const SIGNATURE_BYTES = 64
const MAX_EPOCH = 0xffff_ffff

/** Keeps a signature over a piece from being mistaken for one over anything else this device signs. */
const LABEL = Buffer.from('larder/piece-record/v1\0')

/** A content as records name it: SHA-256 of its key, 32 bytes. A PC that keeps pieces for others can check them by it without knowing the key. */
export type KeyHash = Buffer

export function keyHashOf(key: ContentKey): KeyHash {
  return hash('sha256', key, 'buffer')
}

/**
 * What the signer signs: label ‖ SHA-256 of the key text ‖ epoch u32 ‖ index u32 ‖ digest 32 ‖ signer 32, big endian.
 * @throws RECORD_INVALID when a field is out of range
 */
export function recordMessage(content: ContentKey | KeyHash, record: UnsignedRecord): Buffer {
  checkFields(record)
  const keyHash = typeof content === 'string' ? keyHashOf(content) : content
  if (keyHash.length !== DIGEST_BYTES) throw invalid(`key hash of ${keyHash.length} bytes`)
  const message = Buffer.allocUnsafe(LABEL.length + DIGEST_BYTES + 8 + DIGEST_BYTES + 32)
  let at = LABEL.copy(message)
  at += keyHash.copy(message, at)
  at = message.writeUInt32BE(record.epoch, at)
  at = message.writeUInt32BE(record.index, at)
  at += record.digest.copy(message, at)
  message.write(record.signer, at, 'hex')
  return message
}

/** Makes a record; `sign` is ECDSA P-256 with SHA-256 in IEEE P1363 form by the device `record.signer` names. @throws RECORD_INVALID */
export function signRecord(key: ContentKey, record: UnsignedRecord, sign: (message: Buffer) => Buffer): PieceRecord {
  const { index, epoch, digest, signer } = record
  const signature = sign(recordMessage(key, record))
  if (signature.length !== SIGNATURE_BYTES) throw invalid(`signature of ${signature.length} bytes`)
  return { index, epoch, digest, signer, signature }
}

/** @throws RECORD_INVALID when a field is out of range */
export function encodeRecord(record: PieceRecord): Buffer {
  checkFields(record)
  if (record.signature.length !== SIGNATURE_BYTES) throw invalid(`signature of ${record.signature.length} bytes`)
  const bytes = Buffer.allocUnsafe(RECORD_BYTES)
  let at = bytes.writeUInt32BE(record.index)
  at = bytes.writeUInt32BE(record.epoch, at)
  at += record.digest.copy(bytes, at)
  at += bytes.write(record.signer, at, 'hex')
  record.signature.copy(bytes, at)
  return bytes
}

/** Copies what it needs, so `bytes` may be part of a larger buffer. Says nothing about the signature. @throws RECORD_INVALID */
export function decodeRecord(bytes: Uint8Array): PieceRecord {
  if (bytes.length !== RECORD_BYTES) throw invalid(`${bytes.length} bytes instead of ${RECORD_BYTES}`)
  const copy = Buffer.from(bytes)
  const index = copy.readUInt32BE(0)
  if (index >= MAX_PIECES) throw invalid(`piece index ${index}`)
  return {
    index,
    epoch: copy.readUInt32BE(4),
    digest: copy.subarray(8, 40),
    signer: copy.toString('hex', 40, 72) as PeerId,
    signature: copy.subarray(72)
  }
}

/** Checks signatures of records; remembers the keys it has parsed. */
export interface RecordVerifier {
  /**
   * True when `spki` is the P-256 key of `record.signer` (a peer id is the SHA-256 of its key) and it signed this record
   * for this content. Anything malformed is false.
   */
  verify(content: ContentKey | KeyHash, record: PieceRecord, spki: Buffer): boolean
}

/** A verifier that keeps the last `capacity` public keys parsed; parsing one costs more than checking a signature with it. */
export function createRecordVerifier(capacity = 64): RecordVerifier {
  const keys = new Map<PeerId, { key: KeyObject; spki: Buffer }>()
  const keyOf = (signer: PeerId, spki: Buffer): KeyObject | undefined => {
    const known = keys.get(signer)
    if (known) keys.delete(signer)
    const entry = known?.spki.equals(spki) ? known : importKey(signer, spki)
    if (!entry) {
      if (known) keys.set(signer, known)
      return undefined
    }
    keys.set(signer, entry)
    if (keys.size > capacity) keys.delete(keys.keys().next().value!)
    return entry.key
  }
  return {
    verify(content, record, spki) {
      const publicKey = keyOf(record.signer, spki)
      return publicKey !== undefined && signatureHolds(content, record, publicKey)
    }
  }
}

/** As {@link RecordVerifier.verify}, parsing the key each time. */
export function verifyRecord(key: ContentKey, record: PieceRecord, spki: Buffer): boolean {
  return createRecordVerifier(1).verify(key, record, spki)
}

function importKey(signer: PeerId, spki: Buffer): { key: KeyObject; spki: Buffer } | undefined {
  if (createHash('sha256').update(spki).digest('hex') !== signer) return undefined
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? { key, spki: Buffer.from(spki) } : undefined
  } catch {
    return undefined
  }
}

function signatureHolds(content: ContentKey | KeyHash, record: PieceRecord, publicKey: KeyObject): boolean {
  if (record.signature.length !== SIGNATURE_BYTES) return false
  try {
    return verify('sha256', recordMessage(content, record), publicKey, derFromP1363(record.signature))
  } catch {
    return false
  }
}

function checkFields({ index, epoch, digest, signer }: UnsignedRecord): void {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_PIECES) throw invalid(`piece index ${index}`)
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > MAX_EPOCH) throw invalid(`epoch ${epoch}`)
  if (digest.length !== DIGEST_BYTES) throw invalid(`digest of ${digest.length} bytes`)
  if (!/^[0-9a-f]{64}$/.test(signer)) throw invalid('signer is not a peer id')
}

function invalid(what: string): LarderError {
  return new LarderError('RECORD_INVALID', `A piece record is malformed: ${what}`)
}
