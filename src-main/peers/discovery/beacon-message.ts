import { timingSafeEqual } from 'node:crypto'
import type { BootId, PeerId } from '../../contract/ids.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import { MAC_BYTES, TAG_BYTES, type Membership } from '../fleet/membership.ts'

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
 *   5  flags               1   1 goodbye · 2 reply wanted
 *   6  TCP port            2
 *   8  fleet tag           8
 *  16  peer id            32
 *  48  boot id             8
 *  56  counter             8
 *  64  MAC                32   over everything before it
 *
 * Magic, version, tag, and a MAC over the rest at the end stay where they are in all versions; numbers are big endian.
 */
const MAGIC = Buffer.from('LRDB')
const AT = { version: 4, flags: 5, port: 6, tag: 8, id: 16, boot: 48, counter: 56, mac: 64 } as const
const GOODBYE = 1
const REPLY_WANTED = 2

/** Bytes of a beacon of this protocol version. */
export const BEACON_BYTES = AT.mac + MAC_BYTES

const MIN_BEACON_BYTES = AT.tag + TAG_BYTES + MAC_BYTES

export function encodeBeacon(message: BeaconMessage, membership: Membership): Buffer {
  const bytes = Buffer.alloc(BEACON_BYTES)
  MAGIC.copy(bytes)
  bytes[AT.version] = PEER_PROTOCOL
  bytes[AT.flags] = (message.goodbye ? GOODBYE : 0) | (message.replyWanted ? REPLY_WANTED : 0)
  bytes.writeUInt16BE(message.port, AT.port)
  membership.beaconTag.copy(bytes, AT.tag)
  bytes.write(message.id, AT.id, 'hex')
  bytes.write(message.bootId, AT.boot, 'hex')
  bytes.writeBigUInt64BE(BigInt(message.counter), AT.counter)
  membership.beaconMac(bytes.subarray(0, AT.mac)).copy(bytes, AT.mac)
  return bytes
}

/** Cheap look at a datagram before any cryptography: could it be a beacon of this fleet? */
export function looksLikeOurs(bytes: Uint8Array, membership: Membership): boolean {
  return (
    bytes.length >= MIN_BEACON_BYTES &&
    bytes.length <= MAX_BEACON_BYTES &&
    MAGIC.equals(bytes.subarray(0, MAGIC.length)) &&
    membership.beaconTag.equals(bytes.subarray(AT.tag, AT.tag + TAG_BYTES))
  )
}

/** Sender, boot and counter as claimed, without proof. Meaningful only if {@link looksLikeOurs}. */
export function beaconSource(bytes: Buffer): { id: string; bootId: string; counter: number } {
  if (bytes.length < AT.mac) return { id: '', bootId: '', counter: 0 }
  return {
    id: bytes.toString('hex', AT.id, AT.boot),
    bootId: bytes.toString('hex', AT.boot, AT.counter),
    counter: Number(bytes.readBigUInt64BE(AT.counter))
  }
}

export type DecodedBeacon =
  | { readonly kind: 'beacon'; readonly message: BeaconMessage }
  /** Of this fleet, from an agent that speaks another version of the protocol. */
  | { readonly kind: 'other-version'; readonly version: number }

/** @returns undefined for everything that no member of this fleet made */
export function decodeBeacon(bytes: Buffer, membership: Membership): DecodedBeacon | undefined {
  if (!looksLikeOurs(bytes, membership)) return undefined
  const end = bytes.length - MAC_BYTES
  if (!timingSafeEqual(membership.beaconMac(bytes.subarray(0, end)), bytes.subarray(end))) return undefined
  const version = bytes[AT.version]!
  if (version !== PEER_PROTOCOL) return { kind: 'other-version', version }
  if (bytes.length !== BEACON_BYTES) return undefined
  const counter = bytes.readBigUInt64BE(AT.counter)
  const port = bytes.readUInt16BE(AT.port)
  if (counter > BigInt(Number.MAX_SAFE_INTEGER) || port === 0) return undefined
  const flags = bytes[AT.flags]!
  return {
    kind: 'beacon',
    message: {
      id: bytes.toString('hex', AT.id, AT.boot) as PeerId,
      bootId: bytes.toString('hex', AT.boot, AT.counter) as BootId,
      port,
      counter: Number(counter),
      goodbye: (flags & GOODBYE) !== 0,
      replyWanted: (flags & REPLY_WANTED) !== 0
    }
  }
}
