import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAgent } from '../../src-main/agent/create-agent.ts'
import { runLocalAgent, type RunningAgent } from '../../src-main/api/local-agent.ts'
import { Settings } from '../../src-main/contract/settings.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { settingsInMemory } from '../../src-main/settings/live-settings.ts'
import { keptLog } from '../../src-main/testing/kept-log.ts'
import { startOriginServer, type OriginServer } from '../../src-main/testing/origin-server.ts'
import { build } from '../bundles.ts'
import { root } from '../steps.ts'
import lacking from './node-20-lacks.json' with { type: 'json' }

const run = promisify(execFile)
const data = Buffer.from('what many PCs want '.repeat(20_000))
const asNode20 = path.join(import.meta.dirname, 'as-node-20.cjs')

/** The example project, with the packed package in its node_modules and nothing that the package depends on but the types it names. */
let project: string
let library: string
let origin: OriginServer
let url: string
let agent: RunningAgent
let dataDir: string
beforeAll(async () => {
  if (!(await build('client'))) throw new Error('the client library could not be built')
  project = await realpath(await mkdtemp(path.join(tmpdir(), 'larder-client-package-')))
  library = path.join(project, 'node_modules/larder')
  await cp(path.join(root, 'examples/client'), project, { recursive: true })
  await mkdir(library, { recursive: true })
  const npm = process.env['npm_execpath'] ? [process.execPath, process.env['npm_execpath']] : ['npm']
  const [program, ...before] = npm as [string, ...string[]]
  await run(program, [...before, 'pack', '--ignore-scripts', '--silent', '--pack-destination', project], { cwd: root })
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz'))!
  await run('tar', ['-xzf', path.join(project, tarball), '-C', library, '--strip-components=1'])
  for (const name of ['zod', '@types', 'undici-types'])
    await symlink(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name), 'junction')

  origin = await startOriginServer()
  url = origin.put('/files/setup.bin', data)
  dataDir = path.join(project, 'data')
  const settings = Settings.parse({
    ports: { api: 0, peer: 0, beacon: 0 },
    discovery: { listenAddress: '127.0.0.1' },
    origin: { trustLoopback: true }
  })
  agent = await runLocalAgent({
    dataDir,
    settings: settingsInMemory(settings, systemClock),
    createAgent,
    env: {},
    log: keptLog()
  })
}, 120_000)
afterAll(async () => {
  await agent?.stop()
  await origin?.close()
  if (project) await rm(project, { recursive: true, force: true })
})

/** @returns what an example says, run as Node 20.9 would */
async function example(args: readonly string[], folder = dataDir): Promise<string> {
  const env = { ...process.env, LARDER_DATA_DIR: folder, NODE_OPTIONS: '' }
  const { stdout } = await run(process.execPath, ['--require', asNode20, ...args], { cwd: project, env })
  return stdout
}
const nobody = () => path.join(project, 'nobody')
const sha256 = createHash('sha256').update(data).digest('hex')

