import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import { LabAgent, machineMs, type LabAgentOptions } from '../../testing/lab/lab-agent.ts'
import { NamespaceLab, whyNoLab, type LabHost } from '../../testing/lab/namespace-lab.ts'
import { newSiteKey } from '../fleet/site-key.ts'

/** A change of network is noticed at the next scan, and the peer found again at once. */
const FOUND_AGAIN_MS = 15_000
const noLab = whyNoLab()

describe('discovery between PCs', () => {
  let lab: NamespaceLab
  let agents: LabAgent[] = []
  const siteKey = newSiteKey()

  beforeEach(async ({ skip }) => {
    skip(noLab !== null, noLab ?? '')
    lab = await NamespaceLab.open()
    await lab.addSwitch('a', '10.77.1.1/24')
  })
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    agents = []
    await lab?.close()
  })

  const pc = async (name: string, address: string | null, onSwitch = 'a', { ipv6 = true } = {}): Promise<LabHost> => {
    const host = await lab.addHost(name)
    if (!ipv6)
      await host.run('sh', '-c', 'for n in all default; do echo 1 > /proc/sys/net/ipv6/conf/$n/disable_ipv6; done')
    await host.plug('eth0', onSwitch, address)
    return host
  }
  const start = async (host: LabHost, options: Partial<LabAgentOptions> = {}): Promise<LabAgent> => {
    const agent = await LabAgent.start(host, { siteKey, ...options })
    agents.push(agent)
    return agent
  }
  const pair = async ({ ipv6 = true } = {}) => {
    const hosts = [
      await pc('pc-1', '10.77.1.11/24', 'a', { ipv6 }),
      await pc('pc-2', '10.77.1.12/24', 'a', { ipv6 })
    ] as const
    const [one, two] = await Promise.all(hosts.map((host) => start(host)))
    await met(one!, two!)
    return { hosts, one: one!, two: two! }
  }
  const connected = (snapshot: AgentSnapshot, name: string) =>
    snapshot.peers.find((peer) => peer.state === 'connected' && peer.name.startsWith(name))
  const met = (one: LabAgent, two: LabAgent, limitMs = 20_000) =>
    Promise.all([
      one.untilSnapshot((s) => connected(s, two.name) !== undefined, limitMs),
      two.untilSnapshot((s) => connected(s, one.name) !== undefined, limitMs)
    ])
  const apart = (one: LabAgent, other: string) => one.untilSnapshot((s) => connected(s, other) === undefined, 20_000)

  /** The other one has gone without a word; who has no downloads would notice it after two minutes. */
  const notice = (one: LabAgent, other: string) => {
    one.refresh()
    return apart(one, other)
  }

  it('finds a peer over IPv6 alone', async () => {
    const [one, two] = await Promise.all([start(await pc('pc-1', null)), start(await pc('pc-2', null))])
    const [snapshot] = await met(one, two)
    expect(connected(snapshot, 'pc-2')?.address).toMatch(/^fe80:.*%eth0$/)
    // Met by the other one's beacon, it may itself still wait for the system to take the address as its own.
    const ready = await one.untilSnapshot((s) =>
      s.interfaces.some(({ name, reason }) => name === 'eth0' && reason === null)
    )
    expect(ready.interfaces).toContainEqual({
      name: 'eth0',
      address: expect.stringMatching(/^fe80:.*%eth0$/),
      used: true,
      reason: null
    })
  })

  it('finds a peer where IPv6 is off', async () => {
    const [one, two] = await Promise.all([
      start(await pc('pc-1', '10.77.1.11/24', 'a', { ipv6: false })),
      start(await pc('pc-2', '10.77.1.12/24'))
    ])
    const [snapshot] = await met(one, two)
    expect(connected(snapshot, 'pc-2')?.address).toBe('10.77.1.12')
  })

  it('finds a peer again after its network card was replaced by another one with the same address', async () => {
    const { hosts, one, two } = await pair()
    await hosts[0].remove('eth0')
    await notice(two, 'pc-1')
    await hosts[0].plug('eth0', 'a', '10.77.1.11/24')
    const sinceMs = machineMs()
    const again = await two.until(({ event }) => event.type === 'peerConnected', FOUND_AGAIN_MS, sinceMs)
    expect(again.ms - sinceMs).toBeLessThan(FOUND_AGAIN_MS)
    await two.stop()
    // Heard on the new card: the old membership of the multicast group went with the old card.
    await hosts[1].remove('eth0')
    await hosts[1].plug('eth0', 'a', '10.77.1.13/24')
    const three = await start(hosts[1])
    await met(one, three)
  })

  it('finds a peer again under its new address', async () => {
    const { hosts, one, two } = await pair({ ipv6: false })
    const sinceMs = machineMs()
    await hosts[0].ip('addr', 'del', '10.77.1.11/24', 'dev', 'eth0')
    await hosts[0].ip('addr', 'add', '10.77.1.77/24', 'brd', '+', 'dev', 'eth0')
    await two.untilSnapshot((s) => connected(s, 'pc-1')?.address === '10.77.1.77', FOUND_AGAIN_MS)
    await met(one, two)
    expect(machineMs() - sinceMs).toBeLessThan(FOUND_AGAIN_MS + 5000)
  })

  it('finds peers on both networks of a PC with two cards, and loses only one when one is pulled out', async () => {
    await lab.addSwitch('b', '10.77.2.1/24')
    const middle = await pc('middle', '10.77.1.11/24')
    await middle.plug('eth1', 'b', '10.77.2.11/24')
    const [both, left, right] = await Promise.all([
      start(middle),
      start(await pc('left', '10.77.1.12/24')),
      start(await pc('right', '10.77.2.12/24', 'b'))
    ])
    await Promise.all([met(both, left), met(both, right)])
    await middle.remove('eth1')
    await apart(both, 'right')
    expect(connected(await both.snapshot(), 'left')).toBeDefined()
    await middle.plug('eth1', 'b', '10.77.2.11/24')
    await met(both, right)
  })

  it('reaches a peer of two common networks over the other one when the first is cut', async () => {
    await lab.addSwitch('b', '10.77.2.1/24')
    const hosts = [await pc('pc-1', '10.77.1.11/24'), await pc('pc-2', '10.77.1.12/24')] as const
    await hosts[0].plug('eth1', 'b', '10.77.2.11/24')
    await hosts[1].plug('eth1', 'b', '10.77.2.12/24')
    const [one, two] = await Promise.all([start(hosts[0]), start(hosts[1])])
    await met(one, two)
    const over = connected(await one.snapshot(), 'pc-2')!.address
    const cut = over.startsWith('10.77.1.') || over.endsWith('%eth0') ? 'eth0' : 'eth1'
    await Promise.all(hosts.map((host) => host.cable(cut, 'out')))
    const by = await one.untilSnapshot((s) => (connected(s, 'pc-2')?.address ?? over) !== over, 40_000)
    expect(connected(by, 'pc-2')!.address).not.toBe(over)
  }, 90_000)

  it('goes by seeds where the switch carries neither multicast nor broadcast', async () => {
    const hosts = [await pc('pc-1', '10.77.1.11/24'), await pc('pc-2', '10.77.1.12/24')] as const
    // Neighbours are found by broadcast and multicast too: their addresses are given.
    await hosts[0].ip('neigh', 'replace', '10.77.1.12', 'lladdr', await cardAddress(hosts[1]), 'dev', 'eth0')
    await hosts[1].ip('neigh', 'replace', '10.77.1.11', 'lladdr', await cardAddress(hosts[0]), 'dev', 'eth0')
    for (const host of hosts) await host.flood('eth0', { multicast: false, broadcast: false })
    const one = await start(hosts[0])
    const blind = await start(hosts[1])
    await someBeacons()
    expect((await blind.snapshot()).peers).toEqual([])
    await blind.stop()
    const two = await start(hosts[1], { settings: { discovery: { seeds: ['10.77.1.11'] } } })
    await met(one, two)
  })

  it('finds a peer whose clock is wrong by hours', async () => {
    const hosts = [await pc('pc-1', '10.77.1.11/24'), await pc('pc-2', '10.77.1.12/24')] as const
    const [one, two] = await Promise.all([
      start(hosts[0], { wallOffsetMs: -9 * 3600_000 }),
      start(hosts[1], { wallOffsetMs: 30 * 24 * 3600_000 })
    ])
    await met(one, two)
  })

  it('finds its peers again after it was stopped for longer than they wait', async () => {
    const { one, two } = await pair()
    one.signal('SIGSTOP')
    await notice(two, 'pc-1')
    const sinceMs = machineMs()
    one.signal('SIGCONT')
    const again = await two.until(({ event }) => event.type === 'peerConnected', FOUND_AGAIN_MS, sinceMs)
    expect(again.ms - sinceMs).toBeLessThan(FOUND_AGAIN_MS)
  })

  it('tells PCs with the same name apart by their addresses', async () => {
    const hosts = [
      await pc('pc-1', '10.77.1.11/24'),
      await pc('pc-2', '10.77.1.12/24', 'a', { ipv6: false }),
      await pc('pc-3', '10.77.1.13/24', 'a', { ipv6: false })
    ] as const
    const [one] = await Promise.all([
      start(hosts[0]),
      start(hosts[1], { name: 'DESKTOP' }),
      start(hosts[2], { name: 'Desktop' })
    ])
    const snapshot = await one.untilSnapshot((s) => s.peers.filter((p) => p.state === 'connected').length === 2)
    expect(snapshot.peers.map((p) => p.name).sort()).toEqual(['DESKTOP (10.77.1.12)', 'Desktop (10.77.1.13)'])
  })

  it('says which two PCs have the same identity', async () => {
    const hosts = [
      await pc('pc-1', '10.77.1.11/24'),
      await pc('pc-2', '10.77.1.12/24'),
      await pc('pc-3', '10.77.1.13/24')
    ] as const
    const [original, third] = await Promise.all([start(hosts[0]), start(hosts[2])])
    await met(original, third)
    const dataDir = await mkdtemp(path.join(tmpdir(), 'larder-lab-'))
    await copyFile(path.join(original.dataDir, 'identity.pem'), path.join(dataDir, 'identity.pem'))
    const copy = await start(hosts[1], { dataDir })
    const says = (agent: LabAgent, like: RegExp) =>
      agent.until(({ event }) => event.type === 'peerRefused' && like.test(event.text))
    await Promise.all([
      says(original, /(10\.77\.1\.12|fe80).*same identity as this PC/),
      says(copy, /(10\.77\.1\.11|fe80).*same identity as this PC/),
      says(third, /(10\.77\.1\.12|fe80).*same identity as pc-1 at/)
    ])
    expect(connected(await third.snapshot(), 'pc-1')).toBeDefined()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('exchanges nothing in an inhibited subnet, and says why', async () => {
    const hosts = [await pc('pc-1', '10.77.1.11/24'), await pc('pc-2', '10.77.1.12/24')] as const
    const inhibited = { discovery: { inhibitedSubnets: ['10.77.1.0/28'], seeds: ['10.77.1.12'] } }
    const [one, two] = await Promise.all([
      start(hosts[0], { settings: inhibited }),
      start(hosts[1], { settings: { discovery: { seeds: ['10.77.1.11'] } } })
    ])
    await someBeacons()
    const { interfaces } = await one.snapshot()
    expect(interfaces.filter((i) => i.name === 'eth0').map((i) => i.reason)).toEqual(
      Array(2).fill('The subnet 10.77.1.0/28 is in discovery.inhibitedSubnets.')
    )
    for (const agent of [one, two])
      expect((await agent.snapshot()).peers.filter((p) => p.state === 'connected')).toEqual([])
  })

  it('exchanges nothing over a VPN unless that is allowed, not even with a seed', async () => {
    await lab.addSwitch('b', '10.77.2.1/24')
    const host = await pc('pc-1', '10.77.1.11/24')
    await host.plug('tun0', 'b', '10.77.2.11/24')
    const seeds = ['10.77.2.12']
    const [one, two] = await Promise.all([
      start(host, { settings: { discovery: { seeds } } }),
      start(await pc('pc-2', '10.77.2.12/24', 'b'))
    ])
    await someBeacons()
    expect((await one.snapshot()).interfaces.find((i) => i.name === 'tun0')).toMatchObject({
      used: false,
      reason: expect.stringContaining('VPN')
    })
    for (const agent of [one, two])
      expect((await agent.snapshot()).peers.filter((p) => p.state === 'connected')).toEqual([])
    await one.stop()
    await met(await start(host, { settings: { discovery: { allowVpn: true } } }), two)
  })
})

/** Longer than the beacons and dials of a start take. */
const someBeacons = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 4000))

async function cardAddress(host: LabHost): Promise<string> {
  return (await host.run('cat', '/sys/class/net/eth0/address')).trim()
}
