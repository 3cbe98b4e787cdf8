import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../lib/clock.ts'
import { startAgentRig } from '../testing/agent-rig.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { createDownloader } from './downloader.ts'
import { download } from './download.ts'
import type { DownloadOptions, DownloadProgress, DownloadSpec } from './download-types.ts'
import { RetainedContents } from './retained.ts'

const first = Buffer.from('version one '.repeat(2000))
const second = Buffer.from('version two '.repeat(3000))

let dir: string
let dataDir: string
let origin: OriginServer
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-unserved-'))
  dataDir = join(dir, 'data')
  await mkdir(dataDir)
  origin = await startOriginServer()
})
afterEach(async () => {
  await origin.close()
  await rm(dir, { recursive: true })
})

const options = (more: DownloadOptions = {}): DownloadOptions => ({
  dataDir,
  policyFile: join(dir, 'policy.json'),
  stagger: false,
  ...more
})
const get = (spec: DownloadSpec, more?: DownloadOptions) => download(spec, options(more))
const settings = (value: object) => writeFile(join(dataDir, 'settings.json'), JSON.stringify(value))
const policy = (value: object) => writeFile(join(dir, 'policy.json'), JSON.stringify(value))
/** Bodies that were asked for. */
const gets = (path?: string) => origin.requests(path).filter(({ method }) => method === 'GET').length
const retained = () => new RetainedContents(dataDir, systemClock)

