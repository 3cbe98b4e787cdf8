import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import type { Cache } from './cache.ts'
import {
  fill,
  MIB,
  pieceOf,
  recordOf,
  sample,
  sha,
  store,
  testCache,
  type TestCache
} from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>

beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

/** A disk that takes `left` bytes through the hash pool and then says ENOSPC, giving the buffer back as the real one does. */
function smallDisk(left: number) {
  const state = { left }
  const pool: HashPool = {
    ...hashes,
    async digestAndWrite(job) {
      if (state.left < job.data.length)
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write', data: job.data })
      state.left -= job.data.length
      return hashes.digestAndWrite(job)
    }
  }
  return { state, pool }
}
function log(cache: Cache): string[] {
  const events: string[] = []
  cache.on('evicted', ({ sha256, reason }) => events.push(`evicted ${sha256.slice(0, 6)} ${reason}`))
  cache.on('diskFull', () => events.push('diskFull'))
  cache.on('diskRecovered', () => events.push('diskRecovered'))
  return events
}
const next = (cache: Cache, event: 'evicted') => new Promise<void>((resolve) => cache.once(event, () => resolve()))

test('a full disk costs one eviction, and the piece is written after it', async () => {
  const disk = smallDisk(10 * MIB)
  const cache = await at.open({ hashes: disk.pool })
  const [old, fresh] = [sample(2 * MIB), sample(2 * MIB)]
  await store(cache, old)
  await at.clock.pass(120_000)
  const events = log(cache)
  const partial = await cache.openPartial(fresh.key, planPieces(2 * MIB))
  disk.state.left = 0
  cache.on('evicted', ({ bytes }) => (disk.state.left += bytes))
  await fill(partial, fresh)
  expect(events).toEqual([`evicted ${old.sha256.slice(0, 6)} free-space`])
  expect((await partial.complete(fresh.sha256, null, 'resource')).sha256).toBe(fresh.sha256)
  expect(cache.stats()).toMatchObject({ evictions: 1, entries: 1 })
})

test('when nothing can go it is DISK_FULL, said once; the pieces stay and it recovers', async () => {
  const disk = smallDisk(MIB)
  const cache = await at.open({ hashes: disk.pool })
  const content = sample(3 * MIB)
  const events = log(cache)
  const partial = await cache.openPartial(content.key, planPieces(3 * MIB))
  await fill(partial, content, [0])
  for (const index of [1, 2]) {
    const piece = pieceOf(content, index)
    await expect(partial.write(piece, recordOf(index, sha(piece)))).rejects.toMatchObject({ code: 'DISK_FULL' })
  }
  expect([...partial.have]).toEqual([0])
  expect(cache.stats().diskFull).toBe(true)
  disk.state.left = 10 * MIB
  await fill(partial, content, [1, 2])
  expect(events).toEqual(['diskFull', 'diskRecovered'])
  expect(cache.stats().diskFull).toBe(false)
  expect((await partial.complete(content.sha256, null, 'resource')).sha256).toBe(content.sha256)
})

test('a disk that got room again is found out although nobody writes', async () => {
  let free = 100 * MIB
  const cache = await at.open({ minFreeBytes: 50 * MIB, freeBytes: async () => free })
  free = 10 * MIB
  await expect(cache.openPartial(sample(1).key, planPieces(MIB))).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(cache.stats().diskFull).toBe(true)
  const recovered = new Promise<void>((resolve) => cache.once('diskRecovered', () => resolve()))
  free = 100 * MIB
  await at.clock.pass(60_000)
  await recovered
  expect(await readdir(join(cache.dir, 'partial-v1'))).toEqual([])
})

test('the least recently used goes when the size limit is reached, never what is pinned, in use or new', async () => {
  const cache = await at.open({ maxBytes: 3 * MIB })
  const [pinned, used, oldest, older] = [sample(MIB), sample(MIB / 2), sample(MIB / 2), sample(MIB)]
  for (const content of [pinned, used, oldest, older]) {
    await store(cache, content)
    await at.clock.pass(1000)
  }
  cache.pin(pinned.sha256, true)
  const reader = (await cache.open(used.sha256))!
  await at.clock.pass(120_000)
  const events = log(cache)
  const fresh = sample(MIB)
  await store(cache, fresh)
  while (cache.stats().bytes > 3 * MIB) await next(cache, 'evicted')
  expect(events).toEqual([`evicted ${oldest.sha256.slice(0, 6)} size`, `evicted ${older.sha256.slice(0, 6)} size`])
  expect(cache.find(fresh.sha256)).toBeDefined()
  expect(cache.find(pinned.sha256)).toBeDefined()
  expect(cache.find(used.sha256)).toBeDefined()
  expect(cache.version(oldest.version.url)).toEqual(oldest.version)
  await reader.close()
})

test('a limit lowered between two runs is kept from the start on', async () => {
  let cache = await at.open()
  for (let i = 0; i < 4; i++) await store(cache, sample(MIB))
  await cache.close()
  cache = await at.open({ maxBytes: 2 * MIB })
  expect(cache.stats()).toMatchObject({ entries: 2, bytes: 2 * MIB, evictions: 2 })
})

test('a download that would take the minimum of free space first evicts, then is refused', async () => {
  let free = 100 * MIB
  const cache = await at.open({ minFreeBytes: 90 * MIB, freeBytes: async () => free })
  const old = sample(2 * MIB)
  await store(cache, old)
  await at.clock.pass(120_000)
  cache.on('evicted', ({ bytes }) => (free += bytes))
  free = 91 * MIB
  const partial = await cache.openPartial(sample(1).key, planPieces(3 * MIB))
  expect(cache.find(old.sha256)).toBe(undefined)
  await partial.close()
  await expect(cache.openPartial(sample(1).key, planPieces(4 * MIB))).rejects.toMatchObject({ code: 'DISK_FULL' })
})

test('a partial that nobody resumed for a week is given up', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB)
  const partial = await cache.openPartial(content.key, planPieces(2 * MIB))
  await fill(partial, content, [0])
  await partial.close()
  expect(cache.stats().partialBytes).toBe(MIB)
  at.clock.jumpWall(8 * 24 * 3600_000)
  await at.clock.pass(60_000)
  while ((await readdir(join(cache.dir, 'partial-v1'))).length > 0)
    await new Promise((resolve) => setImmediate(resolve))
  expect(cache.stats().partialBytes).toBe(0)
})
