import { readdir, readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'

export interface Weight {
  /** 0–99; 0: never master. */
  readonly value: number
  /** Where it comes from; one sentence. */
  readonly why: string
}

/** What of a machine decides its weight. */
export interface MachineFacts {
  readonly battery: 'none' | 'charging' | 'discharging'
  readonly wireless: boolean
  readonly server: boolean
}

/**
 * Weight of a machine as candidate for master: server 61, desktop 50, laptop 40, on Wi-Fi 30, on battery 20.
 * An administrator's number wins.
 */
export function decideWeight(facts: MachineFacts, configured: number | null): Weight {
  if (configured !== null) return { value: configured, why: 'set by the administrator' }
  if (facts.battery === 'discharging') return { value: 20, why: 'runs on battery' }
  if (facts.wireless) return { value: 30, why: 'is on Wi-Fi' }
  if (facts.battery === 'charging') return { value: 40, why: 'is a laptop on mains' }
  if (facts.server) return { value: 61, why: 'is a server' }
  return { value: 50, why: 'is a desktop' }
}

/** Looks at this machine. On systems without `/sys` it is taken for a desktop on a cable. */
export async function readMachineFacts(sys = '/sys'): Promise<MachineFacts> {
  const interfaces = Object.keys(networkInterfaces())
  const wireless = await Promise.all(interfaces.map((name) => exists(join(sys, 'class/net', name, 'wireless'))))
  const used = Object.entries(networkInterfaces()).filter(([, addresses]) => addresses?.some((a) => !a.internal))
  const onWifi = used.length > 0 && used.every(([name]) => wireless[interfaces.indexOf(name)])
  return { battery: await readBattery(join(sys, 'class/power_supply')), wireless: onWifi, server: await isServer(sys) }
}

async function readBattery(dir: string): Promise<MachineFacts['battery']> {
  const supplies = await readdir(dir).catch(() => [] as string[])
  let found: MachineFacts['battery'] = 'none'
  for (const name of supplies) {
    if ((await text(join(dir, name, 'type'))) !== 'Battery' || (await text(join(dir, name, 'scope'))) === 'Device') continue
    if ((await text(join(dir, name, 'status'))) === 'Discharging') return 'discharging'
    found = 'charging'
  }
  return found
}

/** SMBIOS chassis types of rack, blade and tower servers (DMTF DSP0134, 7.4.1). */
const SERVER_CHASSIS = new Set(['17', '23', '25', '28', '29'])

async function isServer(sys: string): Promise<boolean> {
  return SERVER_CHASSIS.has((await text(join(sys, 'class/dmi/id/chassis_type'))) ?? '')
}

async function text(path: string): Promise<string | null> {
  return readFile(path, 'utf8').then((t) => t.trim(), () => null)
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(() => true, () => false)
}
