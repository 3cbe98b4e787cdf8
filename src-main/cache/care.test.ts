import { once } from 'node:events'
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { effectiveLimits } from './cache-limits.ts'
import { layoutOf } from './layout.ts'
import { MIB, sample, store, testCache, type TestCache } from '../testing/cache/test-cache.ts'

const DAY = 24 * 3600_000
const GIB = 1024 ** 3
const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>
beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

const peer = (digit: string) => digit.repeat(64) as PeerId
const none = { maxBytes: null, maxDiskPercent: null, minFreeBytes: 0, maxAgeDays: null }

test('the smaller one of size and share of the disk holds; without either a tenth, at most 50 GiB', () => {
  expect(effectiveLimits(none, 100 * GIB).maxBytes).toBe(10 * GIB)
  expect(effectiveLimits(none, 10_000 * GIB).maxBytes).toBe(50 * GIB)
  expect(effectiveLimits({ ...none, maxBytes: 80 * GIB }, 100 * GIB).maxBytes).toBe(80 * GIB)
  expect(effectiveLimits({ ...none, maxBytes: 80 * GIB, maxDiskPercent: 50 }, 100 * GIB).maxBytes).toBe(50 * GIB)
  expect(effectiveLimits({ ...none, maxDiskPercent: 50, maxAgeDays: 2 }, 1000 * GIB)).toEqual({
    maxBytes: 500 * GIB,
    minFreeBytes: 0,
    maxAgeMs: 2 * DAY
  })
})

test('a pin with an end protects until then and is gone by itself, through a restart and a lost index', async () => {
  let cache = await at.open()
  const [pinned, other] = [sample(MIB), sample(MIB)]
  for (const one of [pinned, other]) await store(cache, one)
  cache.pin(pinned.sha256, true, at.clock.wallMs() + 2 * DAY)
  await at.clock.pass(120_000)
  await cache.setLimits({ ...none, maxBytes: MIB })
  expect([cache.find(pinned.sha256) !== undefined, cache.find(other.sha256) !== undefined]).toEqual([true, false])
  await cache.close()
  await rm(join(at.dir, 'index-v1.sqlite'))
  cache = await at.open({ maxBytes: MIB })
  expect(cache.detail(pinned.sha256)!.entry).toMatchObject({
    pinned: true,
    pinnedUntil: at.clock.wallMs() + 2 * DAY - 120_000
  })
  at.clock.jumpWall(2 * DAY - 190_000)
  await at.clock.pass(60_000)
  expect(cache.stats().pinned).toBe(1)
  await at.clock.pass(60_000)
  expect(cache.stats().pinned).toBe(0)
  expect(cache.detail(pinned.sha256)!.entry).toMatchObject({ pinned: false, pinnedUntil: null })
})

test('of a low priority goes first, of a high one last, however recently they were used', async () => {
  const cache = await at.open()
  const [high, normal, low] = [sample(MIB), sample(MIB), sample(MIB)]
  for (const one of [high, normal, low]) {
    await store(cache, one)
    await at.clock.pass(1000)
  }
  cache.setPriority(high.sha256, 'high')
  cache.setPriority(low.sha256, 'low')
  await at.clock.pass(120_000)
  const there = () => [high, normal, low].map(({ sha256 }) => cache.find(sha256) !== undefined)
  await cache.setLimits({ ...none, maxBytes: 2 * MIB })
  expect(there()).toEqual([true, true, false])
  await cache.setLimits({ ...none, maxBytes: MIB })
  expect(there()).toEqual([true, false, false])
  expect(cache.stats()).toMatchObject({ maxBytes: MIB, evictedLastHour: { contents: 2, bytes: 2 * MIB } })
  await at.clock.pass(3600_000)
  expect(cache.stats()).toMatchObject({ evictions: 2, evictedLastHour: { contents: 0, bytes: 0 } })
})

test('what nobody used for too long goes, with its reason', async () => {
  const cache = await at.open({ maxAgeDays: 3 })
  const [old, used] = [sample(MIB), sample(MIB)]
  for (const one of [old, used]) await store(cache, one)
  const reasons: string[] = []
  cache.on('evicted', ({ sha256, reason }) => reasons.push(`${sha256 === old.sha256 ? 'old' : 'used'} ${reason}`))
  at.clock.jumpWall(2 * DAY)
  cache.noteHit(used.sha256)
  at.clock.jumpWall(DAY + 60_000)
  const gone = once(cache, 'evicted')
  await at.clock.pass(60_000)
  await gone
  expect(reasons).toEqual(['old age'])
})

