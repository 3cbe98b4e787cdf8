import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'
import type { AgentRig } from '../testing/agent-rig.ts'
import { startAgentRig } from '../testing/agent-rig.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { download } from './download.ts'
import type { DownloadOptions, DownloadProgress } from './download-types.ts'

const data = Buffer.from('the right bytes '.repeat(1000))
const sha256 = createHash('sha256').update(data).digest('hex')

let dir: string
let origin: OriginServer
let url: string
let rig: AgentRig | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-download-'))
  origin = await startOriginServer()
  url = origin.put('/folder/file.bin', data)
})
afterEach(async () => {
  await rig?.close()
  rig = undefined
  await origin.close()
  await rm(dir, { recursive: true })
})

/** Nobody is there. */
const alone = (options: DownloadOptions = {}): DownloadOptions => ({
  dataDir: join(dir, 'no-agent'),
  policyFile: join(dir, 'no-policy'),
  stagger: false,
  ...options
})
/** The folder, without what direct downloads keep for themselves. */
const files = async () => (await readdir(dir)).filter((name) => name !== 'no-agent')
const target = () => join(dir, 'out')
const content = () => readFile(target())

async function withAgent(options: Parameters<typeof startAgentRig>[0] = {}): Promise<AgentRig> {
  return (rig = await startAgentRig(options))
}

