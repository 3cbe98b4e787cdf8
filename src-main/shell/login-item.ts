import { app } from 'electron'
import { homedir } from 'node:os'
import { autostartPath, setAutostart } from './autostart-file.ts'

/** Given to the program by whatever starts it at login. */
export const HIDDEN_FLAG = '--hidden'

/** The system has started it, not the person. macOS hands no arguments on and says it otherwise. */
export function isStartedAtLogin(): boolean {
  if (process.argv.includes(HIDDEN_FLAG)) return true
  return process.platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin
}

/** Starts Larder at login, or no longer. Linux has no call for it; there it is a file. */
export async function setOpenAtLogin(id: string, enabled: boolean): Promise<void> {
  if (process.platform === 'linux') {
    await setAutostart(autostartPath(id, process.env, homedir()), process.env['APPIMAGE'] ?? process.execPath, enabled)
  } else {
    const item = { args: [HIDDEN_FLAG] }
    // Setting it again would undo what the person has switched off in the Task Manager.
    if (app.getLoginItemSettings(item).openAtLogin !== enabled)
      app.setLoginItemSettings({ ...item, openAtLogin: enabled })
  }
}
