import { expect, give, giveAnything, isWindowVisible, test, untilRunning } from './fixture.ts'

// What nobody has changed yet is looked at with one start of the application.
test('the page as it is loaded is given its own files and two functions, and nothing else', async ({ app, ui }) => {
  await test.step('the page gets two functions and nothing else of the world outside', async () => {
    const seen = await ui.evaluate(() => ({
      functions: Object.keys(window.larder).toSorted(),
      frozen: Object.isFrozen(window.larder),
      writable: Object.getOwnPropertyDescriptor(window, 'larder')?.writable,
      leaks: ['require', 'process', 'module', 'exports', 'Buffer', 'global', 'ipcRenderer', 'electron'].filter(
        (name) => name in window
      ),
      isSecure: window['isSecureContext']
    }))
    expect(seen).toEqual({
      functions: ['invoke', 'onSnapshot'],
      frozen: true,
      writable: false,
      leaks: [],
      isSecure: true
    })
  })

  await test.step('app:// serves the bundle and nothing beside it', async () => {
    const answers = await ui.evaluate(async () => {
      const ask = async (path: string, method = 'GET') => (await fetch(path, { method })).status
      return {
        index: await ask('index.html'),
        missing: await ask('nothing.js'),
        above: await ask('..%2f..%2fpackage.json'),
        deepAbove: await ask('assets/..%2f..%2f..%2fmain/main.js'),
        backslash: await ask('..%5c..%5cpackage.json'),
        otherType: await ask('index.sh'),
        post: await ask('index.html', 'POST')
      }
    })
    expect(answers).toEqual({
      index: 200,
      missing: 404,
      above: 404,
      deepAbove: 404,
      backslash: 404,
      otherType: 404,
      post: 404
    })
  })

  await test.step('scripts from elsewhere, connections and permissions are denied', async () => {
    const found = await ui.evaluate(async () => {
      const violations = new Set<string>()
      document.addEventListener('securitypolicyviolation', (event: { effectiveDirective: string }) =>
        violations.add(event.effectiveDirective)
      )
      const script = document.createElement('script')
      script.textContent = 'window.inlineRan = true'
      document.head.append(script)
      const connected = await fetch('http://127.0.0.1:9/').then(
        () => true,
        () => false
      )
      // Text as code, in a way the debugger's own rights do not reach.
      // oxlint-disable-next-line typescript/no-implied-eval -- what the page must refuse
      window['setTimeout']('window.textRan = true', 0)
      // What is refused is told later than it is refused.
      for (let waits = 0; violations.size < 3 && waits < 200; waits++) await new Promise((done) => setTimeout(done, 50))
      const permission = (name: string) =>
        window['navigator'].permissions.query({ name }).then(({ state }: { state: string }) => state)
      return {
        inlineRan: 'inlineRan' in window,
        connected,
        textRan: 'textRan' in window,
        violations: [...violations].toSorted(),
        geolocation: await permission('geolocation'),
        notifications: await permission('notifications')
      }
    })
    expect(found).toEqual({
      inlineRan: false,
      connected: false,
      textRan: false,
      violations: ['connect-src', 'script-src', 'script-src-elem'],
      geolocation: 'denied',
      notifications: 'denied'
    })
  })

  await test.step('an unknown command and bad fields are errors that name the field, and change nothing', async () => {
    await untilRunning(app)
    const bad: [unknown, string][] = [
      [{ c: 'agent.format' }, 'c'],
      ['app.quit', ''],
      [null, ''],
      [[{ c: 'app.quit' }], ''],
      [{ c: 'request.cancel', id: '../../etc' }, 'id'],
      [{ c: 'request.start', spec: { url: '' } }, 'spec.url'],
      [{ c: 'request.start', spec: { url: 'x'.repeat(9000) } }, 'spec.url'],
      [{ c: 'cache.remove', sha256: 'A'.repeat(64) }, 'sha256'],
      [{ c: 'cache.clear', pinnedToo: 'yes', dryRun: false }, 'pinnedToo'],
      [{ c: 'integration.set', enabled: false, by: 'the administrator' }, ''],
      [{ c: 'shell.saveText', name: '../../.bashrc', text: '' }, 'name'],
      [{ c: 'all.pause', forMs: -1 }, 'forMs']
    ]
    for (const [command, field] of bad) {
      expect(await giveAnything(ui, command), JSON.stringify(command).slice(0, 80)).toMatchObject({
        ok: false,
        error: { code: 'BAD_REQUEST', details: { field } }
      })
    }
    expect(await giveAnything(ui, { c: 'shell.copyText', text: 'x'.repeat(3_000_000) })).toMatchObject({
      ok: false,
      error: { code: 'BAD_REQUEST' }
    })
    expect(await give(ui, { c: 'request.start', spec: { url: 'file:///etc/passwd' } })).toMatchObject({
      ok: false,
      error: { code: 'URL_SCHEME_UNSUPPORTED' }
    })
    const answer = await give(ui, { c: 'snapshot.get' })
    expect(answer).toMatchObject({
      ok: true,
      value: { snapshot: { requests: [], paused: null, integration: { enabled: true } } }
    })
  })

  await test.step('a frame inside our page is shown nothing and can command nothing', async () => {
    const frames = await ui.evaluate(async () => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', (event: { effectiveDirective: string }) =>
        violations.push(event.effectiveDirective)
      )
      const frame = document.createElement('iframe')
      frame.src = 'data:text/html,<p>frame</p>'
      document.body.append(frame)
      await new Promise((done) => document.addEventListener('securitypolicyviolation', done, { once: true }))
      const look = (): string => {
        try {
          return typeof frame.contentWindow.larder
        } catch (error) {
          return (error as Error).name
        }
      }
      // It is told that the frame was refused before the empty page it begins with has given way to the refusal.
      const reaches = [look()]
      for (let waits = 0; reaches.at(-1) === 'undefined' && waits < 200; waits++) {
        await new Promise((done) => setTimeout(done, 50))
        reaches.push(look())
      }
      return { violations, reaches: reaches.filter((reach) => reach !== 'undefined') }
    })
    expect(frames).toEqual({ violations: ['frame-src'], reaches: ['SecurityError'] })
    // And should one get so far, the sender check looks at frames: this is the handler itself, as either runtime keeps it.
    const answers = await app.evaluate(async ({ ipcMain }) => {
      type Handlers = Map<string, (event: object, input: unknown) => Promise<unknown>>
      const { handlersByChannel_, _invokeHandlers } = ipcMain as unknown as {
        handlersByChannel_?: Handlers
        _invokeHandlers?: Handlers
      }
      const handle = (handlersByChannel_ ?? _invokeHandlers)?.get('larder:command')
      const top = { url: 'app://bundle/index.html', parent: null }
      const frames = [
        top,
        { url: 'app://bundle/index.html', parent: top },
        { url: 'https://example.com/', parent: null },
        null
      ]
      return Promise.all(frames.map(async (senderFrame) => handle?.({ senderFrame }, { c: 'app.info' })))
    })
    const forbidden = { ok: false, error: { code: 'FORBIDDEN' } }
    expect(answers).toMatchObject([{ ok: true }, forbidden, forbidden, forbidden])
  })
})

