import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newReleaseKey, readManifest } from '../../src-main/updates/manifest.ts'
import { packageOfFile } from './package-of-file.ts'
import { releaseCommand } from './release-command.ts'
import { pinnedReleaseKeys } from './release-keys.ts'

let dir: string
beforeAll(() => void (dir = mkdtempSync(path.join(tmpdir(), 'larder-release-'))))
afterAll(() => rmSync(dir, { recursive: true }))
/** What the command says; names of files are those of the test's folder. */
function release(args: readonly string[], env: Record<string, string> = {}): string {
  let said = ''
  const inDir = args.map((arg) => (/\.(pem|json|deb|rpm)$|^folder$/.test(arg) ? path.join(dir, arg) : arg))
  expect(releaseCommand(inDir, env, (text) => (said += text))).toBe(0)
  return said
}

test('a key is made once, signs a release, and the next manifest names the releases before', () => {
  const key = release(['key', '--out', 'key.pem']).trim()
  if (process.platform !== 'win32') expect(statSync(path.join(dir, 'key.pem')).mode & 0o777).toBe(0o600)
  expect(() => release(['key', '--out', 'key.pem'])).toThrow('EEXIST')
  writeFileSync(path.join(dir, 'larder_1.0.0_amd64.deb'), 'one')
  writeFileSync(path.join(dir, 'larder-1.1.0-1.aarch64.rpm'), 'two')
  release(['sign', '--key', 'key.pem', '--out', 'a.json', '--version', '1.0.0', 'larder_1.0.0_amd64.deb'])
  release([
    'sign',
    '--key',
    'key.pem',
    '--out',
    'b.json',
    '--version',
    '1.1.0',
    '--after',
    'a.json',
    'larder-1.1.0-1.aarch64.rpm'
  ])
  expect(readManifest(readFileSync(path.join(dir, 'b.json')), [key])).toMatchObject({
    channel: 'stable',
    minVersion: '1.0.0',
    release: { version: '1.1.0', packages: [{ form: 'rpm', arch: 'arm64', sizeBytes: 3 }] },
    former: [{ version: '1.0.0', packages: [{ form: 'deb', arch: 'x64', url: 'larder_1.0.0_amd64.deb' }] }]
  })
})

test('what is in a folder is summed up, and its packages are signed with a key of the environment', () => {
  mkdirSync(path.join(dir, 'folder'))
  const inFolder = ['larder-app_1.2.0_arm64.deb', 'larder_1.2.0_arm64.deb', 'notes.txt']
  for (const name of inFolder) writeFileSync(path.join(dir, 'folder', name), name)
  release(['sums', 'folder'])
  const lines = readFileSync(path.join(dir, 'folder', 'SHA256SUMS'), 'utf8')
    .trim()
    .split('\n')
  expect(lines.map((line) => line.split('  ')[1])).toEqual(inFolder)
  const { privatePem, publicKey } = newReleaseKey()
  release(['sign', '--key-env', 'KEY', '--folder', 'folder', '--out', 'c.json', '--version', '1.2.0'], {
    KEY: privatePem
  })
  expect(readManifest(readFileSync(path.join(dir, 'c.json')), [publicKey]).release.packages).toMatchObject([
    { form: 'deb', url: 'larder_1.2.0_arm64.deb' }
  ])
})

test.each([
  ['larder_0.1.0_amd64.deb', { form: 'deb', arch: 'x64' }],
  ['larder-0.1.0-1.aarch64.rpm', { form: 'rpm', arch: 'arm64' }],
  ['larder-0.1.0-x64.msi', { form: 'msi', arch: 'x64' }],
  ['Larder-Setup.exe', { form: 'nsis', arch: 'x64' }],
  ['Larder-0.1.0-arm64.AppImage', { form: 'appimage', arch: 'arm64' }]
])('packages are told apart by their names: %s', (name, about) => {
  expect(packageOfFile(name)).toEqual(about)
})

test.each(['larder-app_0.1.0_amd64.deb', 'Uninstall.exe', 'notes.txt'])('%s is no package of a manifest', (name) => {
  expect(() => packageOfFile(name)).toThrow('no package')
})

test('two packages of one form for one architecture are not signed', () => {
  writeFileSync(path.join(dir, 'other.pem'), newReleaseKey().privatePem)
  for (const name of ['larder_1.3.0_amd64.deb', 'larder_1.3.1_amd64.deb']) writeFileSync(path.join(dir, name), name)
  const twice = ['larder_1.3.0_amd64.deb', 'larder_1.3.1_amd64.deb']
  expect(() => release(['sign', '--key', 'other.pem', '--out', 'd.json', '--version', '1.3.1', ...twice])).toThrow(
    'both the deb package for x64'
  )
})

test('what a build pins are keys, and nothing else', () => {
  expect(pinnedReleaseKeys({ LARDER_RELEASE_KEYS: `${'A'.repeat(43)} ${'b'.repeat(43)}` })).toHaveLength(2)
  expect(() => pinnedReleaseKeys({ LARDER_RELEASE_KEYS: 'secret' })).toThrow('not a release key')
  expect(pinnedReleaseKeys({})).toEqual(expect.any(Array))
})
