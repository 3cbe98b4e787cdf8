import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SettingsProblem } from '../contract/setting-details.ts'
import type { SettingsInput } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths, type DataPaths } from '../lib/data-paths.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { commandLineValues } from './assignment.ts'
import { LiveSettings } from './live-settings.ts'
import type { SettingName } from './setting-facts.ts'
import { diskFiles } from './settings-files.ts'
import { editUserSettings, parseUserSettings } from './user-file.ts'

const clock = fakeClock()
let dir: string
let paths: DataPaths
let policyFile: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-live-'))
  paths = dataPaths(join(dir, 'data'))
  await mkdir(paths.root)
  policyFile = join(dir, 'policy.json')
})
// The last good version may still be on its way to the disk.
afterEach(() => rm(dir, { recursive: true, maxRetries: 10, retryDelay: 20 }))

const open = (commandLine: SettingsInput = {}) =>
  new LiveSettings({ files: diskFiles(paths, policyFile), commandLine: commandLineValues(commandLine), clock })
const userFile = async () => JSON.parse(await readFile(paths.settings, 'utf8')) as Record<string, unknown>
const policy = (text: object) => writeFile(policyFile, JSON.stringify(text))
const me = { by: 'ann', reason: 'a try' }

describe('changing a setting', () => {
  test('keeps it with who, when and why', async () => {
    const settings = open()
    expect(await settings.set('cache.minFreeBytes', 5, me)).toMatchObject({
      value: 5,
      source: 'file',
      place: paths.settings,
      author: { by: 'ann', at: clock.wallMs(), reason: 'a try' }
    })
    expect(await userFile()).toEqual({
      cache: { minFreeBytes: 5 },
      notes: {
        'cache.minFreeBytes': { value: 5, by: 'ann', at: new Date(clock.wallMs()).toISOString(), reason: 'a try' }
      }
    })
    expect(open().get('cache.minFreeBytes')).toMatchObject({ value: 5, author: { by: 'ann' } })
    expect(await settings.unset('cache.minFreeBytes', me)).toMatchObject({
      value: 2 * 1024 ** 3,
      source: 'default',
      author: null
    })
    expect((await userFile())['notes']).toEqual({})
  })

  test('by hand takes the note’s word away: it was about another value', async () => {
    const settings = open()
    await settings.set('ports.api', 5, me)
    await writeFile(paths.settings, (await readFile(paths.settings, 'utf8')).replace('"api": 5', '"api": 6'))
    settings.reload()
    expect(settings.get('ports.api')).toMatchObject({
      value: 6,
      author: { by: `settings file ${paths.settings}`, reason: null }
    })
  })

  test('leaves comments and unknown names in the file alone', async () => {
    await writeFile(paths.settings, '{\n  // ports of the lab\n  "ports": { "api": 5 },\n  "later": { "x": 1 }\n}\n')
    await open().set('ports.peer', 6, me)
    const text = await readFile(paths.settings, 'utf8')
    expect(text).toMatch(/^\{\n {2}\/\/ ports of the lab\n {2}"ports": \{/)
    expect(text).toMatch(/"later": \{\s*"x": 1\s*\}/)
    expect(open().current.ports).toMatchObject({ api: 5, peer: 6 })
  })

  test('that does not exist or does not fit, or in a broken file, writes nothing', async () => {
    await writeFile(paths.settings, '{"ports": {"api": 5}}')
    const settings = open()
    await expect(settings.set('ports.none', 1, me)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(settings.set('ports.peer', -1, me)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      details: { setting: 'ports.peer' }
    })
    await writeFile(paths.settings, '{broken')
    await expect(settings.set('ports.peer', 1, me)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      details: { line: 1, column: 2 }
    })
    expect(await readFile(paths.settings, 'utf8')).toBe('{broken')
  })

  test('that is a secret leaves it in one place only, and shows it nowhere', async () => {
    const siteKey = `larder-site-${'A'.repeat(43)}`
    const settings = open()
    await settings.set('fleet.siteKey', siteKey, me)
    expect(JSON.stringify(settings.list())).not.toContain(siteKey)
    expect((await readFile(paths.settings, 'utf8')).split(siteKey)).toHaveLength(2)
    if (process.platform !== 'win32') expect((await stat(paths.settings)).mode & 0o077).toBe(0)
  })

  test('several at the same time are all kept', async () => {
    const settings = open()
    await Promise.all([
      settings.set('ports.api', 1, me),
      settings.set('ports.peer', 2, me),
      settings.set('ports.beacon', 3, me)
    ])
    expect((await userFile())['ports']).toEqual({ api: 1, peer: 2, beacon: 3 })
  })

  test('through a link writes what it points to', async ({ skip }) => {
    skip(process.platform === 'win32', 'links need rights there')
    await writeFile(join(dir, 'kept-elsewhere.json'), '{}')
    await symlink(join(dir, 'kept-elsewhere.json'), paths.settings)
    await open().set('ports.api', 9, me)
    expect(await readFile(join(dir, 'kept-elsewhere.json'), 'utf8')).toContain('"api": 9')
  })

  test('of the policy or of the command line is refused, and says who set it', async () => {
    await policy({ by: 'IT desk', reason: 'pilot', settings: { integration: { enabled: false } } })
    await expect(open().set('integration.enabled', true, me)).rejects.toMatchObject({
      code: 'SETTING_MANAGED',
      message: expect.stringMatching(/IT desk \(pilot\)/),
      details: { by: 'IT desk', place: policyFile }
    })
    await expect(open({ ports: { api: 0 } }).set('ports.api', 1, me)).rejects.toMatchObject({ code: 'SETTING_MANAGED' })
    await expect(readFile(paths.settings)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a running agent', () => {
  test('goes by a change at once where the setting allows it, and from the next start on where not', async () => {
    const settings = open()
    const heard: SettingName[][] = []
    settings.on('changed', (names) => heard.push([...names]))
    await writeFile(paths.settings, JSON.stringify({ transfers: { stallMs: 7000, uploadSlots: 2 } }))
    settings.reload()
    expect(settings.current.transfers).toMatchObject({ stallMs: 7000, uploadSlots: 8 })
    expect([settings.get('transfers.stallMs').pending, settings.get('transfers.uploadSlots').pending]).toEqual([
      false,
      true
    ])
    expect(heard).toEqual([['transfers.uploadSlots', 'transfers.stallMs']])
    settings.reload()
    expect(heard).toHaveLength(1)
    settings.begin()
    expect(settings.current.transfers.uploadSlots).toBe(2)
    expect(settings.get('transfers.uploadSlots').pending).toBe(false)
  })

  test('tells what is wrong with a file, keeps what was in force, and tells when it is right again', async () => {
    await writeFile(paths.settings, '{"transfers": {"stallMs": 7000}}')
    const settings = open()
    const heard: SettingsProblem[][] = []
    settings.on('problems', (problems) => heard.push(problems))
    await writeFile(paths.settings, '{"transfers": {"stallMs": }}')
    settings.reload()
    expect(settings.current.transfers.stallMs).toBe(7000)
    expect(heard).toEqual([
      [
        {
          place: paths.settings,
          line: 1,
          column: 27,
          setting: '',
          reason: expect.stringContaining('value expected'),
          inForce: 'last-good'
        }
      ]
    ])
    await writeFile(paths.settings, '{"transfers": {"stallMs": 9000}}')
    settings.reload()
    expect([settings.current.transfers.stallMs, heard.at(-1)]).toEqual([9000, []])
  })

  test('that is started again on a broken file goes by its last good version', async () => {
    await writeFile(paths.settings, '{"transfers": {"stallMs": 7000}}')
    open().watch()()
    await expect.poll(() => readFile(paths.goodSettings, 'utf8').catch(() => '')).toContain('7000')
    await writeFile(paths.settings, '{"transfers": ')
    expect(open().current.transfers.stallMs).toBe(7000)
    expect(await readFile(paths.settings, 'utf8')).toBe('{"transfers": ')
  })

  test('does not start on a broken file of which no good version is known', async () => {
    await writeFile(policyFile, '{"settings": []}')
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID', details: expect.objectContaining({ place: policyFile }) })
    )
    expect(await readdir(paths.root)).toEqual([])
  })

  test('sees files that change, appear and go, once they are at rest', async () => {
    const settings = new LiveSettings({ files: diskFiles(paths, policyFile), clock: systemClock })
    const end = settings.watch()
    try {
      await writeFile(paths.settings, '{"log": {"level": "warn"}}')
      await expect.poll(() => settings.current.log.level, { timeout: 15_000 }).toBe('warn')
      await policy({ settings: { log: { level: 'error' } } })
      await expect.poll(() => settings.current.log.level, { timeout: 15_000 }).toBe('error')
      await rm(policyFile)
      await expect.poll(() => settings.current.log.level, { timeout: 15_000 }).toBe('warn')
    } finally {
      end()
    }
  })
})

describe('the integration', () => {
  test('is on by default, and a switch says who, when and why', async () => {
    const settings = open()
    expect(settings.integration).toEqual({
      enabled: true,
      by: 'default',
      since: clock.wallMs(),
      reason: null,
      managedBy: null
    })
    await settings.set('integration.enabled', false, me)
    expect(settings.integration).toEqual({
      enabled: false,
      by: 'ann',
      since: clock.wallMs(),
      reason: 'a try',
      managedBy: null
    })
    expect(open().integration).toEqual(settings.integration)
  })

  test('off by recommendation may be switched on; off by policy may not, and names who decided it', async () => {
    await policy({ by: 'IT desk', reason: 'pilot', recommended: { integration: { enabled: false } } })
    await utimes(policyFile, 1000, 1000)
    expect(open().integration).toEqual({
      enabled: false,
      by: 'IT desk',
      since: 1_000_000,
      reason: 'pilot',
      managedBy: null
    })
    const settings = open()
    await settings.set('integration.enabled', true, me)
    expect(settings.integration).toMatchObject({ enabled: true, by: 'ann' })
    await policy({ recommended: { integration: { enabled: false } }, locked: ['integration.enabled'] })
    settings.reload()
    expect(settings.integration).toMatchObject({ enabled: false, managedBy: `policy file ${policyFile}` })
  })
})

test('any edit changes that one setting only, and can be read again', () => {
  const edits = fc.array(
    fc.tuple(
      fc.constantFrom<SettingName>('ports.api', 'ports.peer', 'integration.enabled', 'cache.dir'),
      fc.boolean(),
      fc.string()
    ),
    { maxLength: 12 }
  )
  const valueFor = (name: SettingName, flag: boolean, text: string) =>
    name === 'integration.enabled' ? flag : name === 'cache.dir' ? text : text.length
  fc.assert(
    fc.property(edits, (all) => {
      let text = ''
      const expected = new Map<SettingName, unknown>()
      for (const [name, flag, value] of all) {
        const next = flag && value === '' ? undefined : valueFor(name, flag, value)
        text = editUserSettings(text, name, next, { by: value, at: 0, reason: null })
        if (next === undefined) expected.delete(name)
        else expected.set(name, next)
      }
      const parsed = parseUserSettings(text)
      expect(parsed.ok && Object.fromEntries(parsed.value.values)).toEqual(Object.fromEntries(expected))
      expect(parsed.ok && [...parsed.value.authors.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
    })
  )
})
