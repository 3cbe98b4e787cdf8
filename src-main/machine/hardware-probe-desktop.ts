import { z } from 'zod'
import type { Hardware, HardwareProbe, MachineForm } from './machine-facts.ts'

/** The parts of `systeminformation` that are used: its chassis and battery questions run asynchronously, its network ones do not. */
export interface DesktopSystem {
  chassis(): Promise<{ type: string }>
  battery(): Promise<{ hasBattery: boolean; acConnected: boolean; isCharging: boolean; percent: number }>
  osInfo(): Promise<{ distro: string }>
}

const Battery = z.object({
  hasBattery: z.boolean(),
  acConnected: z.boolean(),
  isCharging: z.boolean(),
  percent: z.number().nullish()
})

/** Asks Windows and macOS through `systeminformation`, which is loaded at the first question. What a PC is built as is asked once. */
export function desktopHardwareProbe(
  load: () => Promise<DesktopSystem> = () => import('systeminformation')
): HardwareProbe {
  let form: MachineForm | undefined
  return {
    async read(): Promise<Hardware | undefined> {
      try {
        const system = await load()
        form ??= formOfNames((await system.chassis()).type, (await system.osInfo()).distro)
        const answer = Battery.parse(await system.battery())
        if (!answer.hasBattery) return { form, battery: null }
        const percent =
          answer.percent === null || answer.percent === undefined
            ? null
            : Math.min(100, Math.max(0, Math.round(answer.percent)))
        return {
          form: form === 'unknown' ? 'laptop' : form,
          battery: { percent, discharging: !answer.acConnected && !answer.isCharging }
        }
      } catch {
        return undefined
      }
    }
  }
}

/** @param chassis name of the SMBIOS chassis type @param system name of the operating system: a Windows Server in a virtual machine has a chassis that says nothing */
export function formOfNames(chassis: string, system: string): MachineForm {
  if (/server|blade|rack/i.test(chassis) || /\bserver\b/i.test(system)) return 'server'
  if (/portable|laptop|notebook|hand held|tablet|convertible|detachable/i.test(chassis)) return 'laptop'
  if (/desktop|tower|pizza box|all in one|space-saving|lunch box|mini pc|stick pc/i.test(chassis)) return 'desktop'
  return 'unknown'
}
