import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { dataPaths, type DataPaths } from '../lib/data-paths.ts'
import { commandLineValues, parseAssignment, parseValue } from './assignment.ts'
import { describeProblem, loadSettings, requireUsable } from './load-settings.ts'
import { parsePolicy } from './policy-file.ts'
import { factsAbout, settingNames, type SettingName } from './setting-facts.ts'
import { diskFiles } from './settings-files.ts'
import { parseUserSettings } from './user-file.ts'

let paths: DataPaths
let policyFile: string
beforeEach(async () => {
  paths = dataPaths(await mkdtemp(join(tmpdir(), 'larder-settings-')))
  policyFile = join(paths.root, 'policy.json')
})
afterEach(() => rm(paths.root, { recursive: true, maxRetries: 10, retryDelay: 20 }))

const load = (commandLine: SettingsInput = {}) =>
  loadSettings(diskFiles(paths, policyFile), commandLineValues(commandLine))
const user = (text: string | object) =>
  writeFile(paths.settings, typeof text === 'string' ? text : JSON.stringify(text))
const policy = (text: string | object) => writeFile(policyFile, typeof text === 'string' ? text : JSON.stringify(text))
const of = (name: SettingName, commandLine?: SettingsInput) => load(commandLine).of.get(name)!

test('without files and options everything is as it is built in, and reading makes nothing', async () => {
  const { settings, of: all, problems } = load()
  expect(settings).toEqual(Settings.parse({}))
  expect(new Set([...all.values()].map(({ source }) => source))).toEqual(new Set(['default']))
  expect([...all.keys()]).toEqual(settingNames)
  expect(problems).toEqual([])
  expect(await readdir(paths.root)).toEqual([])
})

describe('who rules', () => {
  test('default < recommended < user < policy < command line < locked, each named with its place', async () => {
    const slots = (uploadSlots: number) => ({ transfers: { uploadSlots } })
    const now = (commandLine?: SettingsInput) => {
      const { value, strength, source, managed, place } = of('transfers.uploadSlots', commandLine)
      return [value, strength, source, managed, place]
    }
    await policy({ recommended: slots(2) })
    expect(now()).toEqual([2, 'recommended', 'policy', false, policyFile])
    await user(slots(3))
    expect(now()).toEqual([3, 'file', 'file', false, paths.settings])
    await policy({ recommended: slots(2), settings: slots(4) })
    expect(now()).toEqual([4, 'policy', 'policy', true, policyFile])
    expect(now(slots(5))).toEqual([5, 'command-line', 'command-line', true, 'the command line'])
    await policy({ recommended: slots(2), settings: slots(4), locked: ['transfers.uploadSlots'] })
    expect(now(slots(5))).toEqual([4, 'locked', 'policy', true, policyFile])
    expect(of('transfers.uploadSlots', slots(5)).candidates.map(({ value }) => value)).toEqual([8, 2, 3, 4, 5, 4])
  })

  test('a lock without a value locks what is recommended, else the default; patterns name many', async () => {
    await user({ cache: { minFreeBytes: 1 }, integration: { enabled: false }, ports: { api: 9 } })
    await policy({ recommended: { cache: { minFreeBytes: 7 } }, locked: ['cache.*', 'integration.enabled'] })
    const { settings } = load({ cache: { minFreeBytes: 2 } })
    expect([settings.cache.minFreeBytes, settings.integration.enabled, settings.ports.api]).toEqual([7, true, 9])
    await policy({ locked: ['*'] })
    expect(load({ ports: { api: 8 } }).settings).toEqual(Settings.parse({}))
  })

  test('for any set of places the strongest one counts', () => {
    const place = fc.option(fc.integer({ min: 1, max: 64 }))
    fc.assert(
      fc.property(place, place, place, place, fc.boolean(), (recommended, file, mandatory, commandLine, locked) => {
        const section = (uploadSlots: number | null) => (uploadSlots === null ? {} : { transfers: { uploadSlots } })
        const texts = {
          user: JSON.stringify(section(file)),
          policy: JSON.stringify({
            recommended: section(recommended),
            settings: section(mandatory),
            locked: locked ? ['transfers.*'] : []
          })
        }
        const files = {
          ...diskFiles(paths),
          read: (which: 'user' | 'policy') => ({ text: texts[which], modifiedMs: 1 })
        }
        const { value } = loadSettings(files, commandLineValues(section(commandLine))).of.get('transfers.uploadSlots')!
        expect(value).toBe(
          locked ? (mandatory ?? recommended ?? 8) : (commandLine ?? mandatory ?? file ?? recommended ?? 8)
        )
      })
    )
  })
})

