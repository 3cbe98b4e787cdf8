import type { NetworkInterfaceInfo } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Settings } from '../../contract/settings.ts'
import { chooseInterfaces, type InterfaceRules } from './interfaces.ts'
import { noLinks, type LinkFacts, type Links } from '../../machine/links.ts'

const ipv4 = (address: string, prefix = 24, more: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo =>
  ({
    address,
    netmask: '',
    family: 'IPv4',
    mac: '02:00:00:00:00:01',
    internal: false,
    cidr: `${address}/${prefix}`,
    ...more
  }) as NetworkInterfaceInfo
const ipv6 = (address: string, scopeid: number): NetworkInterfaceInfo =>
  ({
    address,
    netmask: '',
    family: 'IPv6',
    mac: '02:00:00:00:00:01',
    internal: false,
    cidr: `${address}/64`,
    scopeid
  }) as NetworkInterfaceInfo
const lo = ipv4('127.0.0.1', 8, { internal: true })

const defaults: InterfaceRules = Settings.parse({}).discovery
type Listing = NodeJS.Dict<NetworkInterfaceInfo[]>
const choose = (
  listing: Listing,
  rules: Partial<InterfaceRules> = {},
  links: Links = noLinks,
  index = '7',
  platform: NodeJS.Platform = 'linux'
) => chooseInterfaces(listing, links, { ...defaults, ...rules }, { indexOf: () => index, platform })
const linked = (links: Record<string, Partial<LinkFacts>>): Links => ({
  byName: new Map(Object.entries(links).map(([name, facts]) => [name, { kind: 'wired', metered: null, ...facts }])),
  defaultName: null,
  gateways: []
})
const usedNames = (choice: ReturnType<typeof choose>) => choice.interfaces.filter((i) => i.used).map((i) => i.name)

describe('the choice of interfaces', () => {
  it('uses network cards and leaves loopback and VPNs out, with the reason', () => {
    const names = {
      lo: [lo],
      eth0: [ipv4('10.0.0.5')],
      'Ethernet 2': [ipv4('10.1.0.5')],
      en0: [ipv4('10.2.0.5')],
      wlan0: [ipv4('10.3.0.5')]
    }
    const vpn = [
      'tun0',
      'tap1',
      'wg0',
      'utun3',
      'ppp0',
      'ztabc123',
      'tailscale0',
      'Cisco AnyConnect Secure Mobility Client',
      'OpenVPN TAP-Windows6',
      'WireGuard Tunnel',
      'Company VPN'
    ]
    const choice = choose({ ...names, ...Object.fromEntries(vpn.map((name, i) => [name, [ipv4(`172.16.0.${i}`)]])) })
    expect(usedNames(choice)).toEqual(['eth0', 'Ethernet 2', 'en0', 'wlan0'])
    for (const { used, reason } of choice.interfaces) expect(used).toBe(reason === null)
    expect(choice.interfaces.find((i) => i.name === 'wg0')?.reason).toContain('VPN')
  })

  it('leaves out what the system says is a VPN, whatever its name, with all its addresses', () => {
    const choice = choose(
      { corp: [ipv4('10.9.0.5'), ipv6('fe80::9', 9), ipv6('fd00::9', 0)], eth0: [ipv4('10.0.0.5')] },
      {},
      linked({ corp: { kind: 'vpn' } })
    )
    expect(usedNames(choice)).toEqual(['eth0'])
    expect([...choice.barred.keys()]).toEqual(['10.9.0.5', 'fe80::9', 'fd00::9'])
    expect(
      usedNames(choose({ corp: [ipv4('10.9.0.5')] }, { allowVpn: true }, linked({ corp: { kind: 'vpn' } })))
    ).toEqual(['corp'])
  })

  it('leaves out metered connections and mobile networks, unless allowed', () => {
    const listing = { wlan0: [ipv4('10.3.0.5')], wwan0: [ipv4('10.4.0.5')], eth0: [ipv4('10.0.0.5')] }
    const links = linked({ wlan0: { kind: 'wireless', metered: true }, eth0: { metered: false } })
    const choice = choose(listing, {}, links)
    expect(usedNames(choice)).toEqual(['eth0'])
    expect(choice.interfaces.map((i) => i.reason)).toEqual([
      expect.stringContaining('metered'),
      expect.stringContaining('mobile network'),
      null
    ])
    expect(usedNames(choose(listing, { allowMetered: true }, links))).toEqual(['wlan0', 'wwan0', 'eth0'])
  })

  it('leaves out inhibited subnets of both families, and then everything else on that interface', () => {
    const listing = {
      eth0: [ipv4('10.20.3.5'), ipv6('fe80::1', 4)],
      eth1: [ipv4('10.21.0.5'), ipv6('fd12::5', 0), ipv6('fe80::2', 5)],
      eth2: [ipv4('10.22.0.5')]
    }
    const choice = choose(listing, { inhibitedSubnets: ['10.20.0.0/16', 'fd12::/64'] })
    expect(usedNames(choice)).toEqual(['eth2'])
    expect(choice.interfaces[0]?.reason).toBe('The subnet 10.20.0.0/16 is in discovery.inhibitedSubnets.')
    expect(choice.interfaces.find((i) => i.address === 'fe80::2%eth1')?.reason).toContain('fd12::/64')
    expect(choice.barred.has('fe80::1')).toBe(true)
    expect(choice.barred.has('10.22.0.5')).toBe(false)
  })

  it('takes one link-local IPv6 address of each interface, with the zone that the system uses', () => {
    const listing = { eth0: [ipv6('fd00::5', 0), ipv6('fe80::1', 4), ipv6('fe80::2', 4)] }
    expect(choose(listing).interfaces).toMatchObject([
      { address: 'fe80::1%eth0', family: 6, zone: 'eth0', broadcast: null, used: true }
    ])
    expect(choose(listing, {}, noLinks, '7', 'win32').interfaces).toMatchObject([{ address: 'fe80::1%4', zone: '4' }])
    expect([...choose(listing).own]).toEqual(['fd00::5', 'fe80::1', 'fe80::2'])
    expect(choose({ br_lan: [ipv6('fe80::1', 4)] }).interfaces[0]?.reason).toContain('cannot stand in an IPv6 address')
  })

  it('uses loopback when told, and then no broadcast on it', () => {
    expect(choose({ lo: [lo] }, { includeLoopback: true }).interfaces).toMatchObject([
      { used: true, loopback: true, broadcast: null }
    ])
  })

  it('keeps to the address that the peer port listens on', () => {
    const listing = { eth0: [ipv4('10.0.0.5'), ipv6('fe80::1', 4)], eth1: [ipv4('10.1.0.5')] }
    expect(usedNames(choose(listing, { listenAddress: '10.1.0.5' }))).toEqual(['eth1'])
    expect(
      choose(listing, { listenAddress: '0.0.0.0' })
        .interfaces.filter((i) => i.used)
        .map((i) => i.address)
    ).toEqual(['10.0.0.5', '10.1.0.5'])
  })

  it('knows the broadcast address of a subnet, if it has one', () => {
    const of = (address: string, prefix: number) => choose({ eth0: [ipv4(address, prefix)] }).interfaces[0]!.broadcast
    expect(of('10.0.0.5', 24)).toBe('10.0.0.255')
    expect(of('172.20.130.1', 20)).toBe('172.20.143.255')
    expect(of('10.0.0.5', 31)).toBeNull()
    expect(of('10.0.0.5', 32)).toBeNull()
  })

  it('tells a re-created card from the one before', () => {
    const signature = (index: string, address = '10.0.0.5') =>
      choose({ eth0: [ipv4(address)] }, {}, noLinks, index).interfaces[0]!.signature
    expect(signature('7')).toBe(signature('7'))
    expect(signature('8')).not.toBe(signature('7'))
    expect(signature('7', '10.0.0.6')).not.toBe(signature('7'))
  })

  it('opens few sockets and remembers few addresses, however many there are', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(30), (count, each) => {
        const addresses = (i: number) => Array.from({ length: each }, (_, j) => ipv4(`10.${i}.${j}.1`))
        const choice = choose(Object.fromEntries(Array.from({ length: count }, (_, i) => [`eth${i}`, addresses(i)])), {
          inhibitedSubnets: ['10.39.0.0/16']
        })
        expect(choice.interfaces.filter((i) => i.used).length).toBeLessThanOrEqual(16)
        expect(choice.interfaces.length).toBe(Math.min(256, count * each))
        expect(choice.own.size + choice.barred.size).toBeLessThanOrEqual(512)
      })
    )
  })
})
