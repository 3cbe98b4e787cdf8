import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { defaultOf, defaultOf6, gatewaysOf, gatewaysOf6, linuxLinkProbe, parseMetered } from './link-probe-linux.ts'
import { macosLinkProbe, parseMacosLinks } from './link-probe-macos.ts'
import { parseWindowsLinks, windowsLinkProbe } from './link-probe-windows.ts'
import { LinkWatch, systemLinkProbe } from './link-watch.ts'
import { linkOf, noLinks, type Links } from './links.ts'

describe('the links of a Linux PC', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'larder-links-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))
  const card = async (name: string, files: Record<string, string>) => {
    const dir = join(root, 'class/net', name)
    await mkdir(dir, { recursive: true })
    for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), `${text}\n`)
  }
  const probe = (networkManager: () => Promise<string | undefined> = async () => undefined, nowMs = () => 0) =>
    linuxLinkProbe({ sys: root, proc: root, networkManager, nowMs })

  it('are what the kernel calls them', async () => {
    await card('eth0', { type: '1', uevent: 'INTERFACE=eth0\nIFINDEX=2' })
    await card('wlp3s0', { type: '1', uevent: 'DEVTYPE=wlan\nINTERFACE=wlp3s0' })
    await card('corp', { type: '65534', tun_flags: '0x1001' })
    await card('vnet0', { type: '1', tun_flags: '0x1002' })
    await card('office', { type: '65534', uevent: 'DEVTYPE=wireguard' })
    await card('wwp0', { type: '519', uevent: 'DEVTYPE=wwan' })
    await card('gre1', { type: '778' })
    const links = await probe().read()
    expect(Object.fromEntries([...links!.byName].map(([name, { kind }]) => [name, kind]))).toEqual({
      eth0: 'wired',
      wlp3s0: 'wireless',
      corp: 'vpn',
      vnet0: 'wired',
      office: 'vpn',
      wwp0: 'cellular',
      gre1: 'vpn'
    })
  })

  it('lead to the internet by the default route with the lowest metric', async () => {
    const route =
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nwlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\neth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\neth1\t0000A8C0\t00000000\t0001\t0\t0\t1\t0000FFFF\n'
    expect(defaultOf(route)).toBe('eth0')
    expect(defaultOf('Iface\tDestination\n')).toBeNull()
    expect(gatewaysOf(route)).toEqual(['192.168.2.1'])
    const zero = '0'.repeat(32)
    expect(
      defaultOf6(
        `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 wlan0\n${zero} 00 ${zero} 00 ${zero} 00000064 00000001 00000000 00000003 eth0\n${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200 lo\n`
      )
    ).toBe('eth0')
    expect(
      gatewaysOf6(
        `${zero} 00 ${zero} 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n${zero} 00 ${zero} 00 ${zero} 00000400 00000001 00000000 00000003 eth1\n`
      )
    ).toEqual(['2001:db8::1'])
    await mkdir(join(root, 'net'))
    await writeFile(join(root, 'net/route'), route)
    expect(await probe().read()).toMatchObject({ defaultName: 'eth0', gateways: ['192.168.2.1'] })
  })

  it('are metered when NetworkManager says so, which is asked once a minute and about each new interface', async () => {
    await card('wlan0', { type: '1' })
    let asked = 0
    let now = 0
    const links = probe(
      async () =>
        `GENERAL.DEVICE:wlan0\nGENERAL.METERED:${asked++ === 0 ? 'yes' : 'no'} (guessed)\n\nGENERAL.DEVICE:lo\nGENERAL.METERED:unknown\n`,
      () => now
    )
    const metered = async () => linkOf((await links.read())!, 'wlan0').metered
    expect([await metered(), await metered()]).toEqual([true, true])
    now = 60_000
    expect([await metered(), asked]).toEqual([false, 2])
    await card('wlan1', { type: '1' })
    expect([await metered(), asked]).toEqual([false, 3])
  })

  it('of this very machine can be read', async () => {
    const { probe: own } = systemLinkProbe()
    expect(await own.read()).toBeDefined()
  })

  it('are never more than text can be parsed into', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        defaultOf(text)
        defaultOf6(text)
        gatewaysOf(text)
        gatewaysOf6(text)
        expect(parseMetered(text).size).toBeLessThanOrEqual(256)
      })
    )
  })
})

