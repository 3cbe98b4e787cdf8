import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { peerIdOf } from '../fleet/certificate.ts'
import { MAX_CARD_BYTES, makeCard, readCard, type CardSigner } from './contact-card.ts'
import { reachOf } from './reach.ts'

function device(): CardSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    sign: (message) => sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  }
}

const addresses = [
  { address: '10.1.2.3', port: 4726 },
  { address: 'fd00::1:2', port: 4727 }
]

describe('a contact card', () => {
  test('says who made it and where it can be reached', () => {
    const by = device()
    const card = makeCard(by, 1_800_000_000_000, addresses)
    expect(card.length).toBeLessThanOrEqual(MAX_CARD_BYTES)
    expect(readCard(card)).toEqual({ id: peerIdOf(by.spki), counter: 1_800_000_000_000, addresses })
  })

  test('is worth nothing once a single byte of it was changed', () => {
    const card = makeCard(device(), 7, addresses)
    const intact = readCard(card)!
    for (let i = 0; i < card.length; i++) {
      const changed = Buffer.from(card)
      changed[i]! ^= 1
      expect(readCard(changed)?.id).not.toBe(intact.id)
    }
  })

  test('can be read from any bytes without a failure', () => {
    const card = makeCard(device(), 7, addresses)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(card.length), (noise, at) => {
        expect(readCard(noise)).toBeUndefined()
        expect(readCard(Buffer.concat([card.subarray(0, at), noise]))?.addresses.length ?? 0).toBeLessThanOrEqual(4)
      })
    )
  })

  test('names at most four addresses', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ address: `10.0.0.${i + 1}`, port: 4726 }))
    expect(readCard(makeCard(device(), 0, many))!.addresses).toEqual(many.slice(0, 4))
  })
})

describe('reach', () => {
  const reach = reachOf({
    subnets: ['10.0.0.0/8', 'fc00::/7', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4'],
    isThisPc: (address) => address === '10.0.0.9',
    isRouter: (address) => address === '10.0.0.1',
    loopbackToo: false
  })

  test('is never the router of this network, however it is written', () => {
    for (const router of ['10.0.0.1', '::ffff:10.0.0.1']) expect(reach(router)).toBe('is the router of this network')
  })

  test.each([
    ['10.20.30.40', null],
    ['fd00::1', null],
    ['10.0.0.9', 'is this PC itself'],
    ['10.0.0.1', 'is the router of this network'],
    ['::ffff:10.0.0.1', 'is the router of this network'],
    ['127.0.0.1', 'is this PC itself'],
    ['::1', 'is this PC itself'],
    ['::ffff:127.0.0.1', 'is this PC itself'],
    ['169.254.169.254', 'is not an address of one PC'],
    ['224.0.0.1', 'is not an address of one PC'],
    ['255.255.255.255', 'is not an address of one PC'],
    ['0.0.0.0', 'is not an address of one PC'],
    ['fe80::1', 'is not an address of one PC'],
    ['8.8.8.8', 'is outside hub.reach'],
    ['::ffff:8.8.8.8', 'is outside hub.reach'],
    ['::ffff:10.1.1.1', null],
    ['2001:db8::1', 'is not an address of one PC'],
    ['hub.example.org', 'is not an address']
  ])('says of %s: %s', (address, why) => expect(reach(address)).toBe(why))
})
