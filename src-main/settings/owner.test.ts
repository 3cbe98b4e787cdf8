import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { makePrivateSync, writePrivateFile } from '../lib/private-file.ts'
import { LiveSettings } from './live-settings.ts'
import { diskFiles } from './settings-files.ts'

/** Somebody else's numbers; no such user needs to exist. */
const ANN = { uid: 61_234, gid: 61_235 }
const isRoot = process.geteuid?.() === 0
if (!isRoot) console.log('skipped: what root writes into the folder of a user: only root can give files to others')

let dir: string
let home: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-owner-'))
  await chmod(dir, 0o755)
  home = join(dir, 'ann')
  await mkdir(home, { mode: 0o700 })
  if (isRoot) await chown(home, ANN.uid, ANN.gid)
})
// The copy of what was last found good may still be on its way into it.
afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))

const ownerOf = async (path: string) => {
  const { uid, gid, mode } = await lstat(path)
  return { uid, gid, mode: mode & 0o777 }
}
const open = (root: string) =>
  new LiveSettings({ files: diskFiles(dataPaths(root), join(dir, 'no-policy')), clock: systemClock })

describe.skipIf(!isRoot)('what root writes into the folder of a user belongs to that user', () => {
  test('settings, new and changed, and the folders made for them', async () => {
    const root = join(home, 'deep', 'larder')
    const settings = open(root)
    for (const enabled of [false, true]) {
      await settings.set('integration.enabled', enabled, { by: 'root' })
      expect(await ownerOf(join(root, 'settings.json'))).toEqual({ ...ANN, mode: 0o600 })
    }
    for (const folder of [join(home, 'deep'), root]) expect(await ownerOf(folder)).toEqual({ ...ANN, mode: 0o700 })
  })

  test('a file that root owned by mistake comes back to the user', async () => {
    await writeFile(join(home, 'settings.json'), '{}')
    await open(home).set('integration.enabled', false, { by: 'root' })
    expect(await ownerOf(join(home, 'settings.json'))).toEqual({ ...ANN, mode: 0o600 })
  })

  test('any private file, and one that a library opens', async () => {
    await writePrivateFile(join(home, 'key.pem'), 'secret')
    makePrivateSync(join(home, 'lock'))
    for (const name of ['key.pem', 'lock']) expect(await ownerOf(join(home, name))).toEqual({ ...ANN, mode: 0o600 })
  })

  test('in a folder of root it stays with root', async () => {
    await writePrivateFile(join(dir, 'key.pem'), 'secret')
    expect(await ownerOf(join(dir, 'key.pem'))).toEqual({ uid: 0, gid: 0, mode: 0o600 })
  })

  test('a link the user has put there is not followed, neither for writing nor for rights', async () => {
    const victim = join(dir, 'victim')
    await writeFile(victim, '{}', { mode: 0o644 })
    await symlink(victim, join(home, 'settings.json'))
    await chown(home, ANN.uid, ANN.gid)
    const { lchown } = await import('node:fs/promises')
    await lchown(join(home, 'settings.json'), ANN.uid, ANN.gid)
    await expect(open(home).set('integration.enabled', false, { by: 'root' })).rejects.toMatchObject({
      code: 'SETTINGS_UNWRITABLE'
    })
    expect(await readFile(victim, 'utf8')).toBe('{}')
    expect((await stat(victim)).mode & 0o777).toBe(0o644)
  })
})
