import { join } from 'node:path'
import type { TrayState } from './tray-menu.ts'

/**
 * File of the tray's picture for a state.
 *
 *     Windows  tray-idle.ico            all sizes in one file; loaded by its path
 *     macOS    tray-idle-Template.png   black and alpha, coloured by the system; 16 px and @2x
 *     Linux    tray-idle.png            24 px and @2x
 */
export function trayPicture(dir: string, state: TrayState, platform: NodeJS.Platform): string {
  if (platform === 'win32') return join(dir, `tray-${state}.ico`)
  return join(dir, platform === 'darwin' ? `tray-${state}-Template.png` : `tray-${state}.png`)
}
