import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BusyMeter } from './busy-meter.ts'
import { desktopHardwareProbe, formOfNames, type DesktopSystem } from './hardware-probe-desktop.ts'
import { formOfChassis, linuxHardwareProbe } from './hardware-probe-linux.ts'

describe('the hardware of a Linux machine', () => {
  let sys: string
  beforeEach(async () => {
    sys = await mkdtemp(join(tmpdir(), 'larder-sys-'))
  })
  afterEach(() => rm(sys, { recursive: true, force: true }))
  const put = async (folder: string, files: Record<string, string>) => {
    await mkdir(join(sys, folder), { recursive: true })
    for (const [name, text] of Object.entries(files)) await writeFile(join(sys, folder, name), `${text}\n`)
  }
  const supply = (name: string, files: Record<string, string>) => put(`class/power_supply/${name}`, files)

  it('is unknown where the kernel tells nothing', async () => {
    expect(await linuxHardwareProbe(sys).read()).toEqual({ form: 'unknown', battery: null })
  })

  it('is what the firmware says', async () => {
    await put('class/dmi/id', { chassis_type: '23' })
    expect(await linuxHardwareProbe(sys).read()).toEqual({ form: 'server', battery: null })
    expect([3, 7, 10, 31, 28, 1].map(formOfChassis)).toEqual([
      'desktop',
      'desktop',
      'laptop',
      'laptop',
      'server',
      'unknown'
    ])
  })

  it('runs on battery as soon as one of its batteries is used', async () => {
    await put('class/dmi/id', { chassis_type: '10' })
    await supply('AC', { type: 'Mains', online: '0' })
    await supply('BAT0', { type: 'Battery', status: 'Full', capacity: '100', present: '1' })
    await supply('BAT1', { type: 'Battery', status: 'Discharging', capacity: '41' })
    expect(await linuxHardwareProbe(sys).read()).toEqual({
      form: 'laptop',
      battery: { percent: 71, discharging: true }
    })
  })

  it('has no battery because its mouse has one, or because an empty bay could hold one', async () => {
    await supply('hidpp_battery_0', { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '5' })
    await supply('BAT1', { type: 'Battery', present: '0', status: 'Unknown' })
    expect(await linuxHardwareProbe(sys).read()).toEqual({ form: 'unknown', battery: null })
  })

  it('with a battery and firmware that says nothing is a laptop; charge may be missing', async () => {
    await supply('cw2015-battery', { type: 'Battery', status: 'Charging' })
    expect(await linuxHardwareProbe(sys).read()).toEqual({
      form: 'laptop',
      battery: { percent: null, discharging: false }
    })
  })
})

describe('the hardware of a Windows PC or Mac', () => {
  const system = (more: Partial<{ type: string; distro: string; battery: object }> = {}): DesktopSystem => ({
    chassis: async () => ({ type: more.type ?? 'Notebook' }),
    osInfo: async () => ({ distro: more.distro ?? 'Microsoft Windows 11 Pro' }),
    battery: async () => ({ hasBattery: true, acConnected: true, isCharging: false, percent: 77, ...more.battery })
  })
  const read = (more: Parameters<typeof system>[0] = {}) => desktopHardwareProbe(async () => system(more)).read()

  it.each([
    [{}, { form: 'laptop', battery: { percent: 77, discharging: false } }],
    [{ battery: { acConnected: false } }, { form: 'laptop', battery: { percent: 77, discharging: true } }],
    [
      { battery: { hasBattery: false }, type: 'Mini Tower' },
      { form: 'desktop', battery: null }
    ],
    [
      { battery: { hasBattery: false }, type: 'Other', distro: 'Microsoft Windows Server 2025 Standard' },
      { form: 'server', battery: null }
    ],
    [
      { type: '', battery: { percent: 250 } },
      { form: 'laptop', battery: { percent: 100, discharging: false } }
    ]
  ])('%j', async (more, hardware) => expect(await read(more)).toEqual(hardware))

  it('is not told this time when the question fails or the answer is not an answer', async () => {
    expect(await read({ battery: { acConnected: 'yes' } })).toBeUndefined()
    expect(await desktopHardwareProbe(async () => Promise.reject(new Error('not there'))).read()).toBeUndefined()
  })

  it('is what the names of all SMBIOS chassis types mean', () => {
    expect(
      ['Rack Mount Chassis', 'Blade', 'Desktop', 'All in One', 'Sub Notebook', 'Convertible', 'Unknown'].map((name) =>
        formOfNames(name, '')
      )
    ).toEqual(['server', 'server', 'desktop', 'desktop', 'laptop', 'laptop', 'unknown'])
  })

  it('of this very machine is told through the library', async () => {
    expect(['server', 'desktop', 'laptop', 'unknown']).toContain((await desktopHardwareProbe().read())?.form)
  })
})

describe('the busy share', () => {
  it('is that of the time since the last look', () => {
    const times = [
      { busy: 10, all: 100 },
      { busy: 60, all: 200 },
      { busy: 60, all: 300 },
      { busy: 60, all: 300 }
    ]
    const meter = new BusyMeter(() => times.shift()!)
    expect([meter.look(), meter.look(), meter.look()]).toEqual([0.5, 0, null])
  })
})
