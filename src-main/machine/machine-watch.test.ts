import { describe, expect, it } from 'vitest'
import type { LinkFacts, Links } from './links.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { fixedMachine } from '../testing/fixed-machine.ts'
import { MachineWatch, uplinkOf } from './machine-watch.ts'

const rules = { configured: null, allowVpn: false, allowMetered: false, minBatteryPercent: 20, minFreeBytes: 1000 }
const links = (defaultName: string | null, all: Record<string, LinkFacts['kind']>): Links => ({
  defaultName,
  gateways: [],
  byName: new Map(Object.entries(all).map(([name, kind]) => [name, { kind, metered: null }]))
})
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the weight of a running PC', () => {
  const watched = async (free = { bytes: 5000 }) => {
    const clock = fakeClock()
    const machine = fixedMachine(10_000)
    const watch = new MachineWatch(
      clock,
      machine,
      () => rules,
      () => free.bytes
    )
    const changes: string[] = []
    watch.on('changed', ({ value, why }) => changes.push(`${value} ${why}`))
    await watch.start()
    const pass = async (ms: number) => {
      await clock.pass(ms)
      await settled()
      return changes.splice(0)
    }
    return { machine, watch, pass, free, changes }
  }

  it('follows the plug', async () => {
    const { machine, pass } = await watched()
    machine.set({ hardware: { form: 'laptop', battery: { percent: 80, discharging: false } } })
    expect(await pass(10_001)).toEqual(['40 is a laptop on mains'])
    machine.set({ hardware: { form: 'laptop', battery: { percent: 79, discharging: true } } })
    expect(await pass(10_000)).toEqual(['20 runs on battery'])
    machine.set({ hardware: { form: 'laptop', battery: { percent: 78, discharging: true } } })
    expect(await pass(10_000)).toEqual([])
  })

  it('follows the network, at once when told that it changed', async () => {
    const { machine, watch, pass } = await watched()
    machine.set({ links: links('wlan0', { wlan0: 'wireless' }) })
    watch.refresh()
    expect(await pass(0)).toEqual(['30 is on Wi-Fi'])
    machine.set({ links: links('corp', { wlan0: 'wireless', corp: 'vpn' }) })
    expect(await pass(10_000)).toEqual(['0 reaches origins through a VPN'])
    expect(watch.weight.machine).toContain('VPN')
  })

  it('follows the space on the disk', async () => {
    const { pass, free } = await watched()
    free.bytes = 10
    expect(await pass(10_001)).toEqual(['0 has too little free disk space'])
  })

  it('does not change any more after the stop', async () => {
    const { machine, watch, pass } = await watched()
    watch.stop()
    machine.set({ hardware: { form: 'server', battery: null } })
    expect(await pass(100_000)).toEqual([])
  })
})

describe('the way to origins', () => {
  const address = { address: '10.0.0.1', netmask: '', family: 'IPv4', mac: '', internal: false, cidr: null } as const
  it('is that of the default route, else the best there is', () => {
    const listing = { lo: [{ ...address, internal: true }], wlan0: [address], eth0: [address] }
    const all = links(null, { wlan0: 'wireless', eth0: 'wired' })
    expect(uplinkOf({ ...all, defaultName: 'wlan0' }, listing)?.kind).toBe('wireless')
    expect(uplinkOf(all, listing)?.kind).toBe('wired')
    expect(uplinkOf(all, { wlan0: [address] })?.kind).toBe('wireless')
    expect(uplinkOf(all, { lo: listing.lo })).toBeNull()
  })
})
