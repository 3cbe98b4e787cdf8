import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LarderError } from '../lib/errors.ts'
import { aDayMs, aManifest, aRelease, packageBytes } from '../testing/release-files.ts'
import { applyUpdate, refuseUpdate } from './apply-update.ts'
import { handedOver } from './installer-folder.ts'
import type { InstallerWorld } from './installer-world.ts'
import type { Health } from './judge-health.ts'
import { newReleaseKey, signManifest, type Manifest } from './manifest.ts'

const [ours, other] = [newReleaseKey(), newReleaseKey()]
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-update-'))
  mkdirSync(join(dir, 'spool'))
  put(aManifest())
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const fail = (id: string) => ({ id, title: id, seen: 'it does not work', verdict: 'fail' as const })

/** What the agent hands over. */
function put(manifest: Manifest, pem = ours.privatePem): void {
  writeFileSync(join(dir, 'spool', handedOver.manifest), signManifest(manifest, [pem]))
  for (const version of ['1.0.0', '1.1.0', '1.2.0'])
    writeFileSync(join(dir, 'spool', handedOver.package(aRelease(version).packages[0]!)), packageBytes(version))
}

/** A PC whose package manager takes every file, and whose health is that of the release it has. */
function pc(health: Record<string, Health | null> = {}, version = '1.0.0') {
  const installed: string[] = []
  let now = version
  const look = async (): Promise<Health | null> => (now in health ? health[now]! : { version: now, checks: [] })
  const world: InstallerWorld = {
    spool: join(dir, 'spool'),
    home: join(dir, 'home'),
    keys: [ours.publicKey],
    version,
    form: 'deb',
    arch: 'x64',
    channel: 'stable',
    wallMs: () => aDayMs,
    install: async (file) => {
      now = readFileSync(file, 'utf8').replace('package of ', '')
      installed.push(now)
    },
    installed: async () => ({ version: now, whole: true }),
    health: look,
    healthWhen: look,
    wait: async () => {},
    note: () => {}
  }
  return { world, installed, version: () => now }
}
const kept = () => readdirSync(join(dir, 'home', 'kept'))
const told = () => JSON.parse(readFileSync(join(dir, 'home', 'outcome.json'), 'utf8')) as unknown

test('a release that does what the one before did stays, and its package is kept', async () => {
  const one = pc()
  const outcome = await applyUpdate(one.world)
  expect(outcome).toMatchObject({ version: '1.1.0', from: '1.0.0', result: 'installed', kept: ['1.1.0'] })
  expect([one.installed, kept(), told()]).toEqual([['1.1.0'], ['1.1.0.deb'], outcome])
})

test.each([
  ['whose agent does not answer', null, 'does not answer'],
  ['whose doctor finds something new', { version: '1.1.0', checks: [fail('ports')] }, 'its doctor says of ports'],
  ['that is not the one that runs', { version: '1.0.0', checks: [] }, 'the agent that answers is 1.0.0']
])('a release %s is taken back and not tried again', async (_what, health, why) => {
  const one = pc({ '1.1.0': health })
  const outcome = await applyUpdate(one.world)
  expect(outcome).toMatchObject({
    result: 'rolled-back',
    code: 'UPDATE_FAILED',
    why: expect.stringContaining(why) as string
  })
  expect([one.installed, one.version(), kept()]).toEqual([['1.1.0', '1.0.0'], '1.0.0', ['1.0.0.deb']])
  const again = await applyUpdate(one.world)
  expect([again.result, one.installed]).toEqual(['refused', ['1.1.0', '1.0.0']])
  put(aManifest({ release: aRelease('1.2.0'), former: [], issuedAt: '2026-06-02T00:00:00.000Z' }))
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'installed', version: '1.2.0' })
})

test('what failed before is not held against the release', async () => {
  const one = pc({
    '1.0.0': { version: '1.0.0', checks: [fail('firewall')] },
    '1.1.0': { version: '1.1.0', checks: [fail('firewall')] }
  })
  expect((await applyUpdate(one.world)).result).toBe('installed')
})

test('a package manager that refuses and leaves it half done is a way back, too', async () => {
  const one = pc()
  const { install, installed } = one.world
  let half = false
  const refusing = {
    ...one.world,
    install(file: string) {
      half = file.includes('new')
      return half ? Promise.reject(new Error('half installed')) : install(file)
    },
    installed: async () => (half ? { version: '1.1.0', whole: false } : installed())
  }
  expect(await applyUpdate(refusing)).toMatchObject({
    result: 'rolled-back',
    why: expect.stringContaining('half installed') as string
  })
  expect(one.installed).toEqual(['1.0.0'])
})

test('a refusal that changed nothing, as while another installation runs, is not held against the release', async () => {
  const one = pc()
  const locked = { ...one.world, install: () => Promise.reject(new Error('dpkg frontend lock is held')) }
  expect(await applyUpdate(locked)).toMatchObject({
    version: '1.1.0',
    result: 'refused',
    code: 'UPDATE_PUT_OFF',
    why: expect.stringContaining('lock is held') as string
  })
  expect([one.installed, told()]).toMatchObject([[], { result: 'refused' }])
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'installed', version: '1.1.0' })
})

