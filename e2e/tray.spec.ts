import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitOf, expect, give, isWindowVisible, openPage, snapshotOf, test, trayClick, trayLabels, untilRunning } from './fixture.ts'

test('pause and resume in the tray pause and resume all transfers', async ({ app, ui }) => {
  await untilRunning(app)
  const before = Date.now()
  await trayClick(app, 'pause-1h')
  await expect.poll(() => trayLabels(app)).toContain('Resume')
  expect((await trayLabels(app))[0]).toMatch(/^Paused until /)
  const until = (await snapshotOf(ui))?.paused?.until ?? 0
  expect(until).toBeGreaterThanOrEqual(before + 3600_000)
  expect(until).toBeLessThan(Date.now() + 3600_000 + 1000)
  expect(await app.evaluate(() => globalThis.larderE2e.tray.view?.state)).toBe('paused')

  await trayClick(app, 'resume')
  await expect.poll(() => trayLabels(app)).toContain('Pause')
  expect((await snapshotOf(ui))?.paused).toBeNull()

  await trayClick(app, 'pause-until-resumed')
  await expect.poll(async () => (await trayLabels(app))[0]).toBe('Paused')
  expect((await snapshotOf(ui))?.paused).toEqual({ until: null })
})

test('the integration turned off in the tray says who did it, refuses requests and stays off after a restart', async ({ launch, origin, dataDir }) => {
  const first = await launch()
  await untilRunning(first)
  const page = await openPage(first)
  await trayClick(first, 'integration')
  await expect.poll(async () => (await snapshotOf(page))?.integration.enabled).toBe(false)
  await expect.poll(async () => (await trayLabels(first))[0]).toMatch(/^Integration off \(by .+ in the tray\)$/)
  expect(await first.evaluate(() => globalThis.larderE2e.tray.view?.state)).toBe('off')
  expect(await give(page, { c: 'request.start', spec: { url: `${origin.url}/a` } })).toMatchObject({ ok: false, error: { code: 'INTEGRATION_OFF' } })
  expect(JSON.parse(readFileSync(join(dataDir, 'settings.json'), 'utf8'))).toMatchObject({ integration: { enabled: false }, notes: { 'integration.enabled': { value: false } } })
  await first.close()

  const second = await launch({ args: ['--hidden'] })
  await untilRunning(second)
  await expect.poll(async () => (await trayLabels(second))[0]).toMatch(/^Integration off/)
  await trayClick(second, 'integration')
  await expect.poll(async () => (await trayLabels(second))[0]).toBe('Idle')
})

test('the tray has a picture for each state, and one of twice the size', async ({ app }) => {
  await untilRunning(app)
  const images = await app.evaluate(({ nativeImage, app: main }) =>
    ['idle', 'downloading', 'serving', 'paused', 'off', 'error'].flatMap((state) =>
      ['', '-Template'].map((kind) => {
        const image = nativeImage.createFromPath(`${main.getAppPath()}/assets/tray/tray-${state}${kind}.png`)
        return { empty: image.isEmpty(), width: image.getSize().width, scales: image.getScaleFactors(), template: image.isTemplateImage() }
      })
    )
  )
  expect(images.filter((_, at) => at % 2 === 0)).toEqual(Array(6).fill({ empty: false, width: 24, scales: [1, 2], template: false }))
  expect(images.filter((_, at) => at % 2 === 1)).toEqual(Array(6).fill({ empty: false, width: 16, scales: [1, 2], template: true }))
})

test('quit in the tray ends agent and application', async ({ app, dataDir }) => {
  await untilRunning(app)
  const exited = exitOf(app)
  await trayClick(app, 'quit').catch(() => {})
  expect(await exited).toBe(0)
  // The agent has taken its address back, so it has ended in order.
  expect(() => readFileSync(join(dataDir, 'agent.json'))).toThrow(/ENOENT/)
})

test('a running download does not keep the application from quitting, and nothing half-written is left', async ({ app, ui, origin, filesDir }) => {
  await untilRunning(app)
  origin.put('/slow.bin', { generate: { bytes: 20_000_000, seed: 1 } }, { faults: { stallAfter: { bytes: 3_000_000 } } })
  const destination = join(filesDir, 'slow.bin')
  await give(ui, { c: 'request.start', spec: { url: `${origin.url}/slow.bin`, destination } })
  await expect.poll(async () => (await snapshotOf(ui))?.requests[0]?.haveBytes ?? 0).toBeGreaterThan(0)
  await expect.poll(async () => (await trayLabels(app)).find((label) => label.startsWith('slow.bin'))).toMatch(/^slow\.bin: \d+ %$/)
  const exited = exitOf(app)
  const quitAt = Date.now()
  await trayClick(app, 'quit').catch(() => {})
  expect(await exited).toBe(0)
  // The deadline of the agent's stop is 5 s; the rest is the process itself.
  expect(Date.now() - quitAt).toBeLessThan(10_000)
  expect(() => readFileSync(destination)).toThrow(/ENOENT/)
})

test('hidden at login: there is a tray and no window until it is opened', async ({ launch }) => {
  const app = await launch({ args: ['--hidden'] })
  await untilRunning(app)
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(0)
  await trayClick(app, 'open')
  await expect.poll(() => isWindowVisible(app)).toBe(true)
})