describe('a resource, while no agent serves this PC,', () => {
  test('is downloaded once, and delivered from there while it is unchanged at the origin', async () => {
    const url = origin.put('/module.zip', first)
    expect(await get({ url, destination: join(dir, 'a') })).toMatchObject({ source: 'direct', reason: 'agent-absent' })
    const told: DownloadProgress[] = []
    // No wait: only what has to come from the origin waits.
    const again = await get(
      { url, destination: join(dir, 'b') },
      { stagger: true, random: () => 0.99, onProgress: (now) => told.push(now) }
    )
    expect(again).toMatchObject({
      source: 'retained',
      reason: 'agent-absent',
      waitedMs: 0,
      stale: false,
      split: { originBytes: 0, peerBytes: 0, cacheBytes: first.length }
    })
    expect((await readFile(join(dir, 'b'))).equals(first)).toBe(true)
    expect([gets(), told]).toEqual([1, []])
    expect((await get({ url })).data?.equals(first)).toBe(true)
    expect(gets()).toBe(1)
  })

  test('that has changed is downloaded again, after the wait, and replaces the old version', async () => {
    const url = origin.put('/module.zip', first)
    await get({ url })
    origin.put('/module.zip', second)
    const told: DownloadProgress[] = []
    const result = await get({ url }, { stagger: true, staggerRangeSeconds: 0.01, onProgress: (now) => told.push(now) })
    expect(result).toMatchObject({ source: 'direct' })
    expect(result.data?.equals(second)).toBe(true)
    expect(told[0]).toMatchObject({ phase: 'stagger' })
    expect(await retained().stats()).toMatchObject({ contents: 1, bytes: second.length })
    expect((await get({ url })).source).toBe('retained')
  })

  test('whose copy was damaged is downloaded again; damaged bytes are never delivered', async () => {
    const url = origin.put('/module.zip', first)
    await get({ url })
    const { dir: folder } = await retained().stats()
    const name = (await readdir(folder)).find((file) => !file.endsWith('.json'))!
    await writeFile(join(folder, name), Buffer.alloc(first.length, 'x'))
    const result = await get({ url, destination: join(dir, 'out') })
    expect(result.source).toBe('direct')
    expect((await readFile(join(dir, 'out'))).equals(first)).toBe(true)
    expect((await readdir(dir)).toSorted()).toEqual(['data', 'out'])
    expect((await get({ url })).source).toBe('retained')
  })

  test('is not taken when another digest is expected', async () => {
    const url = origin.put('/module.zip', first)
    await get({ url })
    origin.put('/module.zip', second)
    const integrity = createHash('sha256').update(second).digest('hex')
    expect(await get({ url, integrity })).toMatchObject({ source: 'direct', sha256: integrity })
  })

  test('is delivered as stale only where the caller allows it and the origin is out of reach', async () => {
    const url = origin.put('/module.zip', first)
    await get({ url })
    await origin.close()
    await expect(get({ url, timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    expect(await get({ url, allowStale: true })).toMatchObject({ source: 'retained', stale: true })
  })

  test.each<[string, object, DownloadSpec['headers']]>([
    ['the origin says no-store', { headers: { 'cache-control': 'no-store' } }, undefined],
    ['the origin says private', { headers: { 'cache-control': 'private' } }, undefined],
    ['the request carries a credential', {}, { 'X-Api-Key': 'k' }],
    ['the request carries a field nobody has heard of', {}, { 'X-Team': 'blue' }]
  ])('is not kept when %s', async (_why, file, headers) => {
    const url = origin.put('/secret', first, file)
    await get({ url, ...(headers && { headers }) })
    expect(await retained().stats()).toMatchObject({ contents: 0 })
  })

  test('is kept within the limit: the least recently used goes first, and what is too long is not kept at all', async () => {
    await settings({ integration: { retainedMaxBytes: 2.5 * first.length } })
    const urls = ['/1', '/2', '/3'].map((path) => origin.put(path, Buffer.from(first)))
    const clock: Clock = { ...systemClock, wallMs: () => Date.now() + 60_000 }
    await get({ url: urls[0]! })
    await get({ url: urls[1]! })
    await get({ url: urls[0]! }, { clock })
    await get({ url: urls[2]! })
    expect((await retained().stats()).contents).toBe(2)
    expect((await get({ url: urls[0]! })).source).toBe('retained')
    expect((await get({ url: urls[1]! })).source).toBe('direct')
    await settings({ integration: { retainedMaxBytes: 0 } })
    await get({ url: origin.put('/4', first) })
    expect((await get({ url: origin.put('/4', first) })).source).toBe('direct')
  })

  test('is not kept on a disk that is too full, and the download does not mind', async () => {
    await settings({ cache: { minFreeBytes: Number.MAX_SAFE_INTEGER } })
    expect((await get({ url: origin.put('/module.zip', first) })).source).toBe('direct')
    expect((await retained().stats()).contents).toBe(0)
  })

  test('is kept neither by a fallback of a running agent nor by a plain direct download', async () => {
    const url = origin.put('/module.zip', first)
    await get({ url }, { agent: false })
    expect((await retained().stats()).contents).toBe(0)
  })

  test('many at the same time all get the right bytes', async () => {
    const url = origin.put('/module.zip', first)
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) => get({ url, destination: join(dir, `out-${n}`) }))
    )
    expect(new Set(results.map(({ sha256 }) => sha256)).size).toBe(1)
    expect((await readdir((await retained().stats()).dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect((await get({ url })).source).toBe('retained')
  })
})

describe('a script, while no agent serves this PC,', () => {
  test('leaves nothing on the disk, and each use downloads the latest version', async () => {
    const url = origin.put('/inventory.ps1', first)
    await get({ url, kind: 'script' })
    origin.put('/inventory.ps1', second)
    expect((await get({ url, kind: 'script' })).data?.equals(second)).toBe(true)
    expect(gets()).toBe(2)
    expect(await readdir(dataDir)).toEqual([])
  })

  test('comes from the memory of a program that asks again shortly, without asking the origin', async () => {
    const url = origin.put('/inventory.ps1', first)
    let late = 0
    const clock: Clock = { ...systemClock, monotonicMs: () => performance.now() + late }
    const again = createDownloader(options({ clock }))
    await again({ url, kind: 'script', destination: join(dir, 'a') })
    const asked = origin.requests().length
    const result = await again({ url, kind: 'script', destination: join(dir, 'b') })
    expect(result).toMatchObject({ source: 'memory', waitedMs: 0, split: { originBytes: 0, cacheBytes: first.length } })
    expect((await readFile(join(dir, 'b'))).equals(first)).toBe(true)
    expect(origin.requests().length).toBe(asked)
    late = 60_000
    expect((await again({ url, kind: 'script' })).source).toBe('direct')
    await settings({ integration: { scriptMemoryCacheSeconds: 0 } })
    expect((await again({ url, kind: 'script' })).source).toBe('direct')
  })

  test('that is too long for the memory, private, or to have another digest is downloaded', async () => {
    const again = createDownloader(options())
    await settings({ integration: { scriptMemoryCacheBytes: 100 } })
    const long = origin.put('/long.ps1', first)
    await again({ url: long, kind: 'script' })
    expect((await again({ url: long, kind: 'script' })).source).toBe('direct')
    await settings({})
    const own = origin.put('/own.ps1', first, { headers: { 'cache-control': 'private' } })
    await again({ url: own, kind: 'script' })
    expect((await again({ url: own, kind: 'script' })).source).toBe('direct')
    const url = origin.put('/other.ps1', first)
    await again({ url, kind: 'script' })
    await expect(again({ url, kind: 'script', integrity: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH'
    })
  })
})

describe('the policy of the machine', () => {
  test('is what a download without the agent goes by', async () => {
    await settings({
      integration: { defaultStaggerRangeSeconds: 9 },
      backgroundChannel: { url: 'https://elsewhere.example' }
    })
    await policy({
      settings: {
        integration: { defaultStaggerRangeSeconds: 0.02 },
        backgroundChannel: { url: origin.put('/folder/', first) }
      }
    })
    origin.put('/folder/file.bin', first)
    const told: DownloadProgress[] = []
    const result = await get(
      { url: 'file.bin' },
      { stagger: true, random: () => 0.5, onProgress: (now) => told.push(now) }
    )
    expect(result.data?.equals(first)).toBe(true)
    expect(told[0]).toEqual({ phase: 'stagger', reason: 'agent-absent', waitMs: 10, leftMs: 10 })
  })

  test('that turns the integration off is given as the reason, with and without an agent', async () => {
    const url = origin.put('/module.zip', first)
    await policy({ settings: { integration: { enabled: false } } })
    expect((await get({ url })).reason).toBe('integration-off')
    const rig = await startAgentRig({ settings: { integration: { enabled: false } } })
    try {
      expect(await get({ url }, { dataDir: rig.dataDir })).toMatchObject({
        source: 'direct',
        reason: 'integration-off'
      })
      expect(await get({ url }, { dataDir: rig.dataDir })).toMatchObject({
        source: 'retained',
        reason: 'integration-off'
      })
    } finally {
      await rig.close()
    }
  })

  test('that is broken does not stop a download', async () => {
    await writeFile(join(dir, 'policy.json'), '{broken')
    expect((await get({ url: origin.put('/module.zip', first) })).source).toBe('direct')
  })
})