test('a refusal that changed nothing is not held against the release where no agent answered before either', async () => {
  const health: Record<string, Health | null> = { '1.0.0': null }
  const one = pc(health)
  const locked = { ...one.world, install: () => Promise.reject(new Error('dpkg frontend lock is held')) }
  expect(await applyUpdate(locked)).toMatchObject({ result: 'refused', code: 'UPDATE_PUT_OFF' })
  delete health['1.0.0']
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'installed', version: '1.1.0' })
})

test('a refusal after which the agent is gone is a way back', async () => {
  const health: Record<string, Health | null> = {}
  const one = pc(health)
  const { install } = one.world
  const harmful = {
    ...one.world,
    async install(file: string) {
      if (!file.includes('new')) return install(file).then(() => void delete health['1.0.0'])
      health['1.0.0'] = null
      throw new Error('its first script failed')
    }
  }
  expect(await applyUpdate(harmful)).toMatchObject({ result: 'rolled-back', code: 'UPDATE_FAILED' })
  expect(one.installed).toEqual(['1.0.0'])
})

test.each([
  ['damaged', () => writeFileSync(join(dir, 'home', 'memory.json'), '{"failed":')],
  ['of another form', () => writeFileSync(join(dir, 'home', 'memory.json'), '{"failed":"1.1.0"}')],
  ['unreadable', () => mkdirSync(join(dir, 'home', 'memory.json'))]
])('a memory that is %s is no empty one: nothing is installed', async (_what, spoil) => {
  mkdirSync(join(dir, 'home'))
  spoil()
  const one = pc()
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'refused', code: 'UPDATE_PUT_OFF' })
  expect(one.installed).toEqual([])
})

test('a refusal before anything is looked at is told as an outcome', async () => {
  const outcome = await refuseUpdate(pc().world, new LarderError('UPDATES_UNAVAILABLE', 'updates.enabled is off'))
  expect(outcome).toMatchObject({ from: '1.0.0', result: 'refused', code: 'UPDATES_UNAVAILABLE', at: aDayMs })
  expect(told()).toEqual(outcome)
})

const package11 = () => join(dir, 'spool', handedOver.package(aRelease('1.1.0').packages[0]!))

test.each<[string, string, () => void]>([
  ['an older manifest', 'UPDATE_MANIFEST_OLDER', () => put(aManifest({ release: aRelease('0.9.0') }))],
  ['one of another key', 'UPDATE_SIGNATURE_INVALID', () => put(aManifest(), other.privatePem)],
  [
    'one that is cut off',
    'UPDATE_MANIFEST_INVALID',
    () => writeFileSync(join(dir, 'spool', 'manifest.json'), signManifest(aManifest(), [ours.privatePem]).slice(0, 200))
  ],
  ['none', 'UPDATE_MANIFEST_INVALID', () => rmSync(join(dir, 'spool', 'manifest.json'))],
  [
    'a link instead of one',
    'UPDATE_MANIFEST_INVALID',
    () => {
      rmSync(join(dir, 'spool', 'manifest.json'))
      symlinkSync('/etc/passwd', join(dir, 'spool', 'manifest.json'))
    }
  ],
  [
    'one that is out of date',
    'UPDATE_MANIFEST_EXPIRED',
    () => put(aManifest({ expiresAt: '2026-06-02T00:00:00.000Z' }))
  ],
  ['another package under the name', 'UPDATE_PACKAGE_INVALID', () => writeFileSync(package11(), packageBytes('9.9.9'))],
  ['a shorter package', 'UPDATE_PACKAGE_INVALID', () => writeFileSync(package11(), 'package')],
  [
    'a longer package',
    'UPDATE_PACKAGE_INVALID',
    () => writeFileSync(package11(), `${packageBytes('1.1.0').toString()}!`)
  ],
  ['no package', 'UPDATE_PACKAGE_INVALID', () => rmSync(package11())],
  [
    'a link instead of the package',
    'UPDATE_PACKAGE_INVALID',
    () => {
      writeFileSync(join(dir, 'elsewhere'), packageBytes('1.1.0'))
      rmSync(package11())
      symlinkSync(join(dir, 'elsewhere'), package11())
    }
  ]
])('%s: refused, nothing is installed', async (_what, code, spoil) => {
  spoil()
  const one = pc()
  expect(await applyUpdate(one.world)).toMatchObject({ result: 'refused', code })
  expect([one.installed, kept(), existsSync(join(dir, 'home', 'work'))]).toEqual([[], [], false])
})

test('a manifest that was replaced by an older one after a newer was installed is refused, whatever the agent forgot', async () => {
  put(aManifest({ release: aRelease('1.2.0') }))
  expect((await applyUpdate(pc().world)).result).toBe('installed')
  put(aManifest())
  expect(await applyUpdate(pc({}, '1.0.0').world)).toMatchObject({ result: 'refused', code: 'UPDATE_MANIFEST_OLDER' })
})
