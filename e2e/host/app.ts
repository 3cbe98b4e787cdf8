import { EventEmitter } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync, type FSWatcher } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchChromium } from './browser.ts'
import { BrowserWindow } from './browser-window.ts'
import { cancellable, desktopRecord, host } from './host.ts'

class CommandLine {
  readonly values_ = new Map<string, string>()
  appendSwitch(name: string, value = ''): void {
    this.values_.set(name.toLowerCase(), String(value))
  }
  hasSwitch(name: string): boolean {
    return this.values_.has(name.toLowerCase())
  }
  getSwitchValue(name: string): string {
    return this.values_.get(name.toLowerCase()) ?? ''
  }
}

const reallyExit = process.exit.bind(process)
const STUCK_BROWSER_MS = 2000

/**
 *     boot ──► ready ──► before-quit ──► close (each window) ──► will-quit ──► quit
 */
export class App extends EventEmitter {
  readonly commandLine = new CommandLine()
  name = 'Electron'
  readonly isPackaged = process.env['LARDER_HOST_PACKAGED'] === '1'
  schemesClosed_ = false
  version_ = '0.0.0'
  appPath_ = process.cwd()
  readonly #paths = new Map<string, string>()
  readonly #whenReady: Promise<void>
  #becomeReady: () => void = () => {}
  #ready = false
  #quitting = false
  #exited = false
  #lock: { file: string; watcher: FSWatcher } | null = null

  constructor() {
    super()
    this.setMaxListeners(0)
    this.#whenReady = new Promise((resolve) => (this.#becomeReady = resolve))
  }

  whenReady(): Promise<void> {
    return this.#whenReady
  }
  isReady(): boolean {
    return this.#ready
  }
  getName(): string {
    return this.name
  }
  setName(name: string): void {
    this.name = name
  }
  getVersion(): string {
    return this.version_
  }
  getAppPath(): string {
    return this.appPath_
  }
  setAppUserModelId(): void {}
  setLoginItemSettings(settings: object): void {
    desktopRecord.loginItem = settings
  }

  getPath(name: string): string {
    const home = homedir()
    const known: Record<string, string> = {
      home,
      temp: tmpdir(),
      downloads: join(home, 'Downloads'),
      exe: process.env['LARDER_HOST_EXE'] ?? process.execPath,
      userData: join(process.env['XDG_CONFIG_HOME'] ?? join(home, '.config'), this.name)
    }
    const path = this.#paths.get(name) ?? known[name]
    if (path === undefined) throw new Error(`Failed to get '${name}' path`)
    return path
  }
  setPath(name: string, path: string): void {
    mkdirSync(path, { recursive: true })
    this.#paths.set(name, path)
  }

  /** Has to answer at once, so it is plain files: the owner's process number, and an inbox the owner watches. */
  requestSingleInstanceLock(): boolean {
    if (this.#lock) return true
    const file = join(this.getPath('userData'), 'HostSingleton')
    const inbox = `${file}.inbox`
    mkdirSync(inbox, { recursive: true })
    while (!createExclusively(file, String(process.pid))) {
      const owner = Number(readFileSync(file, 'utf8'))
      if (owner !== process.pid && isAlive(owner)) {
        const letter = join(inbox, `${process.pid}-${Date.now()}`)
        writeFileSync(`${letter}.part`, JSON.stringify({ argv: process.argv, cwd: process.cwd() }))
        renameSync(`${letter}.part`, `${letter}.json`)
        return false
      }
      rmSync(file, { force: true })
    }
    const read = (): void => {
      for (const name of readdirSync(inbox).filter((entry) => entry.endsWith('.json'))) {
        const { argv, cwd } = JSON.parse(readFileSync(join(inbox, name), 'utf8')) as { argv: string[]; cwd: string }
        rmSync(join(inbox, name))
        void this.whenReady().then(() => this.emit('second-instance', cancellable(), argv, cwd, null))
      }
    }
    this.#lock = { file, watcher: watch(inbox, read).unref() }
    return true
  }
  hasSingleInstanceLock(): boolean {
    return this.#lock !== null
  }
  releaseSingleInstanceLock(): void {
    this.#lock?.watcher.close()
    if (this.#lock) rmSync(this.#lock.file, { force: true })
    this.#lock = null
  }

  quit(): void {
    if (this.#quitting || this.#exited) return
    const event = cancellable()
    this.emit('before-quit', event)
    if (event.defaultPrevented) return
    this.#quitting = true
    const open = BrowserWindow.getAllWindows()
    if (open.length === 0) return this.#finish()
    for (const window of open) {
      window.close()
      if (!this.#quitting) return
    }
  }

  exit(code = 0): void {
    if (this.#exited) return
    this.#exited = true
    for (const window of BrowserWindow.getAllWindows()) window.destroy()
    this.emit('quit', cancellable(), code)
    this.releaseSingleInstanceLock()
    const { browser } = host
    if (!browser) return reallyExit(code)
    const leave = (): void => {
      browser.process.kill('SIGKILL')
      reallyExit(code)
    }
    browser.process.once('exit', leave)
    browser.devtools.send('Browser.close').then(() => setTimeout(leave, STUCK_BROWSER_MS), leave)
  }

  closePrevented_(): void {
    this.#quitting = false
  }

  windowClosed_(): void {
    if (BrowserWindow.getAllWindows().length > 0) return
    if (this.#quitting) setImmediate(() => this.#finish())
    else if (this.listenerCount('window-all-closed') === 0) this.quit()
    else this.emit('window-all-closed')
  }

  /** The app's own module has run to its end; only then does Electron become ready. */
  async start_(): Promise<void> {
    this.schemesClosed_ = true
    if (this.#exited) return
    const profile = join(this.getPath('userData'), 'host-chromium')
    mkdirSync(profile, { recursive: true })
    const browser = (host.browser = await launchChromium(profile, this.commandLine.values_))
    browser.process.once('exit', () => {
      if (this.#exited) return
      console.error('test host: Chromium is gone')
      reallyExit(1)
    })
    await browser.devtools.send('Target.setDiscoverTargets', { discover: true })
    Object.defineProperty(process.versions, 'chrome', {
      value: (await browser.devtools.send('Browser.getVersion')).product.split('/')[1],
      enumerable: true
    })
    if (this.commandLine.hasSwitch('remote-debugging-port')) console.error(`\nDevTools listening on ${browser.url}`)
    this.#ready = true
    this.#becomeReady()
    this.emit('ready', cancellable(), {})
  }

  /** Electron's grip on the process: how it ends, and what an uncaught error does. */
  takeProcess_(): void {
    process.exit = ((code?: number) => this.exit(code ?? Number(process.exitCode ?? 0))) as typeof process.exit
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.quit())
    process.on('exit', () => {
      host.browser?.process.kill('SIGKILL')
      this.releaseSingleInstanceLock()
    })
    process.on('unhandledRejection', (reason) => {
      // Electron only warns. A test must not pass over it.
      console.error('test host: unhandled rejection in main:', reason)
      this.exit(70)
    })
    process.on('uncaughtException', (error) => {
      console.error('test host: uncaught error in main:', error)
      this.exit(70)
    })
  }

  #finish(): void {
    const event = cancellable()
    this.emit('will-quit', event)
    if (event.defaultPrevented) this.#quitting = false
    else this.exit(0)
  }
}

function createExclusively(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
