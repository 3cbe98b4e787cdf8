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

test.each([
  ['apt', 'etc/apt/apt.conf.d/01proxy', 'Acquire::http::Proxy "http://cacher.example:3142";\n'],
  ['apt', 'etc/apt/apt.conf', 'Acquire { http { Proxy "http://cacher.example:3142"; }; };\n'],
  ['apt', 'etc/apt/apt.conf.d/02https', 'Acquire::https::Proxy "http://proxy.example:3128";\n'],
  ['pip', 'etc/pip.conf', '[global]\nindex-url = https://pypi.company.example/simple\n'],
  ['pip', 'home/.pip/pip.conf', '[global]\nindex-url = https://pypi.company.example/simple\n'],
  ['curl', 'home/.config/environment.d/10-company.conf', 'http_proxy=http://proxy.example:3128\n'],
  ['curl', 'home/.curlrc', 'proxy = http://proxy.example:3128\n']
])('%s: what %s says already is neither overruled nor hidden', async (name, path, text) => {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), text)
  const before = await all()
  await expect(integrate(toolNamed(name)!, where)).rejects.toMatchObject({ code: 'TOOL_CONFIGURED' })
  expect(await all()).toEqual(before)
  await writeFile(join(root, path), `# ${text.replaceAll('\n', ' ')}\n`)
  await integrate(toolNamed(name)!, where)
  expect((await stateOf(toolNamed(name)!, where, '')).integrated).toBe(true)
})

test('a folder goes with its file where it was made for it, and stays where it was there', async () => {
  await mkdir(where.home, { recursive: true })
  for (const name of ['npm', 'pip', 'containerd', 'curl']) {
    const tool = toolNamed(name)!
    await integrate(tool, where)
    await integrate(tool, { ...where, gateway: 'http://127.0.0.1:4728' })
    await integrate(tool, where, { undo: true })
  }
  expect(await readdir(root, { recursive: true })).toEqual(['home'])
})

test('a link to nothing is not replaced by a file', async () => {
  await mkdir(where.home, { recursive: true })
  await symlink('dotfiles/npmrc', join(where.home, '.npmrc'))
  await expect(integrate(toolNamed('npm')!, where)).rejects.toMatchObject({ code: 'TOOL_CONFIGURED' })
  expect((await lstat(join(where.home, '.npmrc'))).isSymbolicLink()).toBe(true)
  expect((await stateOf(toolNamed('npm')!, where, '')).integrated).toBe(false)
})

test('where the last file of a tool cannot be written the first ones are as they were', async () => {
  const folder = join(root, 'etc/yum.repos.d')
  await mkdir(folder, { recursive: true })
  // Its name leaves no room for that of the file beside it.
  for (const file of ['a', 'b'.repeat(250)])
    await writeFile(join(folder, `${file}.repo`), '[x]\nbaseurl=https://m.example/\n')
  const before = await all()
  await expect(integrate(toolNamed('dnf')!, where)).rejects.toMatchObject({ code: 'TOOL_UNWRITABLE' })
  expect(await all()).toEqual(before)
})

test('cargo reads the file without an ending where both are there', async () => {
  await mkdir(join(where.home, '.cargo'), { recursive: true })
  for (const file of ['config', 'config.toml']) await writeFile(join(where.home, '.cargo', file), '[net]\n')
  expect((await integrate(toolNamed('cargo')!, where)).map(({ path }) => path)).toEqual([
    join(where.home, '.cargo/config')
  ])
})
