import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterNews } from '../src-main/contract/snapshot-change.ts'
import { isChange, type SnapshotMessage, type SnapshotNews } from '../src-main/contract/snapshot-message.ts'
import { LARDER_VERSION } from '../src-main/contract/version.ts'
import { expect, give, isWindowVisible, test, trayLabels, untilRunning } from './fixture.ts'

test('the first start makes a private data folder, starts the agent and shows a window that says what it can do', async ({
  app,
  ui,
  dataDir
}) => {
  await untilRunning(app)
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  await expect(ui).toHaveTitle(/Larder/)
  const { apiPort, version } = JSON.parse(readFileSync(join(dataDir, 'agent.json'), 'utf8')) as {
    apiPort: number
    version: string
  }
  expect(version).toBe(LARDER_VERSION)
  expect(apiPort).toBeGreaterThan(0)
  expect(existsSync(join(dataDir, 'log', 'larder.log'))).toBe(true)
  if (process.platform !== 'win32') expect(statSync(join(dataDir, 'api-token')).mode & 0o777).toBe(0o600)
  await expect
    .poll(() => trayLabels(app))
    .toEqual(['Idle', 'Serving nobody', 'Pause', 'Integration on', 'Open Larder', 'Open log folder', 'Quit'])

  const answer = await give(ui, { c: 'app.info' })
  if (!answer.ok) throw new Error(answer.error.message)
  expect(answer.value).toMatchObject({ version: LARDER_VERSION, runtime: 'app', platform: process.platform, dataDir })
  expect(answer.value.commands).toEqual(
    expect.arrayContaining(['request.start', 'cache.clear', 'shell.openFile', 'app.quit', 'agent.restart'])
  )
})

test('the page hears of the state at once and then of changes, in order and ever higher', async ({ app, ui }) => {
  await untilRunning(app)
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  const news = await ui.evaluate(async () => {
    const messages: SnapshotNews[] = []
    await new Promise<void>((done) => {
      const end = window.larder.onSnapshot((message) => {
        messages.push(message)
        if (messages.length === 1) void window.larder.invoke({ c: 'all.pause', forMs: null })
        if (message.snapshot?.paused) {
          end()
          done()
        }
      })
    })
    return messages
  })
  expect(isChange(news.at(-1)!)).toBe(true)
  let known: SnapshotMessage | null = null
  const heard = news.map((one) => {
    // An answer and what is pushed may overtake each other.
    if (known === null || one.n > known.n) known = afterNews(known, one)
    if (known === null) throw new Error('A change came that builds on nothing')
    const { run, n, status, snapshot } = known as SnapshotMessage
    return { run, n, state: status.state, paused: snapshot?.paused !== null }
  })
  expect(new Set(heard.map(({ run }) => run)).size).toBe(1)
  expect(heard.at(0)).toMatchObject({ state: 'running', paused: false })
  expect(heard.at(-1)).toMatchObject({ state: 'running', paused: true })
  expect(heard.map(({ n }) => n)).toEqual(heard.map(({ n }) => n).toSorted((a, b) => a - b))
})

test('snapshots cross at most ten times a second, and not at all while the window is hidden', async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  // From here on the page asks for nothing by itself.
  await expect(ui.getByRole('heading', { name: 'Overview' })).toBeVisible()
  await app.evaluate(({ BrowserWindow }) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!
    const sentAt: number[] = []
    const send = webContents.send.bind(webContents)
    webContents.send = (channel, ...args) => {
      sentAt.push(performance.now())
      send(channel, ...(args as unknown[]))
    }
    Object.assign(globalThis, { sentAt })
  })
  const sentAt = () => app.evaluate(() => (globalThis as unknown as { sentAt: number[] }).sentAt)
  const urls = Array.from({ length: 30 }, (_, i) => origin.put(`/f${i}`, { generate: { bytes: 1000, seed: i } }))
  await Promise.all(urls.map((url) => give(ui, { c: 'request.start', spec: { url } })))
  await expect
    .poll(() =>
      app.evaluate(
        () =>
          globalThis.larderE2e.life
            .agent()
            .requests()
            .filter(({ state }) => state === 'done').length
      )
    )
    .toBe(30)
  await expect.poll(async () => (await sentAt()).length).toBeGreaterThan(0)
  const times = await sentAt()
  expect(times.length).toBeLessThanOrEqual(1 + (times.at(-1)! - times[0]!) / 100)

  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
  await expect.poll(() => isWindowVisible(app)).toBe(false)
  const before = (await sentAt()).length
  await give(ui, { c: 'all.pause', forMs: null })
  await expect.poll(() => trayLabels(app)).toContain('Resume')
  expect(await sentAt()).toHaveLength(before)
})
