import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAgent } from '../agent/create-agent.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { randomSiteKey } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { runLocalAgent, type RunningAgent } from './local-agent.ts'

/** The traditional `nobody`. */
const OTHER_UID = 65534
const isRoot = process.platform !== 'win32' && process.getuid?.() === 0

/** What another user of this PC can open, of these paths. */
function readableByOthers(paths: readonly string[]): string[] {
  const script = `
    const fs = require('node:fs')
    const open = JSON.parse(fs.readFileSync(0, 'utf8')).filter((path) => { try { fs.closeSync(fs.openSync(path, 'r')); return true } catch { return false } })
    process.stdout.write(JSON.stringify(open))`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], {
    input: JSON.stringify(paths),
    uid: OTHER_UID,
    gid: OTHER_UID,
    encoding: 'utf8',
    cwd: '/',
    timeout: 15_000
  })
  if (status !== 0) throw new Error(`the other user could not look: ${stderr}`)
  return JSON.parse(stdout) as string[]
}

function allFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name))
}

describe('another user of this PC', () => {
  let root: string
  let dataDir: string
  let cacheDir: string
  let origin: OriginServer
  let running: RunningAgent
  let umask: number
  beforeAll(async () => {
    // The worst there is: no umask, and folders that others may enter were there before.
    umask = process.umask(0)
    root = mkdtempSync(join(tmpdir(), 'larder-others-'))
    chmodSync(root, 0o755)
    dataDir = join(root, 'data')
    cacheDir = join(root, 'cache')
    for (const dir of [dataDir, cacheDir, join(dataDir, 'log')]) mkdirSync(dir, { mode: 0o755 })
    writeFileSync(
      join(dataDir, 'settings.json'),
      JSON.stringify({
        fleet: { siteKey: randomSiteKey() },
        cache: { dir: cacheDir },
        ports: { api: 0, peer: 0, beacon: 0 },
        // The origin is on this PC and the URL is signed; its content is to lie in the cache all the same.
        origin: { trustLoopback: true },
        sharing: { signedUrls: ['127.0.0.1'] },
        discovery: { listenAddress: '127.0.0.1', beacon: false }
      }),
      { mode: 0o644 }
    )
    origin = await startOriginServer()
    origin.put('/f.bin', Buffer.alloc(3_000_000, 7))
    running = await runLocalAgent({
      dataDir,
      settings: loadSettings(diskFiles(dataPaths(dataDir))).settings,
      createAgent
    })
    const { id } = running.agent.request({
      url: `${origin.url}/f.bin?sig=geheim`,
      kind: 'resource',
      priority: 'foreground',
      overwrite: true,
      allowStale: false
    })
    const deadline = Date.now() + 15_000
    while (running.agent.requestView(id).state !== 'done' && Date.now() < deadline)
      await new Promise((next) => setTimeout(next, 50))
    expect(running.agent.requestView(id)).toMatchObject({ state: 'done' })
  })
  afterAll(async () => {
    await running?.stop()
    await origin?.close()
    process.umask(umask)
    rmSync(root, { recursive: true, force: true })
  })

  it('can read none of its files: token, keys, settings, log, index, contents', ({ skip }) => {
    skip(!isRoot, 'only root can become another user')
    const files = [...allFiles(dataDir), ...allFiles(cacheDir)].filter((path) =>
      statSync(path, { throwIfNoEntry: false })?.isFile()
    )
    expect(files.map((path) => path.split('/').at(-1))).toEqual(
      expect.arrayContaining(['api-token', 'identity.pem', 'settings.json', 'larder.log', 'index-v1.sqlite'])
    )
    expect(files.length).toBeGreaterThan(8)
    expect(readableByOthers(files)).toEqual([])
  })

  it('gets nothing from the local API but which agent this is', async ({ skip }) => {
    skip(!isRoot, 'only root can become another user')
    const script = `
      (async () => {
        const told = {}
        for (const path of ['/v1/version', '/v1/status', '/v1/snapshot', '/v1/cache', '/v1/events', '/v1/stream']) {
          const answer = await fetch('http://127.0.0.1:' + process.argv[1] + path)
          told[path] = answer.status
          if (path === '/v1/version') told.body = await answer.text()
        }
        process.stdout.write(JSON.stringify(told))
      })()`
    // Not spawnSync: this process has to answer.
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, String(running.apiPort)], {
      uid: OTHER_UID,
      gid: OTHER_UID,
      cwd: '/',
      timeout: 15_000
    })
    const { body, ...told } = JSON.parse(stdout) as Record<string, unknown>
    expect(told).toEqual({
      '/v1/version': 200,
      '/v1/status': 401,
      '/v1/snapshot': 401,
      '/v1/cache': 401,
      '/v1/events': 401,
      '/v1/stream': 401
    })
    expect(String(body)).not.toContain(running.agent.snapshot().agentId)
  })

  it('finds modes that keep it out, whoever runs this test', ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no file modes; the rights of the user’s folder count there')
    for (const name of ['api-token', 'identity.pem', 'settings.json', 'agent.json'])
      expect.soft(statSync(join(dataDir, name)).mode & 0o077, name).toBe(0)
    for (const name of ['content-v1', 'partial-v1', 'tmp', 'quarantine', 'index-v1.sqlite'])
      expect.soft(statSync(join(cacheDir, name)).mode & 0o077, name).toBe(0)
  })

  it('learns no signed query string from events or the log either', async () => {
    const events = JSON.stringify(running.agent.events())
    expect(events).toContain('/f.bin?…')
    expect(events).not.toContain('geheim')
  })
})
