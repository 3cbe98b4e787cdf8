import { app } from 'electron'
import { homedir } from 'node:os'
import { autostartPath, setAutostart } from './autostart-file.ts'

/** Given to the program by whatever starts it at login. */
export const HIDDEN_FLAG = '--hidden'

/** Starts Larder at login, or no longer. Linux has no call for it; there it is a file. */
export async function setOpenAtLogin(id: string, enabled: boolean): Promise<void> {
  if (process.platform === 'linux') {
    await setAutostart(autostartPath(id, process.env, homedir()), process.env['APPIMAGE'] ?? process.execPath, enabled)
  } else {
    app.setLoginItemSettings({ openAtLogin: enabled, args: [HIDDEN_FLAG] })
  }
}
