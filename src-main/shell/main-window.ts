import { BrowserWindow, shell } from 'electron'
import { systemClock } from '../lib/clock.ts'
import { ReloadLimit } from './reload-limit.ts'
import { isOwnPage } from './senders.ts'

export interface MainWindowOptions {
  readonly preload: string
  /** `app://bundle`, or the development server's. */
  readonly origin: string
  readonly icon: string | undefined
  /** True from the moment the application is on its way out. */
  isQuitting(): boolean
}

/** The one window: made when it is first opened, hidden instead of closed, so that it comes back at once. */
export class MainWindow {
  readonly #options: MainWindowOptions
  #window: BrowserWindow | null = null
  /** There is something to see in it. */
  #drawn = false
  /** Called whenever the window becomes visible. */
  onShown: () => void = () => {}
  /** Called when the system is about to end the session, which another program may still stop (Windows). */
  onSessionMayEnd: () => void = () => {}
  /** Called when the system ends the session (Windows says so to windows only). */
  onSessionEnd: () => void = () => {}

  constructor(options: MainWindowOptions) {
    this.#options = options
  }

  open(): void {
    const window = (this.#window ??= this.#make())
    if (window.isMinimized()) window.restore()
    // Until then it shows itself as soon as there is something to see.
    if (this.#drawn) show(window)
  }

  get isVisible(): boolean {
    return this.#window !== null && this.#window.isVisible() && !this.#window.isMinimized()
  }

  /** The window, for dialogs. */
  get current(): BrowserWindow | null {
    return this.#window
  }

  /** Sends to the page when a person can see it. */
  send(channel: string, makeMessage: () => unknown): void {
    if (this.isVisible) this.#window?.webContents.send(channel, makeMessage())
  }

  #make(): BrowserWindow {
    const { preload, origin, icon } = this.#options
    const window = new BrowserWindow({
      title: 'Larder',
      width: 1080,
      height: 720,
      minWidth: 640,
      minHeight: 480,
      show: false,
      autoHideMenuBar: true,
      ...(icon !== undefined && { icon }),
      webPreferences: {
        preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        spellcheck: false
      }
    })
    const drawn = (): void => {
      if (this.#drawn) return
      this.#drawn = true
      show(window)
    }
    window.once('ready-to-show', drawn)
    window.webContents.once('did-fail-load', drawn)
    window.on('show', () => this.onShown())
    window.on('restore', () => this.onShown())
    window.on('close', (event) => {
      if (this.#options.isQuitting()) return
      event.preventDefault()
      window.hide()
    })
    window.on('closed', () => {
      this.#window = null
      this.#drawn = false
    })
    window.on('query-session-end', () => this.onSessionMayEnd())
    window.on('session-end', () => this.onSessionEnd())

    const { webContents } = window
    webContents.setWindowOpenHandler(({ url }) => {
      // Links to the project's pages open in the person's browser; nothing opens a window of ours.
      if (url.startsWith('https://')) void shell.openExternal(url)
      return { action: 'deny' }
    })
    webContents.on('will-navigate', (event) => {
      if (!isOwnPage(event.url, origin)) event.preventDefault()
    })
    webContents.on('will-attach-webview', (event) => event.preventDefault())
    // The page holds no state of its own: a new one is as good.
    const reloads = new ReloadLimit(systemClock)
    webContents.on('render-process-gone', (_event, { reason }) => {
      if (reason !== 'clean-exit' && !window.isDestroyed() && reloads.take()) webContents.reload()
    })
    void window.loadURL(`${origin}/index.html`)
    return window
  }
}

function show(window: BrowserWindow): void {
  window.show()
  window.focus()
}