describe('without an agent', () => {
  test('the file comes directly from the origin', async () => {
    const result = await download({ url, destination: target() }, alone())
    expect(result).toMatchObject({
      source: 'direct',
      reason: 'agent-absent',
      path: target(),
      data: null,
      lengthBytes: data.length,
      sha256,
      split: { originBytes: data.length, peerBytes: 0, cacheBytes: 0 },
      stale: false,
      request: null,
      waitedMs: 0
    })
    expect((await content()).equals(data)).toBe(true)
    expect(await files()).toEqual(['out'])
  })

  test('it waits a random part of the stagger range first, and says so', async () => {
    const clock = fakeClock()
    const told: DownloadProgress[] = []
    let waiting: (() => void) | undefined
    const said = new Promise<void>((done) => (waiting = done))
    const running = download(
      { url },
      {
        dataDir: join(dir, 'none'),
        policyFile: join(dir, 'no-policy'),
        clock,
        random: () => 0.25,
        staggerRangeSeconds: 40,
        onProgress: (now) => (told.push(now), now.phase === 'stagger' && waiting!())
      }
    )
    await said
    expect(told).toEqual([{ phase: 'stagger', reason: 'agent-absent', waitMs: 10_000, leftMs: 10_000 }])
    await clock.pass(9_999)
    expect(told.map((now) => now.phase === 'stagger' && now.leftMs)).toEqual([
      10_000, 9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000, 1000
    ])
    expect(origin.requests()).toEqual([])
    const pump = setInterval(() => void clock.pass(1), 1)
    const result = await running.finally(() => clearInterval(pump))
    expect(result.waitedMs).toBe(10_000)
    expect(result.data?.equals(data)).toBe(true)
  })

  test('the stagger range comes from the settings of this PC', async () => {
    await writeFile(join(dir, 'settings.json'), JSON.stringify({ integration: { defaultStaggerRangeSeconds: 0.02 } }))
    const told: DownloadProgress[] = []
    await download({ url }, { dataDir: dir, random: () => 0.5, onProgress: (now) => told.push(now) })
    expect(told[0]).toEqual({ phase: 'stagger', reason: 'agent-absent', waitMs: 10, leftMs: 10 })
  })

  test('cancelling ends the wait', async () => {
    const cancel = new AbortController()
    const running = download(
      { url, destination: target() },
      { dataDir: join(dir, 'none'), random: () => 0.99, signal: cancel.signal, onProgress: () => cancel.abort() }
    )
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await files()).toEqual([])
  })

  test('the name comes from the URL when a folder is given', async () => {
    const result = await download({ url: `${url}?version=1`, destination: dir }, alone())
    expect(result.path).toBe(join(dir, 'file.bin'))
  })

  test('what the origin proposes as name is ignored', async () => {
    const named = origin.put('/get', data, { headers: { 'content-disposition': 'attachment; filename="../../evil"' } })
    expect((await download({ url: named, destination: dir }, alone())).path).toBe(join(dir, 'get'))
  })

  test('without destination the bytes are in the result, up to a limit', async () => {
    expect((await download({ url }, alone())).data?.equals(data)).toBe(true)
    await expect(download({ url }, alone({ maxMemoryBytes: data.length - 1 }))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      details: { field: 'destination' }
    })
  })

  test('the expected digest is checked before anything is replaced', async () => {
    await writeFile(target(), 'old')
    await expect(download({ url, destination: target(), integrity: '0'.repeat(64) }, alone())).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH'
    })
    expect(String(await content())).toBe('old')
    expect(await files()).toEqual(['out'])
    await download({ url, destination: target(), integrity: sha256 }, alone())
    await download(
      { url, destination: target(), integrity: `sha256-${Buffer.from(sha256, 'hex').toString('base64')}` },
      alone()
    )
    expect((await content()).equals(data)).toBe(true)
  })

  test('a digest published by the origin is checked as well', async () => {
    const lying = origin.put('/lying', data, {
      headers: { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }
    })
    await expect(download({ url: lying, destination: target() }, alone())).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH'
    })
    expect(await files()).toEqual([])
  })

  test('a broken connection is resumed within the call', async () => {
    const big = Buffer.alloc(3 * 1024 * 1024, 'resume')
    const flaky = origin.put('/flaky', big, { faults: { resetAfter: { bytes: 1024 * 1024, times: 1 } } })
    await download({ url: flaky, destination: target() }, alone())
    expect((await content()).equals(big)).toBe(true)
    expect(origin.requests('/flaky').some(({ range }) => range !== null && !range.startsWith('bytes=0-'))).toBe(true)
  })

  test.each<[string, number, ErrorCode]>([
    ['not found', 404, 'ORIGIN_NOT_FOUND'],
    ['forbidden', 403, 'ORIGIN_FORBIDDEN']
  ])('%s at the origin is an error that leaves nothing', async (_what, status, code) => {
    const refused = origin.put('/refused', data, { faults: { statuses: Array.from({ length: 20 }, () => status) } })
    await expect(download({ url: refused, destination: target() }, alone())).rejects.toMatchObject({ code })
    expect(await files()).toEqual([])
  })

  test('the timeout limits the whole and leaves nothing', async () => {
    const silent = origin.put('/silent', data, { faults: { silent: {} } })
    await expect(download({ url: silent, destination: target(), timeoutMs: 200 }, alone())).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { timeoutMs: 200 }
    })
    expect(await files()).toEqual([])
  })

  test('header fields reach the origin', async () => {
    const guarded = origin.put('/guarded', data, { authorization: 'Bearer key' })
    await download({ url: guarded, destination: target(), headers: { Authorization: 'Bearer key' } }, alone())
    expect((await content()).equals(data)).toBe(true)
  })

  test('a relative URL is resolved against the background channel of this PC', async () => {
    await writeFile(
      join(dir, 'settings.json'),
      JSON.stringify({ backgroundChannel: { url: new URL('/folder', url).href } })
    )
    expect((await download({ url: 'file.bin' }, alone({ dataDir: dir }))).sha256).toBe(sha256)
    await expect(download({ url: 'file.bin' }, alone())).rejects.toMatchObject({ code: 'BACKGROUND_CHANNEL_UNSET' })
  })

  test.each<[object, ErrorCode]>([
    [{ url: 'ftp://h/x' }, 'URL_SCHEME_UNSUPPORTED'],
    [{ url: 'http://' }, 'URL_INVALID'],
    [{ url: '//host/x' }, 'URL_INVALID'],
    [{ url: '' }, 'BAD_REQUEST'],
    [{ url: 'http://h/x', integrity: 'md5-x' }, 'DIGEST_INVALID'],
    [{ url: 'http://h/x', timeoutMs: 1 }, 'BAD_REQUEST'],
    [{ url: 'http://h/x', headers: { 'a b': 'c' } }, 'BAD_REQUEST'],
    [{ url: 'http://h/x', destination: '/no/such/folder/x' }, 'DESTINATION_INVALID']
  ])('%j → %s, before anybody is asked', async (spec, code) => {
    await expect(
      download(spec as { url: string }, alone({ staggerRangeSeconds: 1000, stagger: true }))
    ).rejects.toMatchObject({ code })
  })
})

