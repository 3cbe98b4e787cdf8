import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAgent } from '../agent/create-agent.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { MachineAgentFile } from '../contract/machine.ts'
import type { ApiOperationName } from '../contract/operations/operations.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { Settings } from '../contract/settings.ts'
import { doorFileName } from '../lib/door-file.ts'
import { randomSiteKey } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import type { Order } from '../testing/user-child.ts'
import { runLocalAgent, type RunningAgent } from './local-agent.ts'

const ANNA = 65_501
const BEN = 65_502
const script = join(import.meta.dirname, '../testing/user-child.ts')
const isRoot = process.getuid?.() === 0
const canRead =
  isRoot &&
  spawnSync(process.execPath, ['-e', `require('node:fs').readFileSync(${JSON.stringify(script)})`], {
    uid: BEN,
    gid: BEN,
    cwd: '/'
  }).status === 0
const why = isRoot ? 'another user cannot read these sources' : 'only root can become two users'

/** A program of one user. */
class User {
  readonly home: string
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(root: string, uid: number, place: string) {
    this.home = join(root, String(uid))
    mkdirSync(this.home)
    chownSync(this.home, uid, uid)
    this.#child = spawn(process.execPath, ['--no-warnings', script, place, join(this.home, 'data')], {
      uid,
      gid: uid,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit']
    })
    this.#reader = createInterface({ input: this.#child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  async does(order: Order): Promise<{ value?: any; code?: ErrorCode; message?: string }> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
    const { value } = await this.#lines.next()
    return JSON.parse(value as string) as { value?: unknown; code?: ErrorCode }
  }

  calls(name: ApiOperationName, input: object = {}) {
    return this.does({ do: 'call', name, input })
  }

  async end(): Promise<void> {
    this.#child.stdin!.end()
    this.#reader.close()
    this.#child.kill()
  }
}

