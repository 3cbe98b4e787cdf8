import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, give, openPage, runtime, test, untilRunning } from './fixture.ts'

test('once installed it starts at login, hidden, until that is turned off', async ({ launch, dataDir }) => {
  test.skip(process.platform !== 'linux', 'only Linux keeps this in a file that can be looked at')
  test.skip(runtime.kind === 'electron', 'only the test host can pretend to be installed')
  const entry = join(dataDir, 'config', 'autostart', 'org.larder.larder.desktop')
  const app = await launch({
    env: { LARDER_HOST_PACKAGED: '1', LARDER_HOST_RESOURCES: resolve(import.meta.dirname, '..') }
  })
  const page = await openPage(app)
  // What tests get of a clone is not there for anybody.
  expect(await app.evaluate(() => 'larderE2e' in globalThis)).toBe(false)
  await expect.poll(() => existsSync(entry)).toBe(true)
  expect(readFileSync(entry, 'utf8')).toMatch(/^Exec=".+" --hidden$/m)
  await expect
    .poll(async () => (await give(page, { c: 'settings.set', name: 'app.openAtLogin', value: false })).ok)
    .toBe(true)
  await expect.poll(() => existsSync(entry)).toBe(false)
  await give(page, { c: 'settings.set', name: 'app.openAtLogin', value: true })
  await expect.poll(() => existsSync(entry)).toBe(true)
})

test('what runs from a clone does not put itself into anybody’s login', async ({ app, ui, dataDir }) => {
  await untilRunning(app)
  await give(ui, { c: 'settings.set', name: 'app.openAtLogin', value: true })
  expect(existsSync(join(dataDir, 'config', 'autostart'))).toBe(false)
})