describe('with an agent', () => {
  test('it is asked, and its answer is the result', async () => {
    const { double, dataDir } = await withAgent()
    const split = { originBytes: 0, peerBytes: data.length, cacheBytes: 0 }
    double.onRequest = ({ id }) => {
      double.update(id, { state: 'active', haveBytes: 5, role: 'follower' })
      double.update(id, { reasons: [{ code: 'busy', text: 'x', at: 1 }] })
      double.finish(id, data, split)
    }
    const told: DownloadProgress[] = []
    const result = await download(
      { url, destination: target(), kind: 'script', integrity: sha256 },
      { dataDir, onProgress: (now) => told.push(now) }
    )
    expect(result).toMatchObject({
      source: 'agent',
      reason: 'busy',
      path: target(),
      data: null,
      sha256,
      split,
      request: { role: 'follower' }
    })
    expect((await content()).equals(data)).toBe(true)
    expect(double.specs).toMatchObject([{ url, destination: target(), kind: 'script', integrity: sha256 }])
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['agent']))
    expect(origin.requests()).toEqual([])
  })

  test('without destination the bytes come through the API', async () => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => double.finish(id, data)
    const result = await download({ url }, { dataDir })
    expect(result).toMatchObject({ source: 'agent', path: null })
    expect(result.data?.equals(data)).toBe(true)
    await expect(download({ url }, { dataDir, maxMemoryBytes: 10 })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  test('bytes the agent did not keep, or has damaged, come from the origin', async () => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => {
      const view = double.finish(id, data)
      double.cacheDouble.damage(view.sha256!, 3)
    }
    const result = await download({ url }, { dataDir })
    expect(result.source).toBe('direct')
    expect(result.data?.equals(data)).toBe(true)
    double.onRequest = ({ id }) => void double.cacheDouble.remove(double.finish(id, data).sha256!)
    expect((await download({ url }, { dataDir })).source).toBe('direct')
  })

  test('an agent that dies is replaced by the origin at once, without a wait', async () => {
    const { double, dataDir, running } = await withAgent()
    double.onRequest = ({ id }) => {
      double.update(id, { state: 'active', haveBytes: 100 })
      void running.stop()
    }
    const told: DownloadProgress[] = []
    const result = await download(
      { url, destination: target() },
      { dataDir, random: () => 0.9, onProgress: (now) => told.push(now) }
    )
    expect(result).toMatchObject({ source: 'direct', reason: 'agent-absent', waitedMs: 0 })
    expect((await content()).equals(data)).toBe(true)
    expect(told.map(({ phase }) => phase)).toContain('fallback')
  })

  test.each([
    [0, 'no-first-byte'],
    [100, 'no-progress']
  ])(
    'an agent that stands still at byte %i is given up, told so, and replaced by the origin',
    async (haveBytes, reason) => {
      const { double, dataDir } = await withAgent()
      double.onRequest = ({ id }) => double.update(id, { state: 'active', haveBytes })
      const result = await download({ url, destination: target() }, { dataDir, fallbackMs: 150 })
      expect(result).toMatchObject({ source: 'direct', reason, sha256 })
      expect(double.requests().map(({ state }) => state)).toEqual(['cancelled'])
      expect(double.fallbacks).toEqual([reason])
    }
  )

  test('an agent that moves is not given up', async () => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => {
      let haveBytes = 0
      const step = () => {
        haveBytes += 10
        if (haveBytes > 80) return double.finish(id, data)
        double.update(id, { state: 'active', haveBytes })
        return setTimeout(step, 100)
      }
      step()
    }
    expect(await download({ url, destination: target() }, { dataDir, fallbackMs: 300 })).toMatchObject({
      source: 'agent'
    })
  })

  test('a request that was paused waits, to the limit of the caller', async () => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => double.pause(id)
    await expect(
      download({ url, destination: target(), timeoutMs: 500 }, { dataDir, fallbackMs: 50 })
    ).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(origin.requests()).toEqual([])
    await expect.poll(() => double.requests()[0]!.state).toBe('cancelled')
  })

  test('cancelling cancels at the agent', async () => {
    const { double, dataDir } = await withAgent()
    const cancel = new AbortController()
    double.onRequest = () => cancel.abort()
    await expect(download({ url, destination: target() }, { dataDir, signal: cancel.signal })).rejects.toMatchObject({
      code: 'CANCELLED'
    })
    expect(double.requests()[0]!.state).toBe('cancelled')
    expect(origin.requests()).toEqual([])
  })

  test.each<[ErrorCode, string]>([
    ['ORIGIN_UNREACHABLE', 'origin-error'],
    ['SHUTTING_DOWN', 'agent-absent'],
    ['BUSY', 'busy'],
    ['TIMEOUT', 'timeout'],
    ['CACHE_UNUSABLE', 'no-progress'],
    ['INTERNAL', 'no-progress']
  ])('its failure with %s leads to the origin', async (code, reason) => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => double.fail(id, new LarderError(code, 'no'))
    expect(await download({ url, destination: target() }, { dataDir })).toMatchObject({
      source: 'direct',
      reason,
      sha256
    })
  })

  test.each<ErrorCode>([
    'ORIGIN_NOT_FOUND',
    'ORIGIN_FORBIDDEN',
    'DIGEST_MISMATCH',
    'DESTINATION_UNWRITABLE',
    'DESTINATION_EXISTS',
    'DESTINATION_BUSY',
    'CANCELLED'
  ])('its failure with %s is final', async (code) => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => double.fail(id, new LarderError(code, 'no', { fact: 1 }))
    await expect(download({ url, destination: target() }, { dataDir })).rejects.toMatchObject({
      code,
      message: 'no',
      details: { fact: 1 }
    })
    expect(origin.requests()).toEqual([])
  })

  test('a private content without a destination comes into memory, directly', async () => {
    const { double, dataDir } = await withAgent()
    const error = new LarderError('DESTINATION_INVALID', 'name a file', { private: true })
    double.onRequest = ({ id }) => double.fail(id, error)
    const result = await download({ url }, { dataDir })
    expect(result).toMatchObject({ source: 'direct', reason: 'private', sha256, path: null })
    expect(result.data?.equals(data)).toBe(true)
  })

  test('the agent gets what is left of the time', async () => {
    const { double, dataDir } = await withAgent()
    double.onRequest = ({ id }) => double.finish(id, data)
    await download({ url, destination: target(), timeoutMs: 60_000 }, { dataDir })
    expect(double.specs[0]!.timeoutMs).toBeLessThanOrEqual(60_000)
    expect(double.specs[0]!.timeoutMs).toBeGreaterThan(40_000)
  })

  test('a watch that breaks while the agent lives is taken up again', async () => {
    const { double, dataDir } = await withAgent()
    let asked = 0
    const view = double.requestView.bind(double)
    double.requestView = (id) => {
      // What the first watch asks fails; the later ones see the request and its end.
      if (++asked === 1) throw new TypeError('hiccup')
      if (asked === 3) setImmediate(() => double.finish(id, data))
      return view(id)
    }
    expect(await download({ url, destination: target() }, { dataDir })).toMatchObject({ source: 'agent' })
    expect(asked).toBeGreaterThanOrEqual(3)
  })

  test('with the integration off it is not asked; the download waits, and is direct', async () => {
    const { double, dataDir } = await withAgent({
      settings: { integration: { enabled: false, defaultStaggerRangeSeconds: 0.02 } }
    })
    const told: DownloadProgress[] = []
    const result = await download(
      { url, destination: target() },
      { dataDir, random: () => 0.5, onProgress: (now) => told.push(now) }
    )
    expect(result).toMatchObject({ source: 'direct', reason: 'integration-off', waitedMs: 10 })
    expect(told[0]).toEqual({ phase: 'stagger', reason: 'integration-off', waitMs: 10, leftMs: 10 })
    expect(double.specs).toEqual([])
  })

  test('an unsupported one is not asked', async () => {
    const { double, dataDir } = await withAgent()
    expect(
      await download({ url, destination: target() }, { dataDir, supported: { min: 2, max: 2 }, stagger: false })
    ).toMatchObject({ source: 'direct', reason: 'agent-unsupported' })
    expect(double.specs).toEqual([])
  })

  test('it is not looked for when the caller does not want it', async () => {
    const { double, dataDir } = await withAgent()
    expect(await download({ url, destination: target() }, { dataDir, agent: false, random: () => 0.9 })).toMatchObject({
      source: 'direct',
      reason: null,
      waitedMs: 0
    })
    expect(double.specs).toEqual([])
  })

  test('it gets a relative URL as it is', async () => {
    const { double, dataDir } = await withAgent()
    await mkdir(join(dir, 'in'))
    double.onRequest = ({ id }) => double.finish(id, data)
    await expect(download({ url: 'modules/x.zip', destination: join(dir, 'in') }, { dataDir })).rejects.toMatchObject({
      code: 'BACKGROUND_CHANNEL_UNSET'
    })
    double.request = new Proxy(double.request, {
      apply: (call, self, [spec]) => Reflect.apply(call, self, [{ ...spec, url: `http://channel/${spec.url}` }])
    })
    expect((await download({ url: 'modules/x.zip', destination: join(dir, 'in') }, { dataDir })).path).toBe(
      join(dir, 'in', 'x.zip')
    )
  })
})
