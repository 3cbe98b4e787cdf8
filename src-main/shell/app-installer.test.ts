import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { aDayMs, aManifest, aRelease } from '../testing/release-files.ts'
import { newReleaseKey, signManifest } from '../updates/manifest.ts'
import type { FetchedPackage } from '../updates/updater.ts'
import type { AppInstaller, AppInstallerWorld } from './app-installer.ts'
import type { AppForm } from './app-update-plan.ts'

const key = newReleaseKey()
let dir: string
let Installer: typeof AppInstaller
beforeAll(async () => {
  // electron-updater loads `electron`, which answers a path then and looks for no binary.
  vi.stubEnv('ELECTRON_OVERRIDE_DIST_PATH', tmpdir())
  // It only looks whether there is one.
  vi.stubEnv('APPIMAGE', '/nowhere')
  ;({ AppInstaller: Installer } = await import('./app-installer.ts'))
})
afterAll(() => void vi.unstubAllEnvs())
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-app-update-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))

const manifest = Buffer.from(signManifest(aManifest(), [key.privatePem]))
const said = () => join(dir, 'said')
const program = (name: string) => `#!/bin/sh\necho "${name} $*" > '${said()}.part' && mv '${said()}.part' '${said()}'\n`

function open(form: AppForm, changes: Partial<AppInstallerWorld> = {}) {
  const file = join(dir, 'Larder-1.0.0.AppImage')
  writeFileSync(file, 'before')
  const installer = new Installer({
    form,
    home: join(dir, 'home'),
    version: '1.0.0',
    keys: [key.publicKey],
    appImage: file,
    wallMs: () => aDayMs,
    log: () => {},
    ...changes
  })
  return { installer, file }
}

function aPackage(form: AppForm, bytes = program('new'), sent = bytes): FetchedPackage {
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256Hex
  const about = aRelease('1.1.0', { form, sizeBytes: Buffer.byteLength(bytes), sha256 }).packages[0]!
  return {
    about,
    async *chunks() {
      yield Buffer.from(sent)
    }
  }
}

test.skipIf(process.platform === 'win32')('an AppImage is replaced under the name it has', async () => {
  const { installer, file } = open('appimage')
  await installer.handOver(manifest, [aPackage('appimage')])
  expect([installer.isWaiting(), readFileSync(file, 'utf8')]).toEqual([true, 'before'])
  expect(await installer.outcome()).toBeNull()
  installer.install(false)
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o111]).toEqual([program('new'), 0o111])
  expect(existsSync(said())).toBe(false)
  expect(await open('appimage', { version: '1.1.0' }).installer.outcome()).toMatchObject({ result: 'installed' })
  expect(await open('appimage').installer.outcome()).toMatchObject({ result: 'rolled-back', code: 'UPDATE_FAILED' })
})

test.skipIf(process.platform === 'win32').each([
  [true, 'new --updated /S --force-run\n'],
  [false, 'new --updated /S\n']
])('the installer of Windows is started silently; to start the application (%s)', async (restart, words) => {
  const { installer } = open('nsis')
  await installer.handOver(manifest, [aPackage('nsis')])
  installer.install(restart)
  await vi.waitUntil(() => existsSync(said()), { timeout: 10_000 })
  expect(readFileSync(said(), 'utf8')).toBe(words)
})

test('bytes with another digest are not staged', async () => {
  const { installer, file } = open('appimage')
  await expect(installer.handOver(manifest, [aPackage('appimage', 'good', 'evil')])).rejects.toMatchObject({
    code: 'UPDATE_PACKAGE_INVALID'
  })
  installer.install(true)
  expect([installer.isWaiting(), readFileSync(file, 'utf8')]).toEqual([false, 'before'])
})

test('what is taken back while it lies ready, as by a policy, is not installed', async () => {
  const { installer, file } = open('appimage')
  await installer.handOver(manifest, [aPackage('appimage')])
  await installer.clear()
  installer.install(true)
  expect([readFileSync(file, 'utf8'), existsSync(join(dir, 'home', 'files'))]).toEqual(['before', false])
})

test('a manifest of another key goes no further', async () => {
  const { installer } = open('appimage', { keys: [newReleaseKey().publicKey] })
  await expect(installer.handOver(manifest, [aPackage('appimage')])).rejects.toMatchObject({
    code: 'UPDATE_SIGNATURE_INVALID'
  })
})
