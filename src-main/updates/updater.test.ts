import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { aManifest, aRelease, packageBytes } from '../testing/release-files.ts'
import { installerFolder } from './installer-folder.ts'
import { newReleaseKey, signManifest } from './manifest.ts'
import { UpdateMemory } from './update-machine.ts'
import { Updater, type UpdaterWorld } from './updater.ts'

const ours = newReleaseKey()
const on = { enabled: true, manifestUrl: 'https://updates.example/larder/stable.json', delayHours: 24, spreadHours: 2 }
const HOUR_MS = 3600_000
let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-updater-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const doorOf = (keys: readonly string[]) => installerFolder('deb', keys, join(dir, 'spool'), join(dir, 'outcome.json'))

function setUp(changes: Partial<UpdaterWorld> = {}) {
  const clock = fakeClock()
  const now = clock.wallMs()
  const manifest = aManifest({
    issuedAt: new Date(now - HOUR_MS).toISOString(),
    expiresAt: new Date(now + 1000 * HOUR_MS).toISOString()
  })
  const told: string[] = []
  const asked: string[] = []
  let memory = UpdateMemory.parse({})
  const published = { text: signManifest(manifest, [ours.privatePem]) }
  const updater = new Updater({
    clock,
    version: '1.0.0',
    arch: 'x64',
    door: doorOf([ours.publicKey]),
    random: () => 0.5,
    memory,
    remember: async (next) => void (memory = next),
    readManifest: async () => Buffer.from(published.text),
    fetch: async (url, about) => {
      asked.push(url)
      const version = url.includes('1.1.0') ? '1.1.0' : '1.0.0'
      return {
        about,
        async *chunks() {
          yield packageBytes(version)
        }
      }
    },
    tell: (type, text, facts) => {
      const said = facts && /[^.]\.$/.test(text) ? facts.code : text
      told.push(`${type} ${said}`)
    },
    ...changes
  })
  const configure = (settings: object) => updater.configure(Settings.parse({ updates: settings }).updates)
  return { clock, updater, told, asked, published, manifest, configure, memory: () => memory }
}
const spool = () => (existsSync(join(dir, 'spool')) ? readdirSync(join(dir, 'spool')).toSorted() : [])
/** Real files are behind the fake clock. */
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

test('a release is handed over when the turn of this PC comes, with the way back', async () => {
  const { clock, updater, asked, configure, manifest, memory, told } = setUp()
  configure(on)
  updater.look()
  await until(() => updater.phase.name === 'waiting')
  expect(memory().turn).toEqual({ version: '1.1.0', atWallMs: clock.wallMs() + 25 * HOUR_MS })
  expect(told).toEqual([expect.stringMatching(/^updateFound Larder 1\.1\.0 is out/)])
  await clock.pass(24 * HOUR_MS)
  // It has looked again meanwhile.
  await until(() => updater.phase.name === 'waiting')
  expect(asked).toEqual([])
  await clock.pass(HOUR_MS + 60_000)
  await until(() => spool().includes('ready'))
  expect(asked).toEqual([
    'https://updates.example/larder/larder_1.1.0_amd64.deb',
    'https://updates.example/larder/larder_1.0.0_amd64.deb'
  ])
  expect(spool()).toEqual(
    [
      ...['1.0.0', '1.1.0'].map((version) => `${aRelease(version).packages[0]!.sha256}.deb`),
      'manifest.json',
      'ready'
    ].toSorted()
  )
  const { sha256, form } = manifest.release.packages[0]!
  expect(
    createHash('sha256')
      .update(readFileSync(join(dir, 'spool', `${sha256}.${form}`)))
      .digest('hex')
  ).toBe(sha256)
  await updater.close()
})

