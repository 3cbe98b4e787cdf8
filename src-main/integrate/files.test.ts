import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { integrate, stateOf } from './files.ts'
import { tools, toolNamed, type Surroundings } from './tools.ts'

let root: string
let where: Surroundings
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-integrate-'))
  where = { root, home: join(root, 'home'), gateway: 'http://127.0.0.1:4727' }
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Every file below the folder, with its bytes. */
async function all(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (!entry.isDirectory()) {
      const path = join(entry.parentPath, entry.name)
      found[path] = (await readFile(path)).toString('latin1')
    }
  return found
}

const present: Record<string, string> = {
  'home/.npmrc': 'fund=false\r\n; ümläut\n',
  'home/.config/pip/pip.conf': '[install]\nuser = true\n[global]\ntimeout = 3',
  'home/.cargo/config.toml': '[net]\nretry = 2',
  'home/.m2/settings.xml': '<?xml version="1.0"?>\n<settings xmlns="x">\n  <offline>false</offline>\n</settings>\n',
  'home/.wgetrc': '',
  'etc/yum.repos.d/a.repo': '[a]\nbaseurl=https://m.example/$releasever/\n',
  'etc/yum.repos.d/b.repo': '[b]\nmetalink=https://m.example/x\n'
}

test.each(tools.map(({ name }) => name))('%s: put in and taken out, every file is as it was', async (name) => {
  for (const files of [{}, present]) {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(root, path, '..'), { recursive: true })
      await writeFile(join(root, path), text, 'utf8')
    }
    const tool = toolNamed(name)!
    const before = await all()
    const dry = await integrate(tool, where, { dryRun: true })
    expect(await all()).toEqual(before)
    const changes = await integrate(tool, where)
    expect(changes).toEqual(dry)
    if (changes.some(({ change }) => change !== 'none')) {
      expect((await stateOf(tool, where, '')).integrated).toBe(true)
      expect(JSON.stringify(await all())).toContain('127.0.0.1:4727')
      // Again is no change.
      expect((await integrate(tool, where)).every(({ change }) => change === 'none')).toBe(true)
    } else expect(['dnf', 'zypper']).toContain(name)
    await integrate(tool, where, { undo: true })
    expect(await all()).toEqual(before)
    expect((await stateOf(tool, where, '')).integrated).toBe(false)
    // With nothing there it changes nothing.
    expect((await integrate(tool, where, { undo: true })).every(({ change }) => change === 'none')).toBe(true)
  }
})

test('mode and link of a file stay', async () => {
  const npm = toolNamed('npm')!
  const real = join(root, 'dotfiles')
  await mkdir(where.home, { recursive: true })
  await writeFile(real, 'fund=false\n')
  await chmod(real, 0o600)
  await symlink(real, join(where.home, '.npmrc'))
  await integrate(npm, where)
  expect((await lstat(join(where.home, '.npmrc'))).isSymbolicLink()).toBe(true)
  expect((await stat(real)).mode & 0o777).toBe(0o600)
  await integrate(npm, where, { undo: true })
  expect(await readFile(real, 'utf8')).toBe('fund=false\n')
})

test('where one file of a tool is set up otherwise none is changed', async () => {
  const pip = toolNamed('pip')!
  await mkdir(join(where.home, '.config/pip'), { recursive: true })
  await writeFile(
    join(where.home, '.config/pip/pip.conf'),
    '[global]\nindex-url = https://pypi.company.example/simple\n'
  )
  const before = await all()
  await expect(integrate(pip, where)).rejects.toMatchObject({ code: 'TOOL_CONFIGURED' })
  expect(await all()).toEqual(before)
})
