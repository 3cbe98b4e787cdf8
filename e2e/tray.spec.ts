import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '../src-main/testing/fleet.ts'
import { larder } from './agent-process.ts'
import {
  exitOf,
  expect,
  give,
  isWindowVisible,
  openPage,
  snapshotOf,
  test,
  trayClick,
  trayLabels,
  trayState,
  untilConnected,
  untilRunning
} from './fixture.ts'

test('pause and resume in the tray pause and resume all transfers', async ({ app, ui, origin }) => {
  await untilRunning(app)
  origin.rateBytesPerSecond = 200_000
  const url = origin.put('/slow.bin', { generate: { bytes: 20_000_000, seed: 'slow' } })
  await give(ui, { c: 'request.start', spec: { url } })
  const state = async () => (await snapshotOf(ui))?.requests[0]?.state
  await expect.poll(state).toBe('active')
  await expect.poll(() => trayState(app)).toBe('downloading')
  const before = Date.now()
  await trayClick(app, 'pause-1h')
  await expect.poll(() => trayLabels(app)).toContain('Resume')
  expect((await trayLabels(app))[0]).toMatch(/^Paused until /)
  await expect.poll(state).toBe('paused')
  await expect.poll(() => trayLabels(app)).toContain('slow.bin: paused')
  const until = (await snapshotOf(ui))?.paused?.until ?? 0
  expect(until).toBeGreaterThanOrEqual(before + 3600_000)
  expect(until).toBeLessThan(Date.now() + 3600_000 + 1000)
  expect(await trayState(app)).toBe('paused')

  await trayClick(app, 'resume')
  await expect.poll(() => trayLabels(app)).toContain('Pause')
  expect((await snapshotOf(ui))?.paused).toBeNull()
  await expect.poll(state).toBe('active')

  await trayClick(app, 'pause-24h')
  await expect.poll(() => trayLabels(app)).toContain('Resume')
  expect((await snapshotOf(ui))?.paused?.until ?? 0).toBeGreaterThanOrEqual(before + 24 * 3600_000)
  await trayClick(app, 'resume')
  await expect.poll(() => trayLabels(app)).toContain('Pause')

  await trayClick(app, 'pause-until-resumed')
  await expect.poll(async () => (await trayLabels(app))[0]).toBe('Paused')
  expect((await snapshotOf(ui))?.paused).toEqual({ until: null, by: ['person'] })
})

test('the integration turned off in the tray says who did it, refuses requests, stays off after a restart, and the command line sees and turns it', async ({
  launch,
  origin,
  dataDir
}) => {
  const first = await launch()
  await untilRunning(first)
  const page = await openPage(first)
  await trayClick(first, 'integration')
  await expect.poll(async () => (await trayLabels(first))[0]).toMatch(/^Integration off \(by .+ in the tray\)$/)
  expect(await trayState(first)).toBe('off')
  expect(await give(page, { c: 'request.start', spec: { url: `${origin.url}/a` } })).toMatchObject({
    ok: false,
    error: { code: 'INTEGRATION_OFF' }
  })
  expect(await larder(dataDir, 'integration', 'status')).toMatchObject({
    integration: { enabled: false, by: expect.stringMatching(/ in the tray$/), since: expect.any(Number) }
  })
  expect(JSON.parse(readFileSync(join(dataDir, 'settings.json'), 'utf8'))).toMatchObject({
    integration: { enabled: false },
    notes: { 'integration.enabled': { value: false } }
  })
  await first.close()

  const second = await launch({ args: ['--hidden'] })
  await untilRunning(second)
  await expect.poll(async () => (await trayLabels(second))[0]).toMatch(/^Integration off \(by .+ in the tray\)$/)
  await larder(dataDir, 'integration', 'on')
  await expect.poll(async () => (await trayLabels(second))[0]).toBe('Idle')
  expect(await trayState(second)).toBe('idle')
  await trayClick(second, 'integration')
  await expect.poll(() => larder(dataDir, 'integration', 'status')).toMatchObject({ integration: { enabled: false } })
  await trayClick(second, 'integration')
  await expect.poll(async () => (await trayLabels(second))[0]).toBe('Idle')
})

test('while others take pieces the tray says how many PCs are served, and its tooltip how much in all', async ({
  site,
  launch,
  origin
}) => {
  const app = await launch()
  const page = await openPage(app)
  await untilRunning(app)
  await untilConnected(page, site)
  const url = origin.put('/served.bin', { generate: { bytes: 32 * 1024 * 1024, seed: 'served' } })
  await give(page, { c: 'request.start', spec: { url } })
  await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.state).toBe('done')
  // What others take is over in no time otherwise, on this machine as on a fast network.
  await give(page, { c: 'settings.set', name: 'rates.upload', value: 2 * 1024 * 1024 })
  const others = Promise.all(site.agents.map(({ agent }) => ask(agent, { url })))
  await expect.poll(() => trayState(app)).toBe('serving')
  await expect
    .poll(() => trayLabels(app))
    .toEqual(expect.arrayContaining(['Serving others', expect.stringMatching(/^Serving [12] PCs?$/)]))
  await give(page, { c: 'settings.set', name: 'rates.upload', value: null })
  for (const { split } of await others) expect(split).toMatchObject({ originBytes: 0, peerBytes: 32 * 1024 * 1024 })
  await expect
    .poll(() => app.evaluate(() => globalThis.larderE2e.tray.view?.tooltip))
    .toMatch(/^Larder: \w+( \w+)?\nFrom peers 0 B, from origins 32 MiB\nServed to others [1-9]/)
  await expect.poll(() => trayLabels(app)).toEqual(expect.arrayContaining(['Idle', 'Serving nobody']))
})

test('quit in the tray ends agent and application', async ({ app, dataDir }) => {
  await untilRunning(app)
  const exited = exitOf(app)
  await trayClick(app, 'quit').catch(() => {})
  expect(await exited).toBe(0)
  // The agent has taken its address back, so it has ended in order.
  expect(existsSync(join(dataDir, 'agent.json'))).toBe(false)
})

test('hidden at login: there is a tray and no window until it is opened; the log folder opens without one', async ({
  launch,
  dataDir
}) => {
  const app = await launch({ args: ['--hidden'] })
  await untilRunning(app)
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(0)
  await app.evaluate(({ shell }) => {
    Object.assign(globalThis, { opened: [] })
    shell.openPath = async (path: string) => {
      ;(globalThis as unknown as { opened: string[] }).opened.push(path)
      return ''
    }
  })
  await trayClick(app, 'open-logs')
  await expect
    .poll(() => app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened))
    .toEqual([join(dataDir, 'log')])
  await trayClick(app, 'open')
  await expect.poll(() => isWindowVisible(app)).toBe(true)
})
