import { App } from './app.ts'
import { BrowserWindow } from './browser-window.ts'
import { clipboard, dialog, Notification, powerMonitor, powerSaveBlocker, shell } from './desktop.ts'
import { absent, desktopRecord, host } from './host.ts'
import { nativeImage } from './images.ts'
import { IpcMain } from './ipc-main.ts'
import { Menu, MenuItem } from './menu.ts'
import { protocol } from './schemes.ts'
import { session } from './session.ts'
import { Tray } from './tray.ts'
import { WebContents } from './web-contents.ts'

export const app = (host.app = new App())
export const ipcMain = (host.ipcMain = new IpcMain())
export const webContents = {
  getAllWebContents: () => WebContents.getAllWebContents(),
  fromId: (id: number) => WebContents.fromId(id),
  fromDevToolsTargetId: (targetId: string) => WebContents.fromDevToolsTargetId(targetId)
}
export {
  BrowserWindow,
  clipboard,
  dialog,
  Menu,
  MenuItem,
  nativeImage,
  Notification,
  powerMonitor,
  powerSaveBlocker,
  protocol,
  session,
  shell,
  Tray
}

// Named, so that importing one of them fails when it is used and not before.
export const autoUpdater = absent('autoUpdater')
export const crashReporter = absent('crashReporter')
export const globalShortcut = absent('globalShortcut')
export const nativeTheme = absent('nativeTheme')
export const net = absent('net')
export const safeStorage = absent('safeStorage')
export const screen = absent('screen')
export const systemPreferences = absent('systemPreferences')
export const utilityProcess = absent('utilityProcess')

/** Only here, never in Electron: how a test knows what it runs on, and what happened to the desktop. */
export const testHost = desktopRecord

export default {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  MenuItem,
  nativeImage,
  Notification,
  powerMonitor,
  powerSaveBlocker,
  protocol,
  session,
  shell,
  testHost,
  Tray,
  webContents
}
