import { Menu } from 'electron'

/** macOS needs a menu for copy and paste to work at all; elsewhere the window has none. */
export function setAppMenu(): void {
  Menu.setApplicationMenu(
    process.platform === 'darwin'
      ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }])
      : null
  )
}
