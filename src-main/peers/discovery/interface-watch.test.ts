import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Settings } from '../../contract/settings.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { InterfaceWatch } from './interface-watch.ts'
import { LinkWatch } from '../../machine/link-watch.ts'
import { noLinks, type Links } from '../../machine/links.ts'

const card = (address: string, mac = '02:00:00:00:00:01'): NetworkInterfaceInfo => ({
  address,
  netmask: '',
  family: 'IPv4',
  mac,
  internal: false,
  cidr: `${address}/24`
})
const vpn: Links = { byName: new Map([['corp', { kind: 'vpn', metered: null }]]), defaultName: null, gateways: [] }
const settled = () => new Promise((resolve) => setImmediate(resolve))

function watched(answers: (Links | Promise<Links>)[] = [noLinks]) {
  const clock = fakeClock()
  const listing: Record<string, NetworkInterfaceInfo[]> = { eth0: [card('10.0.0.1')] }
  const links = new LinkWatch(clock, {
    probe: { read: async () => (answers.length > 1 ? answers.shift() : answers[0]) },
    everyMs: 3_600_000
  })
  const watch = new InterfaceWatch({
    clock,
    listing: () => structuredClone(listing),
    links,
    rules: { ...Settings.parse({}).discovery, inhibitedSubnets: ['10.66.0.0/16'] }
  })
  const heard: string[] = []
  watch.on('scanned', ({ renewed }) => heard.push(renewed ? 'renewed' : 'scanned'))
  watch.on('changed', () => heard.push('changed'))
  const pass = async (ms: number) => {
    await clock.pass(ms)
    await settled()
    return heard.splice(0)
  }
  return { clock, listing, watch, heard, pass }
}

describe('the watch over interfaces', () => {
  it('scans every 10 s, and says what has changed once', async () => {
    const { watch, listing, pass, heard } = watched()
    await watch.start()
    expect(heard.splice(0)).toEqual(['scanned'])
    expect(await pass(20_001)).toEqual(['scanned', 'scanned'])
    listing['eth1'] = [card('10.1.0.1')]
    expect(await pass(10_000)).toEqual(['scanned', 'changed'])
    listing['eth1'] = [card('10.1.0.1', '02:00:00:00:00:02')]
    expect(await pass(10_000)).toEqual(['scanned', 'changed'])
    delete listing['eth1']
    expect(await pass(10_000)).toEqual(['scanned', 'changed'])
    expect(await pass(10_000)).toEqual(['scanned'])
    expect(watch.interfaces.map((i) => i.address)).toEqual(['10.0.0.1'])
  })

  it('has everything made again when told to refresh', async () => {
    const { watch, pass } = watched()
    await watch.start()
    await pass(0)
    watch.refresh()
    expect(await pass(0)).toEqual(['renewed'])
    watch.stop()
    watch.refresh()
    expect(await pass(60_000)).toEqual([])
  })

  it('asks what a new network is before it is used', async () => {
    const { watch, listing, pass } = watched([noLinks, vpn])
    await watch.start()
    const used: boolean[] = []
    watch.on('scanned', () => used.push(watch.interfaces.some((i) => i.name === 'corp' && i.used)))
    listing['corp'] = [card('172.30.0.2')]
    await pass(10_001)
    expect(used).not.toContain(true)
    expect(watch.barredPath('172.30.0.2')).toContain('VPN')
    expect(watch.interfaces.find((i) => i.name === 'corp')?.used).toBe(false)
  })

  it('does not wait for a system that takes its time, and takes its answer when it comes', async () => {
    const late = Promise.withResolvers<Links>()
    const { clock, watch, listing, pass } = watched([late.promise, vpn])
    listing['corp'] = [card('172.30.0.2')]
    const started = watch.start()
    await clock.pass(501)
    await started
    expect(watch.interfaces.map((i) => i.used)).toEqual([true, true])
    late.resolve(vpn)
    await settled()
    expect(await pass(0)).toContain('changed')
    expect(watch.interfaces.map((i) => i.used)).toEqual([true, false])
  })

  it('knows own addresses, with or without zone, and the paths that are left out', async () => {
    const { watch, listing } = watched()
    listing['eth2'] = [card('10.66.1.1'), { ...card('fe80::5'), family: 'IPv6', scopeid: 3 }]
    await watch.start()
    expect(
      ['127.0.0.1', '::1', '10.0.0.1', 'fe80::5%eth2', '10.0.0.2', 'fe80::6%eth2'].map((a) => watch.isThisPc(a))
    ).toEqual([true, true, true, true, false, false])
    expect(
      [undefined, '10.0.0.1', '10.66.1.1', 'fe80::5%eth2'].map(
        (a) => watch.barredPath(a)?.includes('10.66.0.0/16') ?? null
      )
    ).toEqual([null, null, true, true])
  })
})