describe.skipIf(!canRead)(`two users of one PC${canRead ? '' : ` (skipped: ${why})`}`, () => {
  let root: string
  let place: string
  let origin: OriginServer
  let running: RunningAgent
  let anna: User
  let ben: User
  /** What Anna has: a finished download, and one that stands still. */
  let done: RequestView
  let slow: RequestView

  const start = () =>
    runLocalAgent({
      dataDir: join(root, 'data'),
      machine: { place },
      createAgent,
      settings: Settings.parse({
        fleet: { siteKey: randomSiteKey() },
        ports: { api: 0, peer: 0, beacon: 0 },
        origin: { trustLoopback: true },
        sharing: { withoutDigest: 'trust' },
        discovery: { listenAddress: '127.0.0.1', beacon: false }
      })
    })

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'larder-users-'))
    chmodSync(root, 0o755)
    place = join(root, 'run')
    origin = await startOriginServer()
    origin.put('/annas-secret.bin', Buffer.alloc(2_500_000, 7))
    origin.put('/annas-slow.bin', Buffer.alloc(3_000_000, 8), { faults: { stallAfter: { bytes: 100_000 } } })
    origin.put('/bens.bin', Buffer.alloc(10_000, 9))
    running = await start()
    anna = new User(root, ANNA, place)
    ben = new User(root, BEN, place)
    const got = await anna.does({
      do: 'download',
      spec: { url: `${origin.url}/annas-secret.bin`, destination: join(anna.home, 'secret.bin') }
    })
    expect(got.value).toMatchObject({ source: 'agent' })
    done = got.value.request as RequestView
    slow = (await anna.calls('request.start', { spec: { url: `${origin.url}/annas-slow.bin` } })).value as RequestView
    await vi.waitFor(() => expect(running.agent.requestView(slow.id).state).toBe('active'), 15_000)
  })
  afterAll(async () => {
    await Promise.all([anna?.end(), ben?.end()])
    await running?.stop()
    await origin?.close()
    rmSync(root, { recursive: true, force: true })
  })

  it('each has their file as their own, and the origin was asked once for what both wanted', async () => {
    const path = join(anna.home, 'secret.bin')
    expect(statSync(path)).toMatchObject({ uid: ANNA, size: 2_500_000 })
    expect(readFileSync(path).equals(Buffer.alloc(2_500_000, 7))).toBe(true)
    const { value } = await ben.does({
      do: 'download',
      spec: { url: `${origin.url}/annas-secret.bin`, destination: join(ben.home, 'same.bin') }
    })
    expect(value).toMatchObject({ source: 'agent', split: { originBytes: 0, cacheBytes: 2_500_000 } })
    expect(statSync(join(ben.home, 'same.bin'))).toMatchObject({ uid: BEN })
    expect(origin.stats().paths['/annas-secret.bin']).toMatchObject({ contentBytes: 2_500_000 })
  })

  it('who asked is told to those who may see the download, and each clears the list of their own', async () => {
    const annas = (await anna.calls('request.get', { id: done.id })).value as RequestView
    expect(annas.askedBy).toMatchObject({ by: 'api', program: 'larder-client' })
    const { user } = annas.askedBy!
    expect(user).toBeTruthy()
    const bens = (await ben.calls('request.list')).value.requests as RequestView[]
    expect(bens).toHaveLength(1)
    expect(bens[0]!.askedBy!.user).not.toBe(user)
    expect(await ben.calls('request.clear')).toMatchObject({ value: { removed: 1 } })
    expect(await ben.calls('request.list')).toMatchObject({ value: { requests: [] } })
    const left = running.agent.requests().map(({ id }) => id)
    expect(left).toEqual([done.id, slow.id])
    expect(running.agent.requestView(bens[0]!.id).state).toBe('done')
  })

  it('Ben gets nothing of what is Anna’s in 30 attempts', async () => {
    const { sha256 } = done
    const slowKey = ((await anna.calls('request.get', { id: slow.id })).value as RequestView).key
    const refused = async (name: ApiOperationName, input: object) => {
      const { code, value } = await ben.calls(name, input)
      return code ?? `got ${JSON.stringify(value)}`
    }
    const annas = join(anna.home, 'secret.bin')
    const attempts: (readonly [string, ErrorCode, string])[] = []
    const tries = async (name: ApiOperationName, input: object, expected: ErrorCode) =>
      attempts.push([`${name} ${JSON.stringify(input)}`, expected, await refused(name, input)])

    for (const id of [done.id, slow.id]) {
      await tries('request.get', { id }, 'NOT_FOUND')
      await tries('request.cancel', { id }, 'NOT_FOUND')
      await tries('request.pause', { id }, 'NOT_FOUND')
      await tries('request.resume', { id }, 'NOT_FOUND')
      await tries('request.retry', { id }, 'NOT_FOUND')
      attempts.push([`request.content ${id}`, 'NOT_FOUND', (await ben.does({ do: 'content', id })).code ?? 'got it'])
      await tries('why.explain', { about: id }, 'NOT_FOUND')
    }
    await tries('why.explain', { about: 'annas-slow' }, 'NOT_FOUND')
    await tries('transfer.pieces', { key: slowKey }, 'NOT_FOUND')
    await tries('cache.remove', { sha256 }, 'RIGHT_MISSING')
    await tries('cache.pin', { sha256 }, 'RIGHT_MISSING')
    await tries('cache.clear', {}, 'RIGHT_MISSING')
    await tries('cache.limits', { maxBytes: 2 ** 21 }, 'RIGHT_MISSING')
    await tries('cache.relocate', { dir: ben.home }, 'RIGHT_MISSING')
    await tries('settings.set', { name: 'origin.proxy', value: 'http://127.0.0.1:9' }, 'RIGHT_MISSING')
    await tries('settings.unset', { name: 'fleet.siteKey' }, 'RIGHT_MISSING')
    await tries('integration.set', { enabled: false }, 'RIGHT_MISSING')
    await tries('all.pause', {}, 'RIGHT_MISSING')
    await tries('serving.stop', {}, 'RIGHT_MISSING')
    await tries('rates.set', { rates: { upload: 2 ** 20 } }, 'RIGHT_MISSING')
    await tries('log.set', { level: 'trace' }, 'RIGHT_MISSING')
    await tries('precache.run', { items: [{ url: `${origin.url}/bens.bin` }] }, 'RIGHT_MISSING')
    await tries('ui.link', {}, 'RIGHT_MISSING')
    await tries('request.start', { spec: { url: `${origin.url}/bens.bin`, destination: annas } }, 'DESTINATION_INVALID')
    await tries(
      'request.start',
      { spec: { url: `${origin.url}/bens.bin`, destination: join(root, 'data', 'settings.json') } },
      'DESTINATION_INVALID'
    )
    const overwritten = await ben.does({ do: 'download', spec: { url: `${origin.url}/bens.bin`, destination: annas } })
    attempts.push(['larder get to Anna’s file', 'DESTINATION_UNWRITABLE', overwritten.code ?? 'written'])

    expect(attempts.length).toBeGreaterThanOrEqual(30)
    expect(attempts.filter(([, expected, got]) => expected !== got)).toEqual([])
    expect(readFileSync(annas)[0]).toBe(7)
    expect(((await anna.calls('request.get', { id: slow.id })).value as RequestView).state).toBe('active')
  })

  it('nothing that Ben is shown names what is Anna’s: snapshot, lists, events, streams, cache, OpenAPI', async () => {
    await ben.does({ do: 'download', spec: { url: `${origin.url}/bens.bin`, destination: join(ben.home, 'b.bin') } })
    const names: ApiOperationName[] = [
      'agent.snapshot',
      'agent.status',
      'request.list',
      'master.list',
      'peer.list',
      'events.list',
      'cache.list',
      'settings.list',
      'precache.get',
      'traffic.history',
      'rates.get',
      'agent.doctor'
    ]
    const shown = await Promise.all(names.map(async (name) => [name, JSON.stringify(await ben.calls(name))] as const))
    const listening = ben.does({ do: 'listen', ms: 1500 })
    const again = await anna.calls('request.start', { spec: { url: `${origin.url}/annas-other.bin?case=7` } })
    const heard = JSON.stringify(await listening)
    const traces = [
      `"user":${JSON.stringify(running.agent.requestView(done.id).askedBy!.user)}`,
      'annas-slow',
      'annas-other',
      slow.id,
      again.value.id as string,
      done.id,
      String(running.agent.requestView(slow.id).key)
    ]
    for (const [name, text] of [...shown, ['the stream', heard] as const])
      for (const trace of traces) expect.soft(text.includes(trace), `${name} tells ${trace}`).toBe(false)
    expect(shown[0]![1]).toContain('bens.bin')
    expect(heard).toContain('snapshot')
    const whole = running.agent.snapshot()
    expect(whole.requests.length).toBeGreaterThan((JSON.parse(shown[0]![1]).value as AgentSnapshot).requests.length)
  })

  it('who is in the group of administrators sees and does everything, under their own name', async () => {
    const admin = new User(root, 0, place)
    try {
      expect((await admin.calls('request.get', { id: slow.id })).value).toMatchObject({ id: slow.id })
      const { value } = await admin.calls('integration.set', { enabled: false, by: 'ben' })
      expect(value.integration).toMatchObject({ enabled: false, by: 'root (ben)' })
      await admin.calls('integration.set', { enabled: true })
    } finally {
      await admin.end()
    }
  })

  it('a door file of somebody else, a link to one, and one that holds another name open nothing', async () => {
    const { door } = MachineAgentFile.parse(JSON.parse(readFileSync(join(place, 'agent.json'), 'utf8')))
    const status = async (token: string) =>
      (await fetch(`http://127.0.0.1:${running.apiPort}/v1/status`, { headers: { authorization: `Bearer ${token}` } }))
        .status
    const annasFile = readdirSync(door).find((name) => statSync(join(door, name)).uid === ANNA)!
    const token = '7'.repeat(64)
    const name = join(door, doorFileName(token))
    for (const make of [
      () => linkSync(join(door, annasFile), name),
      () => symlinkSync(join(door, annasFile), name),
      () => mkdirSync(name),
      () => writeFileSync(name, annasFile),
      () => spawnSync('mkfifo', [name])
    ]) {
      make()
      expect(await status(token)).toBe(401)
      rmSync(name, { recursive: true })
    }
    // Ben can neither list the door nor take Anna's file out of it.
    const asBen = (code: string) => spawnSync(process.execPath, ['-e', code], { uid: BEN, gid: BEN, cwd: '/' }).status
    expect(asBen(`require('fs').readdirSync(${JSON.stringify(door)})`)).not.toBe(0)
    expect(asBen(`require('fs').rmSync(${JSON.stringify(join(door, annasFile))})`)).not.toBe(0)
    expect(
      asBen(`require('fs').renameSync(${JSON.stringify(join(door, annasFile))}, ${JSON.stringify(name)})`)
    ).not.toBe(0)
    expect(await status('x')).toBe(401)
  })

  it('what listens in its place without its key is shown no token, and a place others could write to is not believed', async () => {
    const { default: http } = await import('node:http')
    const seen: string[] = []
    const impostor = http.createServer((request, response) => {
      seen.push(String(request.headers.authorization))
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: 'larder',
          version: '0.1.0',
          apiVersion: 1,
          integration: { enabled: true, defaultStaggerRangeSeconds: 0 },
          proof: null,
          signature: 'ab'.repeat(70)
        })
      )
    })
    await new Promise<void>((listening) => impostor.listen(0, '127.0.0.1', listening))
    const file = JSON.parse(readFileSync(join(place, 'agent.json'), 'utf8')) as object
    const there = join(root, 'elsewhere')
    mkdirSync(there)
    writeFileSync(
      join(there, 'agent.json'),
      JSON.stringify({ ...file, apiPort: (impostor.address() as { port: number }).port })
    )
    const misled = new User(join(root), 65_503, there)
    try {
      expect((await misled.calls('agent.status')).code).toBe('AGENT_NOT_RUNNING')
      expect(new Set(seen)).toEqual(new Set(['undefined']))
      // The true agent, told of in a folder that Ben owns.
      chmodSync(there, 0o777)
      writeFileSync(join(there, 'agent.json'), JSON.stringify(file))
      expect((await misled.calls('agent.status')).code).toBe('AGENT_NOT_RUNNING')
      chmodSync(there, 0o755)
      expect((await misled.calls('agent.status')).value).toMatchObject({ state: 'running' })
      expect(seen.length).toBeGreaterThan(0)
    } finally {
      await misled.end()
      impostor.close()
    }
  })

  it('after the agent has started again each user goes on with what was theirs, and old tokens open nothing', async () => {
    const before = JSON.parse(readFileSync(join(anna.home, 'data', 'machine-token.json'), 'utf8')) as { token: string }
    await running.stop()
    running = await start()
    expect(
      (
        await fetch(`http://127.0.0.1:${running.apiPort}/v1/status`, {
          headers: { authorization: `Bearer ${before.token}` }
        })
      ).status
    ).toBe(401)
    const { value } = await anna.does({
      do: 'download',
      spec: { url: `${origin.url}/annas-secret.bin`, destination: join(anna.home, 'again.bin') }
    })
    expect(value).toMatchObject({ source: 'agent', split: { cacheBytes: 2_500_000 } })
    const own = new User(root, 65_504, place)
    await own.end()
    expect(running.agent.requests().map(({ id }) => id)).toContain(done.id)
  })
})
