import { app } from 'electron'
import { join } from 'node:path'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { InstallerDoor } from '../updates/updater.ts'
import type { AppInstaller } from './app-installer.ts'
import { appForm, mayRestart } from './app-update-plan.ts'

const LOOK_EVERY_MS = 60_000

export interface AppUpdatesWorld {
  readonly dataDir: string
  readonly clock: Clock
  /** Release keys that this build believes. */
  readonly keys: readonly string[]
  readonly isPackaged: boolean
  windowIsVisible(): boolean
  openDownloads(): number
}

/** Ends the application when a release lies ready and nobody is disturbed by it, and has the release take its place. */
export class AppUpdates {
  readonly #world: AppUpdatesWorld
  #installer: AppInstaller | null = null
  #looking: Timer | null = null
  #restart = false

  constructor(world: AppUpdatesWorld) {
    this.#world = world
    app.on('quit', () => this.#installer?.install(this.#restart))
  }

  /** What installs new releases of this application; undefined: something else brings them. */
  async door(): Promise<InstallerDoor | undefined> {
    const { clock, dataDir, keys, isPackaged } = this.#world
    const form = appForm(process.platform, isPackaged, process.env)
    if (form === null || keys.length === 0) return undefined
    if (this.#installer) return this.#installer
    // electron-updater is a third of a megabyte of code: loaded only by those who have a use for it.
    const { AppInstaller: Installer } = await import('./app-installer.ts')
    this.#installer = new Installer({
      form,
      home: join(dataDir, 'app-update'),
      version: LARDER_VERSION,
      keys,
      appImage: process.env['APPIMAGE'],
      wallMs: () => clock.wallMs(),
      log: (text) => console.log(`larder: update: ${text}`)
    })
    this.#installer.onReady = () => this.#waitForQuiet()
    return this.#installer
  }

  #waitForQuiet(): void {
    const { clock, windowIsVisible, openDownloads } = this.#world
    const sinceMs = clock.monotonicMs()
    const look = () => {
      const waitedMs = clock.monotonicMs() - sinceMs
      if (!this.#installer?.isWaiting()) this.#looking?.cancel()
      else if (mayRestart({ windowIsVisible: windowIsVisible(), openDownloads: openDownloads(), waitedMs })) {
        this.#looking?.cancel()
        this.#restart = true
        app.quit()
      }
    }
    this.#looking?.cancel()
    this.#looking = clock.every(LOOK_EVERY_MS, look)
    look()
  }
}
