import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newReleaseKey, signManifest } from '../src-main/updates/manifest.ts'
import { LARDER_VERSION } from '../src-main/contract/version.ts'
import { exitOf, expect, test, untilRunning } from './fixture.ts'

test.skip(process.platform !== 'linux', 'an AppImage is of Linux')

const NEXT = '99.0.0'
const key = newReleaseKey()

/** A program in the place of an AppImage: it says that it runs, and how it was called. */
const program = (name: string, said: string) => `#!/bin/sh\necho "${name} $*" >> '${said}'\n`

function manifestOf(bytes: Buffer): string {
  return signManifest(
    {
      channel: 'stable',
      release: {
        version: NEXT,
        packages: [
          {
            form: 'appimage',
            arch: process.arch === 'arm64' ? 'arm64' : 'x64',
            url: 'Larder-99.0.0.AppImage',
            sizeBytes: bytes.length,
            sha256: createHash('sha256').update(bytes).digest('hex')
          }
        ]
      },
      issuedAt: new Date(Date.now() - 60_000).toISOString(),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      minVersion: '0.0.1'
    },
    [key.privatePem]
  )
}

test('an AppImage gets its next release through its agent, and starts it when it has ended', async ({
  launch,
  settings,
  dataDir,
  filesDir,
  origin
}) => {
  const [file, said] = [join(filesDir, 'Larder.AppImage'), join(filesDir, 'said')]
  const next = Buffer.from(program('next', said))
  writeFileSync(file, program('before', said))
  chmodSync(file, 0o755)
  const manifest = origin.put('/updates/stable.json', Buffer.from(manifestOf(next)))
  origin.put('/updates/Larder-99.0.0.AppImage', next)
  settings.updates = { enabled: true, manifestUrl: manifest, delayHours: 0, spreadHours: 0 }
  const app = await launch({ args: ['--hidden'], env: { APPIMAGE: file, LARDER_E2E_RELEASE_KEYS: key.publicKey } })
  await untilRunning(app)
  const ended = exitOf(app)
  await app.evaluate(() => void setImmediate(() => globalThis.larderE2e.life.agent().lookForUpdate()))
  expect(await ended).toBe(0)

  expect(readFileSync(file)).toEqual(next)
  await expect.poll(() => existsSync(said) && readFileSync(said, 'utf8')).toBe('next --hidden\n')
  expect(JSON.parse(await readFile(join(dataDir, 'app-update', 'staged.json'), 'utf8'))).toMatchObject({
    version: NEXT,
    from: LARDER_VERSION,
    begun: true
  })
  const asked = origin.requests().map(({ method, path }) => `${method} ${path}`)
  expect(asked.filter((one) => one.includes('latest'))).toEqual([])
  expect(asked.filter((one) => one.startsWith('GET') && one.includes('AppImage'))).toHaveLength(1)
})

test('switched off, as by a policy, it asks for nothing', async ({ launch, settings, filesDir, origin }) => {
  const file = join(filesDir, 'Larder.AppImage')
  writeFileSync(file, 'before')
  settings.updates = { enabled: false, manifestUrl: origin.put('/updates/stable.json', Buffer.from('{}')) }
  const app = await launch({ args: ['--hidden'], env: { APPIMAGE: file, LARDER_E2E_RELEASE_KEYS: key.publicKey } })
  await untilRunning(app)
  const refused = await app.evaluate(() => {
    try {
      globalThis.larderE2e.life.agent().lookForUpdate()
      return null
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  })
  expect(refused).toBe('UPDATES_UNAVAILABLE')
  expect(origin.requests()).toEqual([])
  expect(readFileSync(file, 'utf8')).toBe('before')
})
