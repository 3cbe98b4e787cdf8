import type { App } from './app.ts'
import type { Browser } from './browser.ts'
import type { IpcMain } from './ipc-main.ts'

/** What the parts of the stand-in share; filled in as they come up. Apart, so that they need not import each other. */
export const host: { app: App; browser: Browser | null; ipcMain: IpcMain } = {
  app: undefined as never,
  browser: null,
  ipcMain: undefined as never
}

/** What happened to the desktop; tests read it. Absent on real Electron. */
export const desktopRecord = {
  notifications: [] as { title: string; body: string }[],
  opened: [] as string[],
  shownInFolder: [] as string[],
  loginItem: null as object | null,
  /** How often something has held the system off sleep. */
  sleepBlocked: 0
}

export interface CancellableEvent {
  defaultPrevented: boolean
  preventDefault(): void
}

export function cancellable<T extends object>(facts?: T): CancellableEvent & T {
  const event = { ...(facts as T), defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) }
  return event
}

/** For what may fail because the page or the browser is gone already. */
export const ignore = (): void => {}

/** Electron's members that Larder does not use: loud when touched. */
export function absent(name: string): never {
  return new Proxy(function none() {}, {
    get: (_target, key) => {
      if (typeof key === 'symbol' || key === 'then' || key === 'toJSON') return undefined
      throw new Error(`test host: electron.${name}.${key} is not there`)
    },
    construct: () => {
      throw new Error(`test host: electron.${name} is not there`)
    }
  }) as never
}
