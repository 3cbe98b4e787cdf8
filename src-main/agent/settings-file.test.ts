import { mkdtemp, readFile, rm, writeFile, readdir, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { dataPaths, type DataPaths } from '../lib/data-paths.ts'
import { describeSetting, loadSettings, mergeSettings, parseAssignment, readSettingsFile, settingNames, writeSetting } from './settings-file.ts'

let paths: DataPaths
beforeEach(async () => {
  paths = dataPaths(await mkdtemp(join(tmpdir(), 'larder-settings-')))
})
afterEach(() => rm(paths.root, { recursive: true }))

const thrown = (run: () => unknown): { code: string; message: string; details: Record<string, unknown> } => {
  try {
    run()
  } catch (error) {
    return error as never
  }
  throw new Error('did not throw')
}

test('without file and options everything is default', () => {
  const { settings, origins, unknown } = loadSettings(paths, {})
  expect(settings).toEqual(Settings.parse({}))
  expect(new Set(Object.values(origins))).toEqual(new Set(['default']))
  expect(Object.keys(origins).sort()).toEqual([...settingNames].sort())
  expect(unknown).toEqual([])
})

test('reading makes neither file nor folder', async () => {
  const missing = dataPaths(join(paths.root, 'missing'))
  loadSettings(missing, {})
  expect(await readdir(paths.root)).toEqual([])
})

test('the command line rules over the file, and the file over the defaults', async () => {
  await writeFile(paths.settings, JSON.stringify({ transfers: { uploadSlots: 3, stallMs: 9000 }, ports: { api: 1 } }))
  const { settings, origins } = loadSettings(paths, { ports: { api: 2 } })
  expect([settings.ports.api, settings.transfers.uploadSlots, settings.transfers.stallMs, settings.ports.peer]).toEqual([2, 3, 9000, 4726])
  expect(origins).toMatchObject({ 'ports.api': 'command-line', 'transfers.uploadSlots': 'file', 'ports.peer': 'default' })
})

test('a name this release does not know is ignored and told with its place', async () => {
  await writeFile(paths.settings, JSON.stringify({ transfers: { uplodSlots: 3 }, colour: { of: 'sky' } }))
  const { settings, unknown } = loadSettings(paths, {})
  expect(settings).toEqual(Settings.parse({}))
  expect(unknown).toEqual([
    { name: 'transfers.uplodSlots', place: paths.settings },
    { name: 'colour', place: paths.settings }
  ])
})

describe('a settings file that cannot be used is an error with place and reason, and is left as it is', () => {
  test.each([
    ['{"ports": {"api": 1,}}', '', /JSON/],
    ['{"ports"', '', /JSON/],
    ['[]', '', /object/],
    ['null', '', /object/],
    ['"text"', '', /object/],
    ['{"ports": 5}', 'ports', /section/],
    ['{"ports": {"api": "many"}}', 'ports.api', /number/],
    ['{"ports": {"api": 99999}}', 'ports.api', /65535/],
    ['{"fleet": {"siteKey": "guessed"}}', 'fleet.siteKey', /larder fleet key new/]
  ])('%s', async (text, setting, reason) => {
    await writeFile(paths.settings, text)
    const error = thrown(() => loadSettings(paths, {}))
    expect(error.code).toBe('SETTINGS_INVALID')
    expect(error.details).toMatchObject({ setting, place: paths.settings })
    expect(error.message).toMatch(reason)
    expect(error.message).toContain(paths.settings)
    expect(await readFile(paths.settings, 'utf8')).toBe(text)
    expect(await readdir(paths.root)).toEqual(['settings.json'])
  })

  test('one of two megabytes', async () => {
    await writeFile(paths.settings, `{"x": "${'y'.repeat(2 << 20)}"}`)
    expect(thrown(() => loadSettings(paths, {})).code).toBe('SETTINGS_INVALID')
  })

  test('one that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read everything')
    await writeFile(paths.settings, '{}')
    await chmod(paths.settings, 0)
    expect(thrown(() => loadSettings(paths, {}))).toMatchObject({ code: 'SETTINGS_INVALID', message: expect.stringContaining('EACCES') })
  })
})

test('a file with a byte order mark, and an empty file, are read', async () => {
  await writeFile(paths.settings, '\uFEFF{"ports": {"api": 7}}')
  expect(loadSettings(paths, {}).settings.ports.api).toBe(7)
  await writeFile(paths.settings, '')
  expect(loadSettings(paths, {}).settings.ports.api).toBe(4725)
})

test('a wrong value on the command line names the command line', () => {
  const error = thrown(() => loadSettings(paths, { election: { weight: 100 } }))
  expect(error.details).toMatchObject({ setting: 'election.weight', place: 'the command line' })
})

test('writing one setting keeps the rest of the file, unknown names too', async () => {
  await writeFile(paths.settings, JSON.stringify({ ports: { api: 5 }, later: { x: 1 } }))
  writeSetting(paths, 'ports.peer', 6)
  expect(JSON.parse(await readFile(paths.settings, 'utf8'))).toEqual({ ports: { api: 5, peer: 6 }, later: { x: 1 } })
  expect(readSettingsFile(paths).values).toMatchObject({ ports: { peer: 6 } })
})

test('a wrong value is not written', async () => {
  const text = JSON.stringify({ ports: { api: 5 } })
  await writeFile(paths.settings, text)
  expect(thrown(() => writeSetting(paths, 'ports.peer', -1)).code).toBe('SETTINGS_INVALID')
  await writeFile(paths.settings, '{broken')
  expect(thrown(() => writeSetting(paths, 'ports.peer', 1)).code).toBe('SETTINGS_INVALID')
  expect(await readFile(paths.settings, 'utf8')).toBe('{broken')
})

test('an assignment takes numbers, texts, lists, null and switches', () => {
  expect(parseAssignment('transfers.uploadSlots=4')).toEqual({ transfers: { uploadSlots: 4 } })
  expect(parseAssignment('discovery.beacon=false')).toEqual({ discovery: { beacon: false } })
  expect(parseAssignment('discovery.seeds=["a:1","b:2"]')).toEqual({ discovery: { seeds: ['a:1', 'b:2'] } })
  expect(parseAssignment('cache.maxBytes=null')).toEqual({ cache: { maxBytes: null } })
  expect(parseAssignment('backgroundChannel.url=https://x.test/a=b')).toEqual({ backgroundChannel: { url: 'https://x.test/a=b' } })
  expect(parseAssignment('cache.dir=12')).toEqual({ cache: { dir: '12' } })
})

test.each(['', '=', 'ports', 'ports=1', 'ports.api', 'ports.nothing=1', 'constructor.name=x', 'ports.api=no', '__proto__.x=1'])('%j is no assignment', (text) => {
  expect(thrown(() => parseAssignment(text)).code).toBe('SETTINGS_INVALID')
})

test('any assignment either fails with SETTINGS_INVALID or gives settings that are valid', () => {
  const name = fc.oneof(fc.constantFrom(...settingNames), fc.string())
  fc.assert(
    fc.property(name, fc.oneof(fc.string(), fc.json(), fc.integer().map(String)), (key, value) => {
      try {
        mergeSettings([{ origin: 'command-line', place: 'the command line', values: parseAssignment(`${key}=${value}`) }])
      } catch (error) {
        expect(error).toMatchObject({ code: 'SETTINGS_INVALID' })
      }
    })
  )
})

test('every setting says what it is', () => {
  for (const name of settingNames) expect(describeSetting(name), name).not.toBe('')
})