test('a foreign page with our preload is refused every command', async ({ app, ui }) => {
  await expect(ui).toHaveTitle(/Larder/)
  const [foreign] = await Promise.all([
    app.waitForEvent('window'),
    app.evaluate(({ BrowserWindow, app: main }) => {
      const window = new BrowserWindow({
        show: false,
        webPreferences: { preload: `${main.getAppPath()}/out/preload/preload.cjs`, sandbox: true }
      })
      void window.loadURL('data:text/html,<title>foreign</title>')
    })
  ])
  await expect(foreign).toHaveTitle('foreign')
  for (const command of [
    { c: 'app.info' },
    { c: 'snapshot.get' },
    { c: 'integration.set', enabled: false },
    { c: 'app.quit' }
  ]) {
    expect(await giveAnything(foreign, command)).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } })
  }
})

test('the page cannot navigate away, nor open a window; a web link goes to the person’s browser', async ({
  app,
  ui
}) => {
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  await app.evaluate(({ shell }) => {
    Object.assign(globalThis, { opened: [] })
    shell.openExternal = async (url: string) => void (globalThis as unknown as { opened: string[] }).opened.push(url)
  })
  const opened = () => app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)
  const address = () =>
    app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => window.webContents.getURL().replace(/[?#].*/, ''))
    )

  await app.evaluate(({ BrowserWindow }) => {
    const refused: string[] = []
    BrowserWindow.getAllWindows()[0]?.webContents.on('will-navigate', ({ url }) => void refused.push(url))
    Object.assign(globalThis, { refused })
  })
  const refused = () => app.evaluate(() => (globalThis as unknown as { refused: string[] }).refused)
  // One after the other: the page gives up what it has not begun when it is to go elsewhere.
  await ui.evaluate(() => void (document.location.href = 'https://example.com/'))
  await expect.poll(refused).toEqual(['https://example.com/'])
  await ui.evaluate(() => void (document.location.href = 'http://127.0.0.1:9/'))
  await expect.poll(refused).toEqual(['https://example.com/', 'http://127.0.0.1:9/'])
  expect(await address()).toEqual(['app://bundle/index.html'])

  // One after the other: each takes a click of a person, which an evaluation counts as.
  const targets = [
    'file:///etc/passwd',
    'about:blank',
    await ui.evaluate(() => document.location.href as string),
    'https://example.com/docs'
  ]
  for (const target of targets) await ui.evaluate((url) => void window['open'](url), target)
  await expect.poll(opened).toEqual(['https://example.com/docs'])
  expect(await address()).toEqual(['app://bundle/index.html'])
})
