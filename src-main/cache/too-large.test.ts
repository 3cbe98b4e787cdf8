import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { MIB, sample, store, testCache, type TestCache } from '../testing/cache/test-cache.ts'
import type { Cache } from './cache.ts'

const hashes = createHashPool({ workers: 1 })
const tooSmall = expect.objectContaining({ code: 'CACHE_TOO_SMALL' })
let at: TestCache<FakeClock>
beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

const limits = (maxBytes: number) => ({ maxBytes, maxDiskPercent: null, minFreeBytes: 0, maxAgeDays: null })

/** Three contents of 1 MiB that nobody uses any more. */
async function filled(cache: Cache): Promise<void> {
  for (let i = 0; i < 3; i++) await store(cache, sample(MIB))
  await at.clock.pass(120_000)
}

/** Writes without end, as far as it may. */
async function pour(cache: Cache, mostMib: number): Promise<{ bytes: number; error: unknown }> {
  const stream = await cache.openStream()
  let bytes = 0
  try {
    for (; bytes < mostMib * MIB; bytes += MIB) await stream.write(Buffer.alloc(MIB))
    return { bytes, error: null }
  } catch (error) {
    return { bytes, error }
  } finally {
    await stream.discard()
  }
}

test.each([9e15, 4 * MIB + 1])(
  'a content said to have %i bytes is refused before anything goes',
  async (lengthBytes) => {
    const cache = await at.open()
    await cache.setLimits(limits(4 * MIB))
    await filled(cache)
    const big = sample(10)
    await expect(cache.openPartial(big.key, planPieces(lengthBytes))).rejects.toEqual(tooSmall)
    expect(cache.fits(lengthBytes)).toBe(false)
    expect(cache.stats()).toMatchObject({ entries: 3, evictions: 0, diskFull: false })
  }
)

test('a content within the limit that no disk has room for is refused before anything goes', async () => {
  let free = MIB
  const cache = await at.open({ freeBytes: async () => free })
  await cache.setLimits(limits(1024 * MIB))
  free = 100 * MIB
  await filled(cache)
  free = MIB
  await expect(cache.openPartial(sample(10).key, planPieces(500 * MIB))).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(cache.stats()).toMatchObject({ entries: 3, evictions: 0 })
})

test('what is pinned counts: nothing fits besides it that would have to stay', async () => {
  const cache = await at.open()
  const pinned = sample(3 * MIB)
  await store(cache, pinned)
  cache.pin(pinned.sha256, true)
  await cache.setLimits(limits(4 * MIB))
  expect([cache.fits(MIB), cache.fits(MIB + 1)]).toEqual([true, false])
  cache.pin(pinned.sha256, false)
  expect(cache.fits(4 * MIB)).toBe(true)
})

test('a stream without end stops at the limit of the cache, and nothing goes for it', async () => {
  const cache = await at.open()
  await cache.setLimits(limits(4 * MIB))
  await filled(cache)
  expect(await pour(cache, 100)).toEqual({ bytes: 4 * MIB, error: tooSmall })
  expect(cache.stats()).toMatchObject({ entries: 3, evictions: 0 })
  expect(await readdir(join(cache.dir, 'tmp'))).toEqual([])
})

test('on a tight disk a stream without end costs a part of the cache at most', async () => {
  let free = 100 * MIB
  const cache = await at.open({ freeBytes: async () => free })
  await cache.setLimits(limits(8 * MIB))
  for (let i = 0; i < 8; i++) await store(cache, sample(MIB))
  await at.clock.pass(120_000)
  free = 0
  cache.on('evicted', ({ bytes }) => (free += bytes))
  const { error } = await pour(cache, 100)
  expect(error).toEqual(tooSmall)
  expect(cache.stats().entries).toBeGreaterThanOrEqual(5)
})
