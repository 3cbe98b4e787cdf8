import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Battery, HardwareProbe, MachineForm } from './machine-facts.ts'

/** SMBIOS chassis types (DMTF DSP0134, 7.4.1): rack, main server, multi-system, blade; portable, laptop, notebook, sub-notebook, tablet, convertible, detachable. */
const SERVERS = new Set([17, 23, 25, 28, 29])
const PORTABLES = new Set([8, 9, 10, 14, 30, 31, 32])
const DESKTOPS = new Set([3, 4, 5, 6, 7, 13, 15, 16, 24, 35, 36])
const MAX_SUPPLIES = 64

/** @param type SMBIOS chassis type */
export function formOfChassis(type: number): MachineForm {
  if (SERVERS.has(type)) return 'server'
  if (PORTABLES.has(type)) return 'laptop'
  return DESKTOPS.has(type) ? 'desktop' : 'unknown'
}

/** Reads the kernel's own files; where there are none, as in containers and on boards without SMBIOS, the form is unknown. */
export function linuxHardwareProbe(sys = '/sys'): HardwareProbe {
  let chassis: MachineForm | undefined
  return {
    async read() {
      const battery = await readBattery(join(sys, 'class/power_supply'))
      const form = (chassis ??= formOfChassis(Number((await text(join(sys, 'class/dmi/id/chassis_type'))) ?? NaN)))
      // A PC with a battery of its own is one to carry, whatever its maker wrote into the firmware.
      return { form: form === 'unknown' && battery ? 'laptop' : form, battery }
    }
  }
}

async function readBattery(dir: string): Promise<Battery | null> {
  const names = suppliesIn(dir).slice(0, MAX_SUPPLIES)
  const percents: number[] = []
  let found = false
  let discharging = false
  for (const name of names) {
    const read = (file: string) => text(join(dir, name, file))
    // Batteries of scope `Device` are those of mice and headsets.
    if ((await read('type')) !== 'Battery' || (await read('scope')) === 'Device' || (await read('present')) === '0')
      continue
    found = true
    if ((await read('status')) === 'Discharging') discharging = true
    const percent = Number((await read('capacity')) ?? NaN)
    if (percent >= 0 && percent <= 100) percents.push(percent)
  }
  if (!found) return null
  return {
    percent: percents.length === 0 ? null : Math.round(percents.reduce((sum, p) => sum + p, 0) / percents.length),
    discharging
  }
}

/** Names come from memory; what a battery says may take its controller a while, so that is read elsewhere. */
function suppliesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

async function text(path: string): Promise<string | null> {
  return readFile(path, 'utf8').then(
    (t) => t.slice(0, 1024).trim(),
    () => null
  )
}
