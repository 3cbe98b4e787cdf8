import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import vm from 'node:vm'
import type { BrowserWindow } from './browser-window.ts'
import type { DevTools, DevToolsSession, Reply } from './devtools.ts'
import { cancellable, host, ignore } from './host.ts'
import { pageWorldSource, preloadFunction, preloadWorldSource, type WorldNames } from './page-worlds.ts'
import { encodePlain } from './plain-data.ts'
import { fulfil } from './page-requests.ts'
import { fromPageUrl, toPageUrl } from './schemes.ts'
import { defaultSession } from './session.ts'

export interface WebPreferences {
  readonly preload?: string
  readonly sandbox?: boolean
  readonly contextIsolation?: boolean
  readonly nodeIntegration?: boolean
  readonly webviewTag?: boolean
  readonly spellcheck?: boolean
}

export type WindowOpenHandler = (details: { url: string; frameName: string; disposition: string }) => {
  action: 'allow' | 'deny'
}

const PRELOAD_WORLD = 'Electron Isolated Context'

/** One frame of a page, as a sender of messages. */
export class WebFrameMain {
  parent: WebFrameMain | null = null
  frames: WebFrameMain[] = []
  url = 'about:blank'
  readonly frameToken: string

  constructor(frameToken: string) {
    this.frameToken = frameToken
  }

  get origin(): string {
    return /^(?!file:)[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(this.url)?.[0] ?? 'null'
  }

  get top(): WebFrameMain {
    return this.parent?.top ?? this
  }
}

const all = new Map<number, WebContents>()
let lastId = 0

/** The page of a window: a Chromium target of its own. */
export class WebContents extends EventEmitter {
  readonly id = ++lastId
  readonly session = defaultSession
  mainFrame = new WebFrameMain('main')
  readonly window_: BrowserWindow
  /** The target exists and everything is listened to. */
  readonly ready_: Promise<void>
  targetId_ = ''
  windowId_ = 0
  readonly #preferences: WebPreferences
  readonly #frames = new Map<string, WebFrameMain>()
  /** Preload worlds: execution context → frame. */
  readonly #worlds = new Map<number, string>()
  #page: DevToolsSession | null = null
  #destroyed = false
  #openHandler: WindowOpenHandler | null = null
  /** The navigation main itself has asked for. */
  #expected: string | null = null
  #loading: { resolve(): void; reject(error: Error): void } | null = null
  #isLoading = false
  #names: WorldNames | null = null
  /** Messages go out one after the other. */
  #sent: Promise<unknown> = Promise.resolve()

  constructor(window: BrowserWindow, preferences: WebPreferences, size: { width: number; height: number }) {
    super()
    if (preferences.sandbox === false || preferences.nodeIntegration || preferences.contextIsolation === false) {
      throw new Error('test host: only sandboxed windows with context isolation and without Node')
    }
    this.window_ = window
    this.#preferences = preferences
    all.set(this.id, this)
    this.ready_ = this.#open(size)
    this.ready_.catch((error: unknown) => {
      if (!this.#destroyed) console.error('test host:', error)
    })
  }

  static getAllWebContents(): WebContents[] {
    return [...all.values()]
  }
  static fromId(id: number): WebContents | undefined {
    return all.get(id)
  }
  static fromDevToolsTargetId(targetId: string): WebContents | undefined {
    return [...all.values()].find((contents) => contents.targetId_ === targetId)
  }

  async loadURL(url: string): Promise<void> {
    this.#isLoading = true
    await this.ready_
    this.#settle(new Error(`ERR_ABORTED (-3) loading '${url}'`))
    const loaded = new Promise<void>((resolve, reject) => (this.#loading = { resolve, reject }))
    loaded.catch(ignore)
    this.#expected = toPageUrl(url)
    const { errorText } = await this.#send('Page.navigate', { url: this.#expected })
    if (errorText) {
      this.emit('did-fail-load', cancellable(), -2, String(errorText).replace('net::', ''), url, true)
      this.#settle(new Error(`${errorText} loading '${url}'`))
    }
    return loaded
  }

  send(channel: string, ...args: unknown[]): void {
    const world = [...this.#worlds].find(([, frame]) => frame === this.mainFrame.frameToken)?.[0]
    // A page without a preload world hears nothing, as in Electron.
    if (world !== undefined)
      this.#deliver(world, `{"do":"message","channel":${JSON.stringify(channel)},"args":${encodePlain(args)}}`)
  }

  reload(): void {
    this.#expected = this.#pageUrl
    this.#send('Page.reload').catch(ignore)
  }
  close(): void {
    this.window_.close()
  }
  getURL(): string {
    return this.mainFrame.url
  }
  isLoading(): boolean {
    return this.#isLoading
  }
  isDestroyed(): boolean {
    return this.#destroyed
  }
  isFocused(): boolean {
    return this.window_.isFocused()
  }
  getOwnerBrowserWindow(): BrowserWindow {
    return this.window_
  }
  setWindowOpenHandler(handler: WindowOpenHandler): void {
    this.#openHandler = handler
  }
  forcefullyCrashRenderer(): void {
    this.#send('Page.crash').catch(ignore)
  }
  async executeJavaScript(code: string): Promise<unknown> {
    await this.ready_
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression: code,
      awaitPromise: true,
      returnByValue: true
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  /** The window is going, or its target is gone. */
  destroy_(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    all.delete(this.id)
    this.#settle(new Error('ERR_FAILED (-2)'))
    this.ready_.then(() => devtools().send('Target.closeTarget', { targetId: this.targetId_ })).catch(ignore)
    this.emit('destroyed')
    this.window_.closed_()
  }

  #pageUrl = 'about:blank'

  #send(method: string, params: object = {}): Promise<Reply> {
    return this.#page
      ? this.#page.send(method, params)
      : Promise.reject(new Error(`${method}: the page is not there yet`))
  }

  async #open({ width, height }: { width: number; height: number }): Promise<void> {
    const { targetId } = await devtools().send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      width,
      height
    })
    this.targetId_ = targetId
    const page = (this.#page = await devtools().attach(targetId))
    devtools().on('Target.targetDestroyed', (gone) => void (gone.targetId === targetId && this.destroy_()))
    devtools().on(
      'Target.targetCreated',
      ({ targetInfo }) => void (targetInfo.openerId === targetId && closePopup(targetInfo.targetId).catch(ignore))
    )
    this.#listenToWorlds(page)
    this.#listenToNavigation(page)
    await Promise.all([
      page.send('Page.enable'),
      page.send('Runtime.enable'),
      page.send('Inspector.enable'),
      page.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] })
    ])
    const { frameTree } = await page.send('Page.getFrameTree')
    this.mainFrame = this.#frame(frameTree.frame.id)
    await this.#installPreload(page)
    this.windowId_ = (await devtools().send('Browser.getWindowForTarget', { targetId })).windowId
  }

