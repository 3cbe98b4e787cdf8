import { app } from 'electron'
import { homedir } from 'node:os'
import { HIDDEN_FLAG, UPDATED_FLAG } from './app-flags.ts'
import { autostartPath, setAutostart } from './autostart-file.ts'

/** The system or a new release has started it, not the person. macOS hands no arguments on and says it otherwise. */
export function isStartedAtLogin(): boolean {
  if ([HIDDEN_FLAG, UPDATED_FLAG].some((flag) => process.argv.includes(flag))) return true
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
