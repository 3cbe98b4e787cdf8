import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { expect, isWindowVisible, runtime, test, trayClick, untilRunning } from './fixture.ts'

test('closing the window hides it; the tray brings the same page back', async ({ app, ui }) => {
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  await ui.evaluate(() => void Object.assign(window, { kept: true }))
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
  await expect.poll(() => isWindowVisible(app)).toBe(false)
  expect(app.process().exitCode).toBeNull()
  await trayClick(app, 'open')
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  expect(await ui.evaluate(() => window['kept'])).toBe(true)
})

test('a second start shows the window of the first and leaves', async ({ launch, dataDir }) => {
  const app = await launch({ args: ['--hidden'] })
  await untilRunning(app)
  expect(await isWindowVisible(app)).toBe(false)
  const second = spawn(
    runtime.path,
    ['.', ...(process.platform === 'linux' && runtime.kind === 'electron' ? ['--no-sandbox'] : [])],
    {
      cwd: resolve(import.meta.dirname, '..'),
      env: { ...process.env, LARDER_DATA_DIR: dataDir, XDG_CONFIG_HOME: join(dataDir, 'config') },
      stdio: 'ignore'
    }
  )
  expect(await new Promise((done) => second.once('exit', done))).toBe(0)
  await expect.poll(() => isWindowVisible(app)).toBe(true)
})

test('a page that crashes is loaded again', async ({ app, ui }) => {
  await expect.poll(() => isWindowVisible(app)).toBe(true)
  const loaded = app.evaluate(
    ({ BrowserWindow }) =>
      new Promise<void>((done) => BrowserWindow.getAllWindows()[0]?.webContents.once('did-finish-load', () => done()))
  )
  await ui.evaluate(() => 1)
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer())
  await loaded
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL())).toMatch(
    /^app:\/\/bundle\/index\.html/
  )
})
