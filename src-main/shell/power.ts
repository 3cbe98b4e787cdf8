import { powerMonitor } from 'electron'
import type { PowerPolicy } from './power-policy.ts'

/** Passes the system's power events on. */
export function watchPower(policy: PowerPolicy, onShutdown: () => void): void {
  powerMonitor.on('suspend', () => policy.suspended())
  powerMonitor.on('resume', () => policy.resumed())
  powerMonitor.on('on-battery', () => policy.powerChanged(true))
  powerMonitor.on('on-ac', () => policy.powerChanged(false))
  powerMonitor.on('shutdown', (event?: { preventDefault(): void }) => {
    // Asks the system to wait until we have left.
    event?.preventDefault()
    onShutdown()
  })
}

export const isOnBattery = (): boolean => powerMonitor.isOnBatteryPower()
