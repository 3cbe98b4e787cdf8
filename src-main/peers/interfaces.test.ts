import type { NetworkInterfaceInfo } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseInterfaces } from './interfaces.ts'

const ipv4 = (address: string, prefix = 24, more: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo =>
  ({ address, netmask: '', family: 'IPv4', mac: '02:00:00:00:00:01', internal: false, cidr: `${address}/${prefix}`, ...more }) as NetworkInterfaceInfo
const lo = ipv4('127.0.0.1', 8, { internal: true })
const options = { includeLoopback: false, listenAddress: '0.0.0.0', indexOf: () => '7' }

describe('the choice of interfaces', () => {
  it('uses network cards and leaves loopback and VPNs out, with the reason', () => {
    const names = { lo: [lo], eth0: [ipv4('10.0.0.5')], 'Ethernet 2': [ipv4('10.1.0.5')], en0: [ipv4('10.2.0.5')], wlan0: [ipv4('10.3.0.5')] }
    const vpn = ['tun0', 'tap1', 'wg0', 'utun3', 'ppp0', 'ztabc123', 'tailscale0', 'Cisco AnyConnect Secure Mobility Client', 'OpenVPN TAP-Windows6', 'WireGuard Tunnel', 'Company VPN']
    const chosen = chooseInterfaces({ ...names, ...Object.fromEntries(vpn.map((name) => [name, [ipv4('172.16.0.1')]])) }, options)
    expect(chosen.filter((i) => i.used).map((i) => i.name)).toEqual(['eth0', 'Ethernet 2', 'en0', 'wlan0'])
    for (const { used, reason } of chosen) expect(used).toBe(reason === null)
    expect(chosen.find((i) => i.name === 'wg0')?.reason).toContain('VPN')
  })

  it('uses loopback when told, and then no broadcast on it', () => {
    expect(chooseInterfaces({ lo: [lo] }, { ...options, includeLoopback: true })).toMatchObject([{ used: true, loopback: true, broadcast: null }])
  })

  it('keeps to the address that the peer port listens on', () => {
    const chosen = chooseInterfaces({ eth0: [ipv4('10.0.0.5')], eth1: [ipv4('10.1.0.5')] }, { ...options, listenAddress: '10.1.0.5' })
    expect(chosen.filter((i) => i.used).map((i) => i.name)).toEqual(['eth1'])
  })

  it('knows the broadcast address of a subnet, if it has one', () => {
    const of = (address: string, prefix: number) => chooseInterfaces({ eth0: [ipv4(address, prefix)] }, options)[0]!.broadcast
    expect(of('10.0.0.5', 24)).toBe('10.0.0.255')
    expect(of('172.20.130.1', 20)).toBe('172.20.143.255')
    expect(of('10.0.0.5', 31)).toBeNull()
    expect(of('10.0.0.5', 32)).toBeNull()
  })

  it('tells a re-created card from the one before', () => {
    const signature = (index: string, address = '10.0.0.5') => chooseInterfaces({ eth0: [ipv4(address)] }, { ...options, indexOf: () => index })[0]!.signature
    expect(signature('7')).toBe(signature('7'))
    expect(signature('8')).not.toBe(signature('7'))
    expect(signature('7', '10.0.0.6')).not.toBe(signature('7'))
  })

  it('opens few sockets however many addresses there are', () => {
    fc.assert(
      fc.property(fc.nat(60), (count) => {
        const listing = Object.fromEntries(Array.from({ length: count }, (_, i) => [`eth${i}`, [ipv4(`10.0.${i}.1`)]]))
        expect(chooseInterfaces(listing, options).filter((i) => i.used).length).toBe(Math.min(16, count))
      })
    )
  })
})