describe('a file that cannot be used is told with line, column and reason, and left as it is', () => {
  test.each([
    ['{"ports": {"api": 1,}}', 1, 21, '', /JSON/],
    ['{\n  "ports"', 2, 10, '', /JSON/],
    ['{\n  "ports": {\n    "api": 1\n    "peer": 2\n  }\n}', 4, 5, '', /comma expected/],
    ['[]', 1, 1, '', /object/],
    ['null', 1, 1, '', /object/],
    ['"text"', 1, 1, '', /object/],
    ['{"ports": 5}', 1, 11, 'ports', /section/],
    ['{\n  // the port\n  "ports": { "api": "many" }\n}', 3, 21, 'ports.api', /number/],
    ['{"ports": {"api": 99999}}', 1, 19, 'ports.api', /65535/],
    ['{"discovery": {"seeds": ["a:1", 7]}}', 1, 33, 'discovery.seeds', /string/],
    ['{"ports": {}, "ports": {"api": 1}}', 1, 15, '', /twice/],
    ['{"fleet": {"siteKey": "guessed"}}', 1, 23, 'fleet.siteKey', /larder fleet key new/]
  ])('%j', async (text, line, column, setting, reason) => {
    await user(text)
    const loaded = load()
    expect(loaded.problems).toEqual([
      { place: paths.settings, line, column, setting, reason: expect.stringMatching(reason), inForce: 'nothing' }
    ])
    expect(describeProblem(loaded.problems[0]!)).toContain(`${paths.settings}, line ${line}, column ${column}: `)
    expect(loaded.settings).toEqual(Settings.parse({}))
    expect(() => requireUsable(loaded)).toThrow(
      expect.objectContaining({
        code: 'SETTINGS_INVALID',
        details: expect.objectContaining({ place: paths.settings, line, column, setting })
      })
    )
    expect(await readFile(paths.settings, 'utf8')).toBe(text)
    expect(await readdir(paths.root)).toEqual(['settings.json'])
  })

  test.each([
    ['{\n  "locked": "all"\n}', 2, 13, 'locked', /array/],
    ['{"settings": {"cache": {"maxBytes": 5}}}', 1, 37, 'cache.maxBytes', />=1048576|1048576/],
    ['{"by": 5}', 1, 8, 'by', /string/]
  ])('policy %j', async (text, line, column, setting, reason) => {
    await policy(text)
    expect(load().problems).toEqual([
      { place: policyFile, line, column, setting, reason: expect.stringMatching(reason), inForce: 'nothing' }
    ])
  })

  test('one of two megabytes', async () => {
    await user(`{"x": "${'y'.repeat(2 << 20)}"}`)
    expect(load().problems).toMatchObject([{ reason: expect.stringContaining('1048576'), inForce: 'nothing' }])
  })

  test('one that is a folder', async () => {
    await mkdir(paths.settings)
    expect(load().problems).toMatchObject([{ reason: expect.stringContaining('EISDIR'), inForce: 'nothing' }])
  })

  test('one that may not be read', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read everything')
    await user('{}')
    await chmod(paths.settings, 0)
    expect(load().problems).toMatchObject([{ reason: expect.stringContaining('EACCES') }])
  })

  test('and what it said when it was good stays in force where that is known', async () => {
    const files = diskFiles(paths, policyFile)
    await files.keepGood('user', JSON.stringify({ ports: { api: 7 } }))
    await files.keepGood('policy', JSON.stringify({ settings: { ports: { peer: 8 } } }))
    await user('{broken')
    await policy('{broken')
    const loaded = load()
    expect(loaded.settings.ports).toMatchObject({ api: 7, peer: 8 })
    expect(loaded.problems.map(({ inForce }) => inForce)).toEqual(['last-good', 'last-good'])
    expect(() => requireUsable(loaded)).not.toThrow()
  })
})

test('a name this release does not know is told and left out, the rest counts', async () => {
  await user({ transfers: { uplodSlots: 3, uploadSlots: 4 }, colour: { of: 'sky' } })
  await policy({ settings: { ports: { later: 1 } }, locked: ['ports.never'], colour: 1 })
  const { settings, problems } = load()
  expect(settings.transfers.uploadSlots).toBe(4)
  expect(problems.map(({ setting, place, inForce }) => [setting, place, inForce])).toEqual([
    ['transfers.uplodSlots', paths.settings, 'partly'],
    ['colour.of', paths.settings, 'partly'],
    ['ports.later', policyFile, 'partly'],
    ['colour', policyFile, 'partly'],
    ['ports.never', policyFile, 'partly']
  ])
})

