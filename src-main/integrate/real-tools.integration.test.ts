import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { agentForGateway } from '../api/gateway/agent-for-gateway.ts'
import { startGateway, type Gateway } from '../api/gateway/gateway.ts'
import { systemClock } from '../lib/clock.ts'
import { startFleet, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { integrate } from './files.ts'
import { toolNamed, type Surroundings } from './tools.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let origin: OriginServer
let fleet: Fleet
let gateways: Gateway[]
let dir: string
beforeAll(async () => {
  origin = await startOriginServer()
  fleet = await startFleet(2)
  dir = await mkdtemp(join(tmpdir(), 'larder-real-tools-'))
  const hosts = () => [new URL(origin.url).host]
  gateways = await Promise.all(
    fleet.agents.map(({ agent, log }) =>
      startGateway({ agent: agentForGateway(agent), token: 'c0'.repeat(32), hosts, port: 0, clock: systemClock, log })
    )
  )
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()))
  await fleet.stop()
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

/** A PC of its own: its home, its system folder, its gateway. */
async function pc(tool: string, i: number, source?: string): Promise<Surroundings> {
  const root = join(dir, `${tool}-${i}`)
  const home = join(root, 'home')
  await mkdir(home, { recursive: true })
  return { root, home, gateway: `http://127.0.0.1:${gateways[i]!.port}`, source }
}

interface Ran {
  /** Null: there is no such program on this PC. */
  readonly code: number | null
  readonly out: string
}

function run(
  program: string,
  args: string[],
  cwd: string,
  home: string,
  more: Record<string, string> = {}
): Promise<Ran> {
  const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', ...more }
  return new Promise((resolve) =>
    execFile(program, args, { cwd, env, timeout: 100_000 }, (error, stdout, stderr) => {
      const out = stdout + stderr
      if (!error) return resolve({ code: 0, out })
      resolve({ code: error.code === 'ENOENT' ? null : Number(error.code ?? 1), out })
    })
  )
}

const bodyBytes = () => origin.requests().reduce((sum, { contentBytes }) => sum + contentBytes, 0)
const noise = (bytes: number) => {
  const out = Buffer.alloc(bytes)
  for (let i = 0, state = 1; i < bytes; i++) out[i] = (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16
  return out
}

/** Runs the tool on both PCs, one after the other. @returns body bytes of the origin for each */
async function onBoth(
  name: string,
  source: string | undefined,
  use: (where: Surroundings) => Promise<Ran>
): Promise<{ ran: Ran[]; bytes: number[] }> {
  const ran: Ran[] = []
  const bytes: number[] = []
  for (const i of [0, 1]) {
    const where = await pc(name, i, source)
    const before = await readdir(where.root, { recursive: true })
    await integrate(toolNamed(name)!, where)
    const sent = bodyBytes()
    ran.push(await use(where))
    bytes.push(bodyBytes() - sent)
    await integrate(toolNamed(name)!, where, { undo: true })
    expect(before.every(Boolean)).toBe(true)
  }
  return { ran, bytes }
}

test('npm installs on the second PC without a body byte of the registry', async ({ skip }) => {
  const work = join(dir, 'npm-made')
  await mkdir(work, { recursive: true })
  await writeFile(join(work, 'package.json'), JSON.stringify({ name: 'demo-pkg', version: '1.0.0' }))
  await writeFile(join(work, 'data.bin'), noise(300_000))
  const packed = await run('npm', ['pack', '--silent'], work, work)
  if (packed.code === null) skip('npm is not installed')
  const tarball = await readFile(join(work, 'demo-pkg-1.0.0.tgz'))
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const dist = { tarball: `${origin.url}/demo-pkg/-/demo-pkg-1.0.0.tgz`, integrity }
  const versions = { '1.0.0': { name: 'demo-pkg', version: '1.0.0', dist } }
  origin.put(
    '/demo-pkg',
    Buffer.from(JSON.stringify({ name: 'demo-pkg', 'dist-tags': { latest: '1.0.0' }, versions })),
    { headers: { 'Content-Type': 'application/json' } }
  )
  origin.put('/demo-pkg/-/demo-pkg-1.0.0.tgz', tarball)
  const { ran, bytes } = await onBoth('npm', `${origin.url}/`, async ({ home }) => {
    const project = join(home, 'project')
    await mkdir(project, { recursive: true })
    await writeFile(join(project, 'package.json'), '{"name":"p","version":"1.0.0"}')
    return run('npm', ['install', 'demo-pkg', '--no-audit', '--no-fund'], project, home)
  })
  for (const { code, out } of ran) expect(code, out).toBe(0)
  expect(bytes[0]).toBeGreaterThanOrEqual(tarball.length)
  expect(bytes[1]).toBe(0)
})

test('pip downloads on the second PC without a body byte of the index', async ({ skip }) => {
  const wheel = join(dir, 'demo-1.0-py3-none-any.whl')
  await writeFile(join(dir, 'noise.bin'), noise(300_000))
  const script = `
import zipfile
z = zipfile.ZipFile(${JSON.stringify(wheel)}, 'w')
z.write(${JSON.stringify(join(dir, 'noise.bin'))}, 'demo/data.bin')
z.writestr('demo-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n')
z.writestr('demo-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
z.writestr('demo-1.0.dist-info/RECORD', '')
`
  const made = await run('python3', ['-c', script], dir, dir)
  const pip = await run('pip3', ['--version'], dir, dir)
  if (made.code === null || pip.code === null) skip('pip is not installed')
  const bytesOf = await readFile(wheel)
  const digest = createHash('sha256').update(bytesOf).digest('hex')
  origin.put('/files/demo-1.0-py3-none-any.whl', bytesOf)
  origin.put(
    '/simple/demo/',
    Buffer.from(`<html><body><a href="../../files/demo-1.0-py3-none-any.whl#sha256=${digest}">demo</a></body></html>`),
    { headers: { 'Content-Type': 'text/html' } }
  )
  const { ran, bytes } = await onBoth('pip', `${origin.url}/simple/`, ({ home }) =>
    run(
      'pip3',
      ['download', 'demo', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '-d', home],
      home,
      home
    )
  )
  for (const { code, out } of ran) expect(code, out).toBe(0)
  expect(bytes[0]).toBeGreaterThanOrEqual(bytesOf.length)
  expect(bytes[1]).toBe(0)
})

test('apt updates and downloads on the second PC without a body byte of the mirror', async ({ skip }) => {
  const tree = join(dir, 'deb')
  await mkdir(join(tree, 'DEBIAN'), { recursive: true })
  await writeFile(join(tree, 'noise.bin'), noise(300_000))
  await writeFile(
    join(tree, 'DEBIAN/control'),
    'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: demo\n'
  )
  const built = await run('dpkg-deb', ['--build', '--root-owner-group', tree, join(dir, 'demo.deb')], dir, dir)
  if (built.code === null) skip('dpkg-deb is not installed')
  expect(built.code, built.out).toBe(0)
  const deb = await readFile(join(dir, 'demo.deb'))
  const control = await run('dpkg-deb', ['-f', join(dir, 'demo.deb')], dir, dir)
  const digest = createHash('sha256').update(deb).digest('hex')
  origin.put('/debian/demo.deb', deb)
  origin.put(
    '/debian/Packages',
    Buffer.from(`${control.out.trim()}\nFilename: ./demo.deb\nSize: ${deb.length}\nSHA256: ${digest}\n\n`)
  )
  const { ran, bytes } = await onBoth('apt', undefined, async ({ root, home }) => {
    for (const folder of [
      'etc/apt/sources.list.d',
      'etc/apt/preferences.d',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
      'var/lib/dpkg'
    ])
      await mkdir(join(root, folder), { recursive: true })
    await writeFile(join(root, 'var/lib/dpkg/status'), '')
    await writeFile(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] ${origin.url}/debian ./\n`)
    const APT_CONFIG = join(root, 'apt.conf')
    await writeFile(
      APT_CONFIG,
      `Dir "${root}";\nDir::State::status "${root}/var/lib/dpkg/status";\nAPT::Sandbox::User "";\nAcquire::Languages "none";\n`
    )
    const updated = await run('apt-get', ['update'], home, home, { APT_CONFIG })
    return updated.code === 0 ? run('apt-get', ['download', 'demo'], home, home, { APT_CONFIG }) : updated
  })
  if (ran[0]!.code === null) skip('apt is not installed')
  for (const { code, out } of ran) expect(code, out).toBe(0)
  expect(bytes[0]).toBeGreaterThanOrEqual(deb.length)
  expect(bytes[1]).toBe(0)
})