describe('the links of a Windows PC', () => {
  const answer = (more: object = {}) =>
    JSON.stringify({
      adapters: [
        { Name: 'Ethernet', InterfaceDescription: 'Intel(R) I219-LM', InterfaceType: 6 },
        { Name: 'Wi-Fi', InterfaceDescription: 'Intel(R) Wi-Fi 6 AX201', InterfaceType: 71 },
        { Name: 'Ethernet 3', InterfaceDescription: 'TAP-Windows Adapter V9', InterfaceType: 6 },
        { Name: 'Headquarters', InterfaceDescription: 'Wintun Userspace Tunnel', InterfaceType: 53 },
        { Name: 'Cellular', InterfaceDescription: 'Some Mobile Broadband Adapter', InterfaceType: 243 }
      ],
      vpns: ['Office'],
      gateways: ['10.0.0.1', 'fe80::1%7', '0.0.0.0'],
      route: 'Wi-Fi',
      cost: 'Fixed',
      ...more
    })

  it('are told by type and driver', () => {
    const links = parseWindowsLinks(`\uFEFF${answer()}`)!
    expect(
      ['Ethernet', 'Wi-Fi', 'Ethernet 3', 'Headquarters', 'Cellular', 'Office'].map((name) => linkOf(links, name).kind)
    ).toEqual(['wired', 'wireless', 'vpn', 'vpn', 'cellular', 'vpn'])
    expect(links.defaultName).toBe('Wi-Fi')
    expect(links.gateways).toEqual(['10.0.0.1', 'fe80::1'])
    expect(['Wi-Fi', 'Ethernet', 'Cellular'].map((name) => linkOf(links, name).metered)).toEqual([true, null, true])
    expect(linkOf(parseWindowsLinks(answer({ cost: 'Unrestricted' }))!, 'Wi-Fi').metered).toBe(false)
    expect(parseWindowsLinks(answer({ route: '' }))!.defaultName).toBeNull()
  })

  it('are not told this time when PowerShell fails or prints something else', async () => {
    expect(await windowsLinkProbe(async () => undefined).read()).toBeUndefined()
    for (const bad of ['', '{}', 'Get-NetAdapter : Access denied', '[]', answer({ vpns: 'Office' })])
      expect.soft(parseWindowsLinks(bad), bad).toBeUndefined()
  })

  it('are asked for in one process, by text that whoever guards the PC can read, of a program that is not looked for', async () => {
    const calls: string[][] = []
    await windowsLinkProbe(async (file, args) => {
      calls.push([file, ...args])
      return answer()
    }).read()
    expect(calls).toHaveLength(1)
    const [file, ...args] = calls[0]!
    expect(file).toMatch(/^[A-Z]:\\.*\\System32\\WindowsPowerShell\\v1\.0\\powershell\.exe$/i)
    expect(args.at(-2)).toBe('-Command')
    expect(args.at(-1)).toContain('Get-NetAdapter')
    expect(args.at(-1)).not.toContain('"')
  })
})

describe('the links of a Mac', () => {
  const ports =
    'Hardware Port: Ethernet\nDevice: en0\nEthernet Address: aa\n\nHardware Port: Wi-Fi\nDevice: en1\nEthernet Address: bb\n\nHardware Port: iPhone USB\nDevice: en5\nEthernet Address: cc\n\nVLAN Configurations\n===================\n'

  it('are told by their hardware ports', () => {
    const links = parseMacosLinks(
      ports,
      '   route to: default\ndestination: default\n    gateway: 10.0.0.1\n  interface: en1\n'
    )
    expect(['en0', 'en1', 'en5', 'utun4'].map((name) => linkOf(links, name))).toEqual([
      { kind: 'wired', metered: null },
      { kind: 'wireless', metered: null },
      { kind: 'cellular', metered: true },
      { kind: 'vpn', metered: null }
    ])
    expect(links.defaultName).toBe('en1')
    expect(links.gateways).toEqual(['10.0.0.1'])
  })

  it('are not told this time when the command fails', async () => {
    expect(await macosLinkProbe(async () => undefined).read()).toBeUndefined()
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        (a, b) => void expect(parseMacosLinks(a, b).byName.size).toBeLessThanOrEqual(256)
      )
    )
  })
})

describe('the watch over links', () => {
  it('tells changes only, keeps what it knows when there is no answer, and asks once at a time', async () => {
    const clock = fakeClock()
    const wired: Links = {
      byName: new Map([['eth0', { kind: 'wired', metered: null }]]),
      defaultName: 'eth0',
      gateways: []
    }
    const answers: (Links | undefined)[] = [wired, wired, undefined, { ...wired, defaultName: null }]
    let asked = 0
    const watch = new LinkWatch(clock, { probe: { read: async () => answers[asked++] }, everyMs: 1000 })
    let changes = 0
    watch.on('changed', () => changes++)
    expect(watch.latest).toBe(noLinks)
    await Promise.all([watch.start(), watch.refresh(), watch.refresh()])
    expect([asked, changes]).toEqual([1, 1])
    await clock.pass(2001)
    expect([asked, changes, watch.latest]).toEqual([3, 1, wired])
    await clock.pass(1000)
    expect([changes, watch.latest.defaultName]).toEqual([2, null])
    watch.stop()
    await clock.pass(10_000)
    expect(asked).toBe(4)
  })
})