test('names that mean something to the language mean nothing to settings', async () => {
  await user('{"__proto__": {"polluted": 1}, "constructor": {"x": 1}, "ports": {"__proto__": 5}}')
  expect(load().settings).toEqual(Settings.parse({}))
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('a byte order mark, comments and an empty file are read', async () => {
  await user('\uFEFF{ /* ours */ "ports": {"api": 7} // seven\n}')
  expect(load().settings.ports.api).toBe(7)
  await user('')
  expect(load().settings.ports.api).toBe(4725)
})

test('any text is either read or refused with a place in it', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .constantFrom('{"a":', '{"ports":{"api":1}}', '/* */', '{}{}', '{"a":1 "b":2}')
      .chain((text) => fc.nat(text.length).map((at) => text.slice(0, at)))
  )
  fc.assert(
    fc.property(texts, texts, (userText, policyText) => {
      const files = {
        ...diskFiles(paths),
        readGood: () => undefined,
        read: (which: 'user' | 'policy') => ({ text: which === 'user' ? userText : policyText, modifiedMs: 1 })
      }
      for (const { line, column, reason } of loadSettings(files).problems) {
        expect(reason).not.toBe('')
        if (line !== null) expect(line >= 1 && column! >= 1).toBe(true)
      }
    })
  )
})

describe('on the command line', () => {
  test('an assignment takes numbers, texts, lists, null and switches', () => {
    expect(parseAssignment('transfers.uploadSlots=4')).toEqual({ transfers: { uploadSlots: 4 } })
    expect(parseAssignment('discovery.beacon=false')).toEqual({ discovery: { beacon: false } })
    expect(parseAssignment('discovery.seeds=["a:1","b:2"]')).toEqual({ discovery: { seeds: ['a:1', 'b:2'] } })
    expect(parseAssignment('cache.maxBytes=null')).toEqual({ cache: { maxBytes: null } })
    expect(parseAssignment('backgroundChannel.url=https://x.test/a')).toEqual({
      backgroundChannel: { url: 'https://x.test/a' }
    })
    expect(parseAssignment('cache.dir=12')).toEqual({ cache: { dir: '12' } })
  })

  test.each([
    '',
    '=',
    'ports',
    'ports=1',
    'ports.api',
    'ports.nothing=1',
    'constructor.name=x',
    'ports.api=no',
    '__proto__.x=1'
  ])('%j is no assignment', (text) => {
    expect(() => parseAssignment(text)).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }))
  })

  test('a wrong value names the setting, the place and what may be given', () => {
    expect(() => load({ election: { weight: 100 } })).toThrow(
      expect.objectContaining({
        code: 'SETTINGS_INVALID',
        details: expect.objectContaining({ setting: 'election.weight', place: 'the command line' })
      })
    )
    expect(() => parseValue('ports.api', 'many')).toThrow(/a whole number from 0 to 65535/)
  })

  test('any assignment either fails with SETTINGS_INVALID or gives a value that fits', () => {
    const name = fc.oneof(fc.constantFrom(...settingNames), fc.string())
    fc.assert(
      fc.property(name, fc.oneof(fc.string(), fc.json(), fc.integer().map(String)), (key, value) => {
        try {
          for (const [set, given] of commandLineValues(parseAssignment(`${key}=${value}`)))
            expect(factsAbout(set).schema.safeParse(given).success).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'SETTINGS_INVALID' })
        }
      })
    )
  })
})

test('every setting says what it is and what may be given', () => {
  for (const name of settingNames) {
    const { description, accepts, defaultValue, schema } = factsAbout(name)
    expect(description, name).toMatch(/.{10,}/)
    expect(accepts, name).not.toBe('')
    expect(schema.safeParse(defaultValue).success, name).toBe(true)
  }
  expect(factsAbout('integration.defaultStaggerRangeSeconds').accepts).toBe('number from 0 to 86400 (seconds)')
  expect(factsAbout('cache.maxBytes').accepts).toBe('whole number from 1048576 (bytes), or null')
  expect(factsAbout('fleet.siteKey').secret).toBe(true)
})

test('a file of a hundred thousand levels is refused with its place, not followed down', () => {
  const deep = (open: string, close: string) => open.repeat(100_000) + close.repeat(100_000)
  for (const text of [
    deep('[', ']'),
    `{"cache": ${deep('[', ']')}}`,
    `{"a": ${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    '['.repeat(200_000)
  ])
    for (const parse of [parseUserSettings, parsePolicy]) {
      const parsed = parse(text)
      expect(parsed).toMatchObject({ ok: false, problem: { line: 1, reason: 'it has more than 64 levels' } })
    }
})
