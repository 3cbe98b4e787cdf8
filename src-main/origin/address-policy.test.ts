import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it, test } from 'vitest'
import { kindOfAddress, kindOfHost, mayReach, namesThisPc, plainAddress, type Chooser } from './address-policy.ts'

const own = new Set(['192.168.7.5', plainAddress('2001:db8::5')])

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.1.2', 'loopback'],
  ['0.0.0.0', 'loopback'],
  ['0.1.2.3', 'loopback'],
  ['::1', 'loopback'],
  ['::', 'loopback'],
  ['[::1]', 'loopback'],
  ['::1%lo', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['64:ff9b:1::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['2001:0:4136:e378:8000:63bf:80ff:fffe', 'loopback'],
  ['2001:db8::5efe:7f00:1', 'loopback'],
  ['2001:db8::200:5efe:127.0.0.1', 'loopback'],
  ['169.254.169.254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:0ec2:0::0254%eth0', 'metadata'],
  ['169.254.1.1', 'linkLocal'],
  ['fe80::1%eth0', 'linkLocal'],
  ['::ffff:169.254.9.9', 'linkLocal'],
  ['192.168.7.5', 'thisPc'],
  ['::ffff:192.168.7.5', 'thisPc'],
  ['64:ff9b::192.168.7.5', 'thisPc'],
  ['2001:db8:0::5', 'thisPc'],
  ['192.168.7.6', 'network'],
  ['10.1.2.3', 'network'],
  ['100.64.0.1', 'network'],
  ['fd12::1', 'network'],
  ['93.184.216.34', 'network'],
  ['2606:4700::1', 'network'],
  ['no address', 'loopback'],
  ['', 'loopback']
] as const)('%s is %s', (address, kind) => {
  expect(kindOfAddress(address, own)).toBe(kind)
})

test.each([
  ['http://2130706433/', 'loopback'],
  ['http://0x7f.1/', 'loopback'],
  ['http://0177.0.0.1/', 'loopback'],
  ['http://127.1/', 'loopback'],
  ['http://127.0.0.1./', 'loopback'],
  ['http://①②⑦.0.0.1/', 'loopback'],
  ['http://[::ffff:127.0.0.1]/', 'loopback'],
  ['http://localhost/', 'loopback'],
  ['http://LOCALHOST./', 'loopback'],
  ['http://a.localhost/', 'loopback'],
  ['http://0xa9fea9fe/', 'metadata'],
  ['http://e.test/', null],
  ['http://127.0.0.1.e.test/', null]
] as const)('the host of %s is %s', (url, kind) => {
  expect(kindOfHost(new URL(url).hostname, own)).toBe(kind)
})

describe('who may reach what', () => {
  const choosers: readonly Chooser[] = ['user', 'policy', 'other']
  test.each([
    ['network', 'e.test', [true, true, true]],
    ['thisPc', 'e.test', [true, true, false]],
    ['thisPc', '192.168.7.5', [true, true, false]],
    ['loopback', 'e.test', [false, false, false]],
    ['loopback', 'localhost', [true, true, false]],
    ['loopback', '127.0.0.1', [true, true, false]],
    ['linkLocal', 'e.test', [false, false, false]],
    ['linkLocal', '169.254.9.9', [true, true, false]],
    ['metadata', 'metadata.google.internal', [false, false, false]],
    ['metadata', '169.254.169.254', [true, false, false]]
  ] as const)('%s as %s: user, policy, other %j', (kind, host, allowed) => {
    expect(choosers.map((chooser) => mayReach(kind, chooser, host))).toEqual(allowed)
  })

  it('an address is what it is in every spelling', () => {
    const v4 = fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255)))
    fc.assert(
      fc.property(v4, (bytes) => {
        const dotted = bytes.join('.')
        const hex = `${((bytes[0]! << 8) | bytes[1]!).toString(16)}:${((bytes[2]! << 8) | bytes[3]!).toString(16)}`
        const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
        const kind = kindOfAddress(dotted, own)
        for (const spelling of [
          `::ffff:${dotted}`,
          `::ffff:${hex}`,
          `[::ffff:${hex}%1]`,
          `64:ff9b::${hex}`,
          `2002:${hex}::1`
        ])
          expect(kindOfAddress(spelling, own), spelling).toBe(kind)
        for (const spelling of [number, `0x${number.toString(16)}`, `0${number.toString(8)}`]) {
          const { hostname } = new URL(`http://${spelling}/`)
          expect(kindOfHost(hostname, own), String(spelling)).toBe(kind)
        }
      })
    )
  })

  it('never lets others lead here, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        const kind = kindOfAddress(text, own)
        if (kind !== 'network') expect(mayReach(kind, 'other', text)).toBe(false)
        else expect(ipaddr.isValid(text.replace(/%.*$/, ''))).toBe(true)
        if (namesThisPc(text)) expect(kind).toBe('loopback')
      })
    )
  })
})
