import { powerMonitor } from 'electron'
import { linuxHardwareProbe } from '../machine/hardware-probe-linux.ts'
import type { PowerPolicy } from './power-policy.ts'

/** Passes the system's power events on. */
export function watchPower(policy: PowerPolicy, onShutdown: () => void): void {
  powerMonitor.on('suspend', () => policy.suspended())
  powerMonitor.on('resume', () => policy.resumed())
  if (process.platform === 'linux') void watchBattery(policy).catch(() => {})
  powerMonitor.on('on-battery', () => policy.powerChanged(true))
  powerMonitor.on('on-ac', () => policy.powerChanged(false))
  powerMonitor.on('shutdown', (event?: { preventDefault(): void }) => {
    // Asks the system to wait until we have left.
    event?.preventDefault()
    onShutdown()
  })
}

/** Null: Electron cannot tell here. */
export const isOnBattery = (): boolean | null => (process.platform === 'linux' ? null : powerMonitor.isOnBatteryPower())

const LOOK_EVERY_MS = 30_000

/** Linux: Electron knows no battery there; the kernel's own files are looked at. */
async function watchBattery(policy: PowerPolicy): Promise<void> {
  const probe = linuxHardwareProbe()
  for (;;) {
    const hardware = await probe.read()
    if (hardware) policy.batterySeen(hardware.battery?.discharging === true)
    await new Promise((over) => setTimeout(over, LOOK_EVERY_MS).unref())
  }
}
