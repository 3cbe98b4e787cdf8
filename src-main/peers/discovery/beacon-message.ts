// Why it is like this: docs/decisions/0057-beacons-tell-outsiders-nothing.md
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import type { BootId, PeerId } from '../../contract/ids.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import { derFromP1363 } from '../../lib/ecdsa-form.ts'
import { peerIdOf } from '../fleet/certificate.ts'
import type { Identity } from '../fleet/identity.ts'
import { SEAL_NONCE_BYTES, SEAL_TAG_BYTES, type Membership } from '../fleet/membership.ts'

/** What an agent shouts into its subnet: here I am. A hint only; nothing is believed before the TLS handshake. */
export interface BeaconMessage {
  readonly id: PeerId
  readonly bootId: BootId
  /** TCP port of the sender for peers. */
  readonly port: number
  /** Grows with each beacon of one boot; tells copies and replays from news. */
  readonly counter: number
  /** The sender stops now. */
  readonly goodbye: boolean
  /** The sender has just started or woken up and asks those who hear it to answer. */
  readonly replyWanted: boolean
}

/** Largest datagram that is looked at. */
export const MAX_BEACON_BYTES = 512

/*
 *   0  magic "LRDB"        4
 *   4  protocol version    1
 *   5  nonce              12   random
 *  17  sealed            147   AES-256-GCM with the beacon key of the fleet; bytes 0–4 are authenticated along
 * 164  GCM tag            16
 *
 * sealed:
 *   0  flags               1   1 goodbye · 2 reply wanted
 *   1  TCP port            2
 *   3  boot id             8
 *  11  counter             8
 *  19  device key         64   x and y of the P-256 point; its SPKI hashes to the peer id
 *  83  signature          64   ECDSA with SHA-256 (r ‖ s) by that key, over a label and everything in the sealed part before it
 *
 * Magic, version, nonce, and a GCM tag over the rest at the end stay where they are in all versions from 2 on; numbers are big
 * endian. To an outsider, two beacons of one PC look as different as those of two PCs.
 */
const MAGIC = Buffer.from('LRDB')
const AT = { version: 4, nonce: 5, sealed: 5 + SEAL_NONCE_BYTES } as const
const IN = { flags: 0, port: 1, boot: 3, counter: 11, key: 19, signature: 83, end: 147 } as const
const GOODBYE = 1
const REPLY_WANTED = 2
const SIGNED_LABEL = Buffer.from('larder/beacon/v2\0')
/** DER before the point of a P-256 public key (RFC 5480), up to and with the mark of an uncompressed point. */
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')

/** Bytes of a beacon of this protocol version. */
export const BEACON_BYTES = AT.sealed + IN.end + SEAL_TAG_BYTES
const MIN_BEACON_BYTES = AT.sealed + SEAL_TAG_BYTES

/** The sender named by a beacon is the device that signs it. `secret`: for the holders of which of the fleet's secrets. */
export function encodeBeacon(
  message: Omit<BeaconMessage, 'id'>,
  membership: Membership,
  device: Pick<Identity, 'spki' | 'sign'>,
  secret = 0
): Buffer {
  const plain = Buffer.alloc(IN.end)
  plain[IN.flags] = (message.goodbye ? GOODBYE : 0) | (message.replyWanted ? REPLY_WANTED : 0)
  plain.writeUInt16BE(message.port, IN.port)
  plain.write(message.bootId, IN.boot, 'hex')
  plain.writeBigUInt64BE(BigInt(message.counter), IN.counter)
  Buffer.from(device.spki).copy(plain, IN.key, SPKI_HEAD.length)
  device.sign(signed(plain)).copy(plain, IN.signature)
  return sealed(PEER_PROTOCOL, plain, membership, secret)
}

/** An envelope of any version. */
export function sealed(version: number, plain: Uint8Array, membership: Membership, secret = 0): Buffer {
  const head = Buffer.concat([MAGIC, Buffer.from([version])])
  const nonce = randomBytes(SEAL_NONCE_BYTES)
  return Buffer.concat([head, nonce, membership.sealBeacon(head, nonce, plain, secret)])
}

/** Cheap look at a datagram before any cryptography: could it be a beacon at all? */
export function looksLikeBeacon(bytes: Uint8Array): boolean {
  return (
    bytes.length >= MIN_BEACON_BYTES &&
    bytes.length <= MAX_BEACON_BYTES &&
    MAGIC.equals(bytes.subarray(0, MAGIC.length))
  )
}

/** Tells one beacon from all others; a copy has the same. Meaningful only if {@link looksLikeBeacon}. */
export function nonceOf(bytes: Buffer): string {
  return bytes.toString('latin1', AT.nonce, AT.sealed)
}

export type OpenedBeacon =
  /** Made by somebody who knows the secret of the fleet; by the device it names only if `isSigned` says so. */
  | { readonly kind: 'beacon'; readonly message: BeaconMessage; isSigned(): boolean }
  /** Of this fleet, from an agent that speaks another version of the protocol. */
  | { readonly kind: 'other-version'; readonly version: number }

/** @returns undefined for everything that nobody with the secret of this fleet made */
export function openBeacon(bytes: Buffer, membership: Membership): OpenedBeacon | undefined {
  if (!looksLikeBeacon(bytes)) return undefined
  const head = bytes.subarray(0, AT.nonce)
  const plain = membership.openBeacon(head, bytes.subarray(AT.nonce, AT.sealed), bytes.subarray(AT.sealed))
  if (!plain) return undefined
  const version = bytes[AT.version]!
  if (version !== PEER_PROTOCOL) return { kind: 'other-version', version }
  if (plain.length !== IN.end) return undefined
  const counter = plain.readBigUInt64BE(IN.counter)
  const port = plain.readUInt16BE(IN.port)
  if (counter > BigInt(Number.MAX_SAFE_INTEGER) || port === 0) return undefined
  const spki = Buffer.concat([SPKI_HEAD, plain.subarray(IN.key, IN.signature)])
  const flags = plain[IN.flags]!
  return {
    kind: 'beacon',
    message: {
      id: peerIdOf(spki),
      bootId: plain.toString('hex', IN.boot, IN.counter) as BootId,
      port,
      counter: Number(counter),
      goodbye: (flags & GOODBYE) !== 0,
      replyWanted: (flags & REPLY_WANTED) !== 0
    },
    isSigned: () => isSigned(plain, spki)
  }
}

function isSigned(plain: Buffer, spki: Buffer): boolean {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return verify('sha256', signed(plain), key, derFromP1363(plain.subarray(IN.signature)))
  } catch {
    // Not every pair of numbers is a point of the curve, nor a signature.
    return false
  }
}

const signed = (plain: Buffer): Buffer => Buffer.concat([SIGNED_LABEL, plain.subarray(0, IN.signature)])