  #listenToWorlds(page: DevToolsSession): void {
    page.on(
      'Runtime.executionContextCreated',
      ({ context }) => void (context.name === PRELOAD_WORLD && this.#worlds.set(context.id, context.auxData.frameId))
    )
    page.on(
      'Runtime.executionContextDestroyed',
      ({ executionContextId }) => void this.#worlds.delete(executionContextId)
    )
    page.on('Runtime.executionContextsCleared', () => this.#worlds.clear())
    page.on('Runtime.bindingCalled', ({ payload, executionContextId }) => {
      if (this.#worlds.has(executionContextId)) void this.#heard(JSON.parse(payload), executionContextId)
    })
  }

  #listenToNavigation(page: DevToolsSession): void {
    page.on('Page.windowOpen', ({ url }) => this.#popup(fromPageUrl(url)))
    page.on('Page.frameAttached', ({ frameId, parentFrameId }) => {
      const frame = this.#frame(frameId)
      frame.parent = this.#frame(parentFrameId)
      frame.parent.frames.push(frame)
    })
    page.on('Page.frameDetached', ({ frameId }) => void this.#frames.delete(frameId))
    page.on('Page.frameNavigated', ({ frame: { id, url, unreachableUrl } }) => {
      const frame = this.#frame(id)
      frame.url = fromPageUrl(unreachableUrl ?? url)
      if (frame !== this.mainFrame) return
      this.#pageUrl = url
      this.#isLoading = true
      this.emit('did-navigate', cancellable(), frame.url, 200, '')
    })
    page.on('Page.navigatedWithinDocument', ({ frameId, url }) => {
      this.#frame(frameId).url = fromPageUrl(url)
      if (frameId === this.mainFrame.frameToken) this.#pageUrl = url
    })
    page.on('Page.domContentEventFired', () => this.emit('dom-ready', cancellable()))
    page.on('Page.loadEventFired', () => {
      this.#isLoading = false
      this.#settle()
      this.emit('did-finish-load', cancellable())
      this.window_.readyToShow_()
    })
    page.on('Inspector.targetCrashed', () =>
      this.emit('render-process-gone', cancellable(), { reason: 'crashed', exitCode: 5 })
    )
    page.on('Fetch.requestPaused', (paused) => {
      this.#requested(page, paused).catch((error: unknown) => {
        if (!this.#destroyed) console.error('test host:', error)
      })
    })
  }

  async #requested(page: DevToolsSession, paused: Reply): Promise<void> {
    const { requestId, request, resourceType, frameId } = paused
    if (resourceType === 'Document' && frameId === this.mainFrame.frameToken) {
      if (request.url !== this.#expected && request.url !== this.#pageUrl) {
        const event = cancellable({
          url: fromPageUrl(request.url),
          isMainFrame: true,
          isSameDocument: false,
          frame: this.mainFrame
        })
        this.emit('will-navigate', event, event.url)
        if (event.defaultPrevented) return page.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' })
      }
      this.#expected = null
      await defaultSession.applyPermissions_(this, request.url)
    }
    await fulfil(page, paused)
  }

  async #installPreload(page: DevToolsSession): Promise<void> {
    const path = this.#preferences.preload
    if (path === undefined) return
    if (!isAbsolute(path)) throw new Error(`preload script must have absolute path: ${path}`)
    let text: string
    try {
      text = readFileSync(path, 'utf8')
      // An ES module fails here, as it does in a sandboxed window.
      void new vm.Script(preloadFunction(text), { filename: path })
    } catch (error) {
      console.error(`Unable to load preload script: ${path}\n${String(error)}`)
      this.emit('preload-error', cancellable(), path, error)
      return
    }
    const secret = randomBytes(16).toString('hex')
    const names = (this.#names = {
      page: `p${secret}`,
      preload: `q${secret}`,
      toHost: `t${secret}`,
      fromHost: `f${secret}`
    })
    const facts = {
      preloadPath: path,
      platform: process.platform,
      arch: process.arch,
      versions: { ...process.versions },
      argv: [process.execPath]
    }
    await page.send('Runtime.addBinding', { name: names.toHost, executionContextName: PRELOAD_WORLD })
    await page.send('Page.addScriptToEvaluateOnNewDocument', { source: pageWorldSource(names) })
    await page.send('Page.addScriptToEvaluateOnNewDocument', {
      worldName: PRELOAD_WORLD,
      source: preloadWorldSource(names, text, facts)
    })
  }

  async #heard(message: Reply, world: number): Promise<void> {
    const senderFrame = this.#frames.get(this.#worlds.get(world) ?? '') ?? null
    const event = { ...cancellable(), sender: this, senderFrame, ports: [] }
    if (message.do === 'preload-error')
      this.emit('preload-error', cancellable(), this.#preferences.preload, new Error(message.message))
    else if (message.do === 'send') host.ipcMain.emit(message.channel, event, ...message.args)
    else if (message.do === 'invoke') this.#deliver(world, await this.#invoke(event, message))
  }

  async #invoke(
    event: object,
    { id, channel, args }: { id: number; channel: string; args: unknown[] }
  ): Promise<string> {
    try {
      const handler = host.ipcMain.handlersByChannel_.get(channel)
      if (!handler) throw new Error(`No handler registered for '${channel}'`)
      return `{"do":"reply","id":${id},"result":${encodePlain(await handler(event, ...args))}}`
    } catch (error) {
      console.error(`Error occurred in handler for '${channel}':`, error)
      return JSON.stringify({ do: 'reply', id, error: `Error invoking remote method '${channel}': ${String(error)}` })
    }
  }

  #deliver(world: number, json: string): void {
    if (this.#destroyed || !this.#names) return
    const expression = `globalThis[${JSON.stringify(this.#names.fromHost)}]?.(${json})`
    this.#sent = this.#sent
      .then(() => this.#send('Runtime.evaluate', { expression, contextId: world }))
      .then(({ exceptionDetails }) => {
        if (exceptionDetails)
          console.error('test host: in the page:', exceptionDetails.exception?.description ?? exceptionDetails.text)
      }, ignore)
  }

  /** What Chromium opens is closed again. Larder allows no window, so allowing one is an error here. */
  #popup(url: string): void {
    const { action } = this.#openHandler?.({ url, frameName: '', disposition: 'foreground-tab' }) ?? { action: 'allow' }
    if (action !== 'allow') return
    console.error(`test host: window.open(${url}) was allowed; there are no child windows here`)
    host.app.exit(70)
  }

  #frame(id: string): WebFrameMain {
    let frame = this.#frames.get(id)
    if (!frame) this.#frames.set(id, (frame = new WebFrameMain(id)))
    return frame
  }

  #settle(error?: Error): void {
    const loading = this.#loading
    this.#loading = null
    if (error) loading?.reject(error)
    else loading?.resolve()
  }
}

/** The page that opened it stands still until the new one runs, and whoever else is attached may hold that up. */
async function closePopup(targetId: string): Promise<void> {
  const popup = await devtools().attach(targetId)
  await popup.send('Runtime.runIfWaitingForDebugger')
  await devtools().send('Target.closeTarget', { targetId })
}

function devtools(): DevTools {
  if (!host.browser) throw new Error('test host: the browser is not there')
  return host.browser.devtools
}
