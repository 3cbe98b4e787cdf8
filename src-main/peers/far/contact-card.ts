import { createPublicKey, verify } from 'node:crypto'
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { PeerId } from '../../contract/ids.ts'
import { peerIdOf } from '../fleet/certificate.ts'

/**
 *     LRDC ‖ version u8 = 1 ‖ counter u64 ‖ SPKI (91 bytes) ‖ count u8 ‖ count × (family u8 ‖ address 4 or 16 ‖ port u16) ‖ signature (64)
 *
 * Signed by the device itself over `larder/contact/v1` ‖ 00 ‖ all before the signature: whoever passes a card on can put no other
 * address under an id. The counter is the wall clock (ms) at which it was made: of two cards the later one counts.
 */
const MAGIC = Buffer.from('LRDC')
const VERSION = 1
const CONTEXT = Buffer.from('larder/contact/v1\0')
const SPKI_BYTES = 91
const SIGNATURE_BYTES = 64
const HEAD_BYTES = MAGIC.length + 1 + 8 + SPKI_BYTES + 1
export const MAX_CARD_ADDRESSES = 4
export const MAX_CARD_BYTES = HEAD_BYTES + MAX_CARD_ADDRESSES * 19 + SIGNATURE_BYTES

export interface CardAddress {
  readonly address: string
  readonly port: number
}

/** Where a PC can be reached, as it says itself. */
export interface ContactCard {
  readonly id: PeerId
  readonly counter: number
  readonly addresses: readonly CardAddress[]
}

export interface CardSigner {
  readonly spki: Buffer
  sign(message: Uint8Array): Buffer
}

/** @param addresses IPv4 or IPv6 without zone; those beyond {@link MAX_CARD_ADDRESSES} are left out */
export function makeCard(by: CardSigner, counter: number, addresses: readonly CardAddress[]): Buffer {
  const listed = addresses.slice(0, MAX_CARD_ADDRESSES)
  const counterBytes = Buffer.alloc(8)
  counterBytes.writeBigUInt64BE(BigInt(Math.max(0, Math.floor(counter))))
  const body = Buffer.concat([
    MAGIC,
    Buffer.from([VERSION]),
    counterBytes,
    by.spki,
    Buffer.from([listed.length]),
    ...listed.map(({ address, port }) => {
      const bytes = Buffer.from(ipaddr.parse(address).toByteArray())
      return Buffer.concat([Buffer.from([isIPv6(address) ? 6 : 4]), bytes, Buffer.from([port >> 8, port & 0xff])])
    })
  ])
  return Buffer.concat([body, by.sign(Buffer.concat([CONTEXT, body]))])
}

/** @returns undefined for anything but a card whose signature is that of the key in it */
export function readCard(bytes: Uint8Array): ContactCard | undefined {
  const card = Buffer.from(bytes)
  if (card.length > MAX_CARD_BYTES || card.length < HEAD_BYTES + SIGNATURE_BYTES) return undefined
  if (!card.subarray(0, 4).equals(MAGIC) || card[4] !== VERSION) return undefined
  const body = card.subarray(0, card.length - SIGNATURE_BYTES)
  const counter = Number(card.readBigUInt64BE(5))
  const spki = card.subarray(13, 13 + SPKI_BYTES)
  const addresses = readAddresses(body.subarray(HEAD_BYTES), body[HEAD_BYTES - 1]!)
  if (addresses === undefined || !Number.isSafeInteger(counter)) return undefined
  return isSignedBy(spki, body, card.subarray(body.length)) ? { id: peerIdOf(spki), counter, addresses } : undefined
}

function readAddresses(bytes: Buffer, count: number): CardAddress[] | undefined {
  if (count > MAX_CARD_ADDRESSES) return undefined
  const addresses: CardAddress[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const family = bytes[at]
    const length = family === 4 ? 4 : family === 6 ? 16 : 0
    if (length === 0 || bytes.length < at + 1 + length + 2) return undefined
    const address = ipaddr.fromByteArray([...bytes.subarray(at + 1, at + 1 + length)]).toString()
    const port = bytes.readUInt16BE(at + 1 + length)
    if (port === 0) return undefined
    addresses.push({ address, port })
    at += 1 + length + 2
  }
  return at === bytes.length ? addresses : undefined
}

function isSignedBy(spki: Buffer, body: Buffer, signature: Buffer): boolean {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
    return verify('sha256', Buffer.concat([CONTEXT, body]), { key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false
  }
}