test('what the installer says is told once, and what was handed over goes', async () => {
  const { updater, told, configure } = setUp()
  const outcome = {
    version: '1.1.0',
    from: '1.0.0',
    result: 'rolled-back',
    why: 'its doctor says of Ports: None.',
    code: 'UPDATE_FAILED',
    at: 5,
    kept: ['1.0.0']
  }
  await writeFile(join(dir, 'outcome.json'), JSON.stringify(outcome))
  configure(on)
  await until(() => told.length === 1)
  expect(told).toEqual(['updateRolledBack UPDATE_FAILED'])
  updater.look()
  await until(() => updater.phase.name === 'idle')
  expect(told).toHaveLength(1)
  await updater.close()
})

test('an installer that does not go back wants the new package alone', async () => {
  const { clock, updater, asked, configure } = setUp({ door: { ...doorOf([ours.publicKey]), goesBack: false } })
  configure({ ...on, delayHours: 0, spreadHours: 0 })
  updater.look()
  await until(() => updater.phase.name === 'waiting')
  await clock.pass(1000)
  await until(() => spool().includes('ready'))
  expect(asked).toEqual(['https://updates.example/larder/larder_1.1.0_amd64.deb'])
  await updater.close()
})

test('what waits for a good moment is not taken for an installer that does not answer', async () => {
  let isWaiting = false
  const { clock, updater, told, configure } = setUp({
    door: { ...doorOf([ours.publicKey]), isWaiting: () => isWaiting }
  })
  configure({ ...on, delayHours: 0, spreadHours: 0 })
  updater.look()
  await until(() => updater.phase.name === 'waiting')
  await clock.pass(1000)
  await until(() => spool().includes('ready'))
  isWaiting = true
  await clock.pass(20 * HOUR_MS)
  expect([updater.phase.name, told.filter((one) => one.startsWith('updateRefused'))]).toEqual(['installing', []])
  isWaiting = false
  updater.look()
  expect(told.at(-1)).toBe('updateRefused UPDATE_PUT_OFF')
  await updater.close()
})

test.each<[string, string, () => Partial<UpdaterWorld>]>([
  ['a build without a release key', 'UPDATES_UNAVAILABLE', () => ({ door: doorOf([]) })],
  ['a manifest of another key', 'UPDATE_SIGNATURE_INVALID', () => ({ door: doorOf([newReleaseKey().publicKey]) })],
  [
    'a manifest that is cut off',
    'UPDATE_MANIFEST_INVALID',
    () => ({ readManifest: async () => Buffer.from('{"larderUpdate":1,') })
  ],
  [
    'an origin that does not answer',
    'ORIGIN_UNREACHABLE',
    () => ({ readManifest: () => Promise.reject(new LarderError('ORIGIN_UNREACHABLE', 'no')) })
  ],
  ['a newer release that runs', 'UPDATE_MANIFEST_OLDER', () => ({ version: '1.2.0' })]
])('%s is told by its code', async (_what, code, changes) => {
  const { updater, told, configure } = setUp(changes())
  configure(on)
  updater.look()
  await until(() => told.length > 0)
  expect(told).toEqual([`updateRefused ${code}`])
  expect(updater.phase.name).toBe('idle')
  await updater.close()
})

test('turned off it looks for nothing, and forgets what it waits for', async () => {
  const { clock, updater, told, configure } = setUp()
  configure({ enabled: false })
  updater.look()
  await clock.pass(48 * HOUR_MS)
  expect(told).toEqual([])
  configure(on)
  updater.look()
  await until(() => updater.phase.name === 'waiting')
  configure({ enabled: false })
  expect(updater.phase.name).toBe('idle')
  await updater.close()
})

test('it is watched for what the installer says only while updates are on', async () => {
  let watchers = 0
  const door = {
    ...doorOf([ours.publicKey]),
    watch() {
      watchers++
      return () => void watchers--
    }
  }
  const { updater, configure } = setUp({ door })
  const seen = [{ enabled: false }, on, { ...on, delayHours: 1 }, { enabled: false }, on].map((settings) => {
    configure(settings)
    return watchers
  })
  expect(seen).toEqual([0, 1, 1, 0, 1])
  await updater.close()
  expect(watchers).toBe(0)
})
