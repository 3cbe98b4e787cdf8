import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { commandLineValues } from '../settings/assignment.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { memoryFiles } from '../settings/settings-files.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { settingsOfOptions } from './agent-options.ts'

const dir = mkdtempSync(join(tmpdir(), 'larder-options-'))
afterAll(() => rmSync(dir, { recursive: true }))
const key = `larder-site-${'a'.repeat(43)}`

const effective = (options: Parameters<typeof settingsOfOptions>[0]) =>
  new LiveSettings({
    files: memoryFiles(''),
    commandLine: commandLineValues(settingsOfOptions(options)),
    clock: fakeClock()
  })

test('without options nothing is set', () => {
  const settings = effective({ beacon: true })
  expect(settings.current).toEqual(Settings.parse({}))
  expect(settings.list().map(({ source }) => source)).not.toContain('command-line')
})

test('each option sets its setting', () => {
  const { current: settings } = effective({
    fleetKey: ` ${key}\n`,
    apiPort: 0,
    peerPort: 1,
    beaconPort: 2,
    listen: '127.0.0.1',
    seed: ['a:1', 'b:2'],
    beacon: false,
    includeLoopback: true,
    weight: 0,
    cacheDir: 'somewhere',
    cacheMax: 5 << 20,
    logLevel: 'debug',
    set: ['transfers.uploadSlots=3', 'election.windowMs=50']
  })
  expect(settings).toMatchObject({
    fleet: { siteKey: key },
    ports: { api: 0, peer: 1, beacon: 2 },
    discovery: { listenAddress: '127.0.0.1', seeds: ['a:1', 'b:2'], beacon: false, includeLoopback: true },
    election: { weight: 0, windowMs: 50 },
    cache: { dir: resolve('somewhere'), maxBytes: 5 << 20 },
    log: { level: 'debug' },
    transfers: { uploadSlots: 3 }
  })
})

test('--set rules over the other options, and leaves the rest of its section', () => {
  expect(effective({ apiPort: 1, peerPort: 2, set: ['ports.api=3'] }).current.ports).toMatchObject({ api: 3, peer: 2 })
})

test('the site key may lie in a file', () => {
  writeFileSync(join(dir, 'key'), `${key}\r\n`)
  expect(effective({ fleetKeyFile: join(dir, 'key') }).current.fleet.siteKey).toBe(key)
})

test('a key that is none is refused without being shown', () => {
  for (const options of [{ fleetKey: 'hunter2-hunter2' }, { fleetKeyFile: join(dir, 'missing') }, { fleetKey: '' }]) {
    expect(() => settingsOfOptions(options)).toThrow(expect.objectContaining({ code: 'SITE_KEY_INVALID' }))
    expect(() => settingsOfOptions(options)).not.toThrow(/hunter2/)
  }
})
