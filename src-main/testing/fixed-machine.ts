import { networkInterfaces } from 'node:os'
import type { Hardware } from '../machine/machine-facts.ts'
import type { MachineProbes } from '../machine/machine-watch.ts'
import { noLinks, type Links } from '../machine/links.ts'

/** A PC whose hardware and links a test decides; changes count when the agent looks again. */
export interface FixedMachine extends MachineProbes {
  set(facts: { hardware?: Hardware; links?: Links }): void
}

/** A desktop of which nothing else is known. */
export function fixedMachine(everyMs = 3_600_000): FixedMachine {
  let hardware: Hardware = { form: 'desktop', battery: null }
  let links = noLinks
  return {
    hardware: { probe: { read: async () => hardware }, everyMs },
    links: { probe: { read: async () => links }, everyMs },
    busy: { look: () => null },
    listing: networkInterfaces,
    set(facts) {
      hardware = facts.hardware ?? hardware
      links = facts.links ?? links
    }
  }
}
