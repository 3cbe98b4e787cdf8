import { EventEmitter } from 'node:events'
import { cancellable, host, ignore } from './host.ts'
import { WebContents, type WebPreferences } from './web-contents.ts'

export interface BrowserWindowOptions {
  readonly title?: string
  readonly width?: number
  readonly height?: number
  readonly minWidth?: number
  readonly minHeight?: number
  readonly show?: boolean
  readonly autoHideMenuBar?: boolean
  readonly icon?: string
  readonly webPreferences?: WebPreferences
}

const windows = new Map<number, BrowserWindow>()
let lastId = 0
const focus: { on: BrowserWindow | null } = { on: null }

/** A window whose state is true and whose looks are nobody's. */
export class BrowserWindow extends EventEmitter {
  readonly id = ++lastId
  readonly webContents: WebContents
  readonly #size: { width: number; height: number }
  #visible: boolean
  #everShown: boolean
  #minimized = false
  #destroyed = false
  #wasReady = false

  constructor(options: BrowserWindowOptions = {}) {
    super()
    if (!host.app.isReady()) throw new Error('Cannot create BrowserWindow before app is ready')
    this.#size = { width: options.width ?? 800, height: options.height ?? 600 }
    this.#visible = this.#everShown = options.show !== false
    this.webContents = new WebContents(this, options.webPreferences ?? {}, this.#size)
    windows.set(this.id, this)
    if (this.#visible) focus.on = this
  }

  static getAllWindows(): BrowserWindow[] {
    return [...windows.values()]
  }
  static getFocusedWindow(): BrowserWindow | null {
    return focus.on
  }
  static fromId(id: number): BrowserWindow | null {
    return windows.get(id) ?? null
  }
  static fromWebContents(contents: WebContents | null | undefined): BrowserWindow | null {
    return contents?.window_ ?? null
  }

  loadURL(url: string): Promise<void> {
    const loaded = this.webContents.loadURL(url)
    // As in Electron, `void window.loadURL()` is never an unhandled rejection.
    loaded.catch(ignore)
    return loaded
  }

  show(): void {
    if (!this.#visible) {
      this.#visible = this.#everShown = true
      this.#drawState()
      this.emit('show')
    }
    this.focus()
  }
  hide(): void {
    if (!this.#visible) return
    this.#visible = false
    this.#drawState()
    this.blur()
    this.emit('hide')
  }
  minimize(): void {
    if (this.#minimized) return
    this.#minimized = true
    this.#drawState()
    this.blur()
    this.emit('minimize')
  }
  restore(): void {
    if (this.#minimized) {
      this.#minimized = false
      this.#drawState()
      this.emit('restore')
    }
    this.show()
  }
  focus(): void {
    if (!this.#visible || focus.on === this) return
    focus.on?.emit('blur', cancellable())
    focus.on = this
    this.emit('focus', cancellable())
  }
  blur(): void {
    if (focus.on !== this) return
    focus.on = null
    this.emit('blur', cancellable())
  }

  close(): void {
    if (this.#destroyed) return
    const event = cancellable()
    this.emit('close', event)
    if (event.defaultPrevented) host.app.closePrevented_()
    else this.destroy()
  }
  destroy(): void {
    if (!this.#destroyed) this.webContents.destroy_()
  }

  isVisible(): boolean {
    return this.#visible && !this.#destroyed
  }
  isMinimized(): boolean {
    return this.#minimized
  }
  isFocused(): boolean {
    return focus.on === this
  }
  isDestroyed(): boolean {
    return this.#destroyed
  }
  getSize(): number[] {
    return [this.#size.width, this.#size.height]
  }
  setSize(width: number, height: number): void {
    Object.assign(this.#size, { width, height })
    this.webContents.ready_
      .then(() =>
        host.browser?.devtools.send('Browser.setWindowBounds', {
          windowId: this.webContents.windowId_,
          bounds: { width, height }
        })
      )
      .catch(ignore)
    this.emit('resize')
  }

  readyToShow_(): void {
    if (this.#wasReady) return
    this.#wasReady = true
    this.emit('ready-to-show')
  }
  closed_(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    windows.delete(this.id)
    if (focus.on === this) focus.on = null
    this.emit('closed')
    host.app.windowClosed_()
  }

  /** A page that was shown and no longer is knows it by `document.visibilityState`. */
  #drawState(): void {
    const windowState = this.#minimized || (this.#everShown && !this.#visible) ? 'minimized' : 'normal'
    this.webContents.ready_
      .then(() =>
        host.browser?.devtools.send('Browser.setWindowBounds', {
          windowId: this.webContents.windowId_,
          bounds: { windowState }
        })
      )
      .catch(ignore)
  }
}
