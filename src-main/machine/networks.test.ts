import type { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { networksOf } from './networks.ts'

const at = (address: string, bits = 24, nameServers = ['10.0.0.53'], internal = false) =>
  networksOf(
    (() => ({
      eth0: [{ address, cidr: `${address}/${bits}`, internal, family: 'IPv4', netmask: '', mac: '' }]
    })) as typeof networkInterfaces,
    () => nameServers
  )

test('two addresses of one range are in the same network, also as IPv4 in IPv6 and with name servers in another order', () => {
  const name = at('192.168.7.20', 24, ['10.0.0.1', '10.0.0.2']).of('192.168.7.20')!
  const later = at('192.168.7.99', 24, ['10.0.0.2', '10.0.0.1'])
  expect(later.isHere(name)).toBe(true)
  expect(later.of('::ffff:192.168.7.99')).toBe(name)
})

test('another range, or other name servers, is another network', () => {
  const name = at('192.168.7.20').of('192.168.7.20')!
  expect(at('192.168.8.20').isHere(name)).toBe(false)
  expect(at('192.168.7.20', 24, ['192.168.7.1']).isHere(name)).toBe(false)
})

test('IPv6 goes by its first 64 bits', () => {
  const name = at('2001:db8:1:2::77', 64).of('2001:db8:1:2::77')!
  expect(at('2001:db8:1:2:9:9:9:9', 64).isHere(name)).toBe(true)
  expect(at('2001:db8:1:3::77', 64).isHere(name)).toBe(false)
})

test('an address this PC does not have is in no network, and a name tells nothing of the addresses', () => {
  expect(at('192.168.7.20').of('192.168.7.21')).toBe(null)
  expect(at('192.168.7.20').of('192.168.7.20')).toMatch(/^[0-9a-f]{32}$/)
})