test('it is told to whom how much was served', async () => {
  const cache = await at.open()
  const content = sample(MIB)
  await store(cache, content)
  cache.noteServed(content.sha256, 100, peer('a'))
  cache.noteServed(content.sha256, 50, peer('b'))
  cache.noteServed(content.sha256, 7)
  await at.clock.pass(10_000)
  cache.noteServed(content.sha256, 100, peer('b'))
  expect(cache.detail(content.sha256)).toMatchObject({
    entry: { servedBytes: 257, urls: [content.version.url] },
    servedTo: [
      { peer: peer('b'), bytes: 150 },
      { peer: peer('a'), bytes: 100 }
    ]
  })
  await cache.remove(content.sha256)
  await store(cache, content)
  expect(cache.detail(content.sha256)!.servedTo).toEqual([])
})

test('an index of the former schema is brought up and keeps its counts', async () => {
  let cache = await at.open()
  const content = sample(MIB)
  await store(cache, content)
  cache.noteHit(content.sha256)
  await cache.close()
  const db = new DatabaseSync(join(at.dir, 'index-v1.sqlite'))
  db.exec(
    'DROP INDEX contents_by_eviction; ALTER TABLE contents DROP COLUMN pinned_until; ALTER TABLE contents DROP COLUMN priority; DROP TABLE served; ALTER TABLE keys DROP COLUMN verified_by; ALTER TABLE keys DROP COLUMN source; ALTER TABLE keys DROP COLUMN signers; PRAGMA user_version = 1'
  )
  db.close()
  cache = await at.open()
  expect(cache.detail(content.sha256)!.entry).toMatchObject({ hits: 1, priority: 'normal', pinnedUntil: null })
})

test('moving out of another folder brings contents, pins, priorities and counts, and leaves nothing behind', async () => {
  const from = join(at.outside, 'former')
  const old = await at.open({ dir: from })
  const contents = [sample(MIB), sample(10), sample(3 * MIB)]
  for (const one of contents) await store(old, one)
  old.pin(contents[0]!.sha256, true, at.clock.wallMs() + DAY)
  old.setPriority(contents[1]!.sha256, 'high')
  old.noteHit(contents[2]!.sha256)
  await old.close()
  const cache = await at.open()
  await store(cache, contents[1]!)
  const seen: number[] = []
  cache.on('changed', () => seen.push(cache.stats().moving?.done ?? -1))
  await cache.takeIn(from)
  expect(seen).toEqual([0, 1, 2, 3, -1])
  expect(cache.stats()).toMatchObject({ entries: 3, pinned: 1, moving: null })
  expect(cache.detail(contents[2]!.sha256)!.entry.hits).toBe(1)
  expect(cache.detail(contents[0]!.sha256)!.entry.pinnedUntil).toBe(at.clock.wallMs() + DAY)
  expect(cache.version(contents[0]!.version.url)?.key).toBe(contents[0]!.key)
  for (const one of contents) {
    await cache.deliver(one.sha256, join(at.outside, 'out'), { overwrite: true })
    expect((await readFile(join(at.outside, 'out'))).equals(one.bytes)).toBe(true)
  }
  await expect(readdir(from)).rejects.toMatchObject({ code: 'ENOENT' })
  await cache.takeIn(from)
})

test('a move that was cut short at any point goes on and loses nothing', async () => {
  // The states a power cut can leave of one content: sidecar copied; bytes over, old sidecar there; both over, row missing.
  for (const state of ['sidecar copied', 'bytes moved', 'row missing'] as const) {
    const from = join(at.outside, `former-${state}`)
    const old = await at.open({ dir: from })
    const content = sample(2 * MIB)
    await store(old, content)
    old.pin(content.sha256, true)
    await old.close()
    const here = layoutOf(at.dir)
    const there = layoutOf(from)
    await mkdir(join(here.content(content.sha256), '..'), { recursive: true })
    await copyFile(there.sidecar(content.sha256), here.sidecar(content.sha256))
    if (state !== 'sidecar copied') {
      await copyFile(there.content(content.sha256), here.content(content.sha256))
      await rm(there.content(content.sha256))
    }
    if (state === 'row missing') await rm(there.sidecar(content.sha256))
    // Who died did not say goodbye.
    await rm(here.clean, { force: true })
    const cache = await at.open()
    await cache.takeIn(from)
    expect(cache.detail(content.sha256)?.entry, state).toMatchObject({ pinned: true, lengthBytes: 2 * MIB })
    await cache.deliver(content.sha256, join(at.outside, 'out'), { overwrite: true })
    await cache.close()
  }
})

test('a folder that somebody uses is left alone, and so is what is no cache', async () => {
  const from = join(at.outside, 'former')
  const old = await at.open({ dir: from })
  const content = sample(MIB)
  await store(old, content)
  const cache = await at.open()
  await expect(cache.takeIn(from)).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING' })
  expect(cache.stats().moving?.problem).toContain('Another Larder')
  expect(old.find(content.sha256)).toBeDefined()
  await mkdir(join(at.outside, 'other'))
  await cache.takeIn(join(at.outside, 'other'))
  expect(await readdir(join(at.outside, 'other'))).toEqual([])
})