describe('the packed client library, with what Node 20.9 has', () => {
  test('it names nothing of Node at load time that Node 20.9 lacks', async () => {
    const folder = path.join(library, 'out/client/esm')
    const files = (await readdir(folder)).filter((name) => name.endsWith('.js'))
    const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')))
    const wanted = texts.flatMap((text) =>
      [...text.matchAll(/import\s*(?:[\w$]+\s*,\s*)?\{([^}]*)\}\s*from\s*["'`](node:[\w/]+)["'`]/g)].flatMap(
        ([, names, module]) => names!.split(',').map((name) => [module!, name.trim().split(/\s+as\s+/)[0]!] as const)
      )
    )
    expect(wanted.length).toBeGreaterThan(20)
    const gone = lacking.modules as Record<string, readonly string[]>
    expect(wanted.filter(([module, name]) => gone[module]?.includes(name))).toEqual([])
  })

  test('it finds an agent', async () => {
    expect(await example(['detect.js'])).toMatch(
      /^supported: The agent \S+ is running\.\nLarder \S+ will be asked\.\n$/
    )
  })

  test('it downloads through the agent', async () => {
    const said = await example(['download.js', url, path.join(project, 'got.bin'), `sha256-${hashOf(data)}`])
    expect(said).toContain(`${data.length} bytes by agent, SHA-256 ${sha256}`)
    expect((await readFile(path.join(project, 'got.bin'))).equals(data)).toBe(true)
  })

  test('a wrong digest saves nothing', async () => {
    const target = path.join(project, 'wrong.bin')
    const wrong = `sha256-${hashOf(Buffer.from('other'))}`
    await expect(example(['download.js', url, target, wrong])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was saved')
    })
    expect(await readdir(project)).not.toContain('wrong.bin')
  })

  test('it says how far it is', async () => {
    const said = await example(['progress.js', url, path.join(project, 'progress.bin')])
    expect(said).toMatch(/(checking|waiting|active|delivering|done): \d+ of (\d+|\?) bytes/)
    expect(said).toMatch(/from the web server\n$/)
  })

  test('it says why a file came as it did', async () => {
    const said = await example(['fallback.js', url, path.join(project, 'fallback.bin')])
    expect(said).toMatch(/^Delivered by the agent\.\n[a-z-]+: .+\nRequest r-[0-9a-f]+\n$/)
  })

  test('without an agent it waits, downloads directly, and keeps an unchanged file', async () => {
    const said = await example(['no-agent.js', url, path.join(project, 'alone.bin'), '0.05'], nobody())
    expect(said).toMatch(/^first: direct, waited \d+ ms\nagain: retained\nalone: direct, \d+ bytes in memory\n$/)
  })

  test('CommonJS programs have it too', async () => {
    const target = path.join(project, 'required.bin')
    expect(await example(['commonjs.cjs', url, target])).toBe(`${target} by agent\n`)
  })

  test('its types name only files that came along, zod and Node', async () => {
    for (const format of ['esm', 'cjs']) {
      const folder = path.join(library, 'out/client', format, 'types')
      const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.d.ts'))
      expect(files.length).toBeGreaterThan(10)
      for (const file of files) {
        const text = await readFile(path.join(folder, file), 'utf8')
        for (const [, named] of text.matchAll(/^(?:import|export) .*?from '([^']+)'/gm)) {
          if (!named!.startsWith('.')) expect(named, file).toMatch(/^(zod|node:\w+)$/)
          else expect(files, file).toContain(path.join(path.dirname(file), named!.replace(/\.ts$/, '.d.ts')))
        }
      }
    }
  })

  test('its types fit ES modules and CommonJS', async () => {
    const tsc = path.join(root, 'node_modules/typescript/lib/tsc.js')
    await run(process.execPath, [tsc, '-p', '.'], { cwd: project })
  })
})

const python = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0
)

describe.skipIf(python === undefined)(
  `the example in Python${python === undefined ? ' (no Python 3.8 here)' : ''}`,
  () => {
    const script = path.join(root, 'examples/python/larder.py')
    const ask = (folder: string, target: string) =>
      run(python!, [script, url, target], {
        env: { ...process.env, LARDER_DATA_DIR: folder, PYTHONDONTWRITEBYTECODE: '1' }
      })

    test('it downloads through the agent, once that has proved itself', async () => {
      const target = path.join(project, 'python.bin')
      expect((await ask(dataDir, target)).stdout).toMatch(
        /: \d+ bytes from peers, \d+ from the cache, \d+ from the web server\r?\n$/
      )
      expect((await readFile(target)).equals(data)).toBe(true)
    })

    test('it shows its token to no other program at the port of the agent', async () => {
      const impostor = await startOriginServer()
      try {
        const folder = path.join(project, 'impostor')
        await mkdir(folder)
        const { port } = new URL(impostor.put('/v1/version', Buffer.from('{"proof": "00"}')))
        await writeFile(path.join(folder, 'agent.json'), JSON.stringify({ apiPort: Number(port), pid: process.pid }))
        await writeFile(path.join(folder, 'api-token'), 'a-secret-token')
        await expect(ask(folder, path.join(project, 'none.bin'))).rejects.toMatchObject({ code: 3 })
        expect(JSON.stringify(impostor.requests())).not.toContain('a-secret-token')
        expect(impostor.requests()).toHaveLength(1)
      } finally {
        await impostor.close()
      }
    })
  }
)

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64')
