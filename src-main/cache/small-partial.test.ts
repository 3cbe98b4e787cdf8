import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { layoutOf } from './layout.ts'
import { SMALL_CONTENT_BYTES, SmallPartial } from './small-partial.ts'
import {
  fill,
  recordOf,
  sample,
  sha,
  store,
  testCache,
  type Sample,
  type TestCache
} from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>

beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

const planOf = ({ bytes }: Sample) => planPieces(bytes.length)
const whole = ({ bytes }: Sample) => new Uint8Array(bytes)

test('a small content leaves no file before it is complete, and is found afterwards', async () => {
  const cache = await at.open()
  const content = sample(10_240)
  const partial = await cache.openPartial(content.key, planOf(content))
  expect(partial).toBeInstanceOf(SmallPartial)
  await fill(partial, content)
  const { tmp, partialRoot } = layoutOf(at.dir)
  expect([...(await readdir(tmp)), ...(await readdir(partialRoot))]).toEqual([])
  expect((await partial.read(0)).equals(content.bytes)).toBe(true)
  await partial.complete(content.sha256, content.version, 'script')
  expect(cache.findByKey(content.key)?.sha256).toBe(content.sha256)
  expect((await partial.read(0)).equals(content.bytes)).toBe(true)
  expect(await readdir(tmp)).toEqual([])
})

test('a content above the limit goes to the disk piece by piece', async () => {
  const cache = await at.open()
  const content = sample(SMALL_CONTENT_BYTES + 1)
  expect(await cache.openPartial(content.key, planOf(content))).not.toBeInstanceOf(SmallPartial)
})

test('wrong bytes are refused, a second piece changes nothing, and a dropped one may come again', async () => {
  const cache = await at.open()
  const content = sample(5000)
  const partial = await cache.openPartial(content.key, planOf(content))
  expect(await partial.write(new Uint8Array(randomBytes(5000)), recordOf(0, sha(content.bytes)))).toBe(false)
  expect(await partial.write(new Uint8Array(4999), recordOf(0, sha(Buffer.alloc(4999))))).toBe(false)
  await expect(partial.read(0)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(partial.write(whole(content), recordOf(1, sha(content.bytes)))).rejects.toMatchObject({
    code: 'RECORD_INVALID'
  })
  expect([...partial.have]).toEqual([])
  expect(await partial.write(whole(content), recordOf(0, sha(content.bytes)))).toBe(true)
  const lie = new Uint8Array(randomBytes(5000))
  expect(await partial.write(lie, recordOf(0, sha(lie)))).toBe(true)
  expect((await partial.read(0)).equals(content.bytes)).toBe(true)
  await partial.drop([0])
  expect([partial.have.count, partial.record(0)]).toEqual([0, undefined])
  await expect(partial.complete(null, content.version, 'resource')).rejects.toMatchObject({ code: 'INTERNAL' })
  await fill(partial, content)
  expect((await partial.complete(null, content.version, 'resource')).sha256).toBe(content.sha256)
})

test('bytes from the origin get the record that is signed for them, and no other', async () => {
  const cache = await at.open()
  const content = sample(777)
  const partial = await cache.openPartial(content.key, planOf(content))
  await expect(partial.writeFromOrigin(new Uint8Array(776), 0, (digest) => recordOf(0, digest))).rejects.toMatchObject({
    code: 'ORIGIN_PROTOCOL'
  })
  await expect(partial.writeFromOrigin(whole(content), 0, () => recordOf(0, Buffer.alloc(32)))).rejects.toMatchObject({
    code: 'RECORD_INVALID'
  })
  expect(await partial.writeFromOrigin(whole(content), 0, (digest) => recordOf(0, digest))).toEqual(
    recordOf(0, sha(content.bytes))
  )
})

test('another content than the expected one is not completed, and the partial stays as it is', async () => {
  const cache = await at.open()
  const content = sample(5000)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content)
  await expect(partial.complete(sample(5000).sha256, content.version, 'resource')).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH'
  })
  expect((await partial.complete(content.sha256, content.version, 'resource')).sha256).toBe(content.sha256)
  expect(await readdir(layoutOf(at.dir).tmp)).toEqual([])
})

test('a closed one takes nothing more, and the next one begins anew', async () => {
  const cache = await at.open()
  const content = sample(5000)
  const partial = await cache.openPartial(content.key, planOf(content))
  await expect(cache.openPartial(content.key, planOf(content))).rejects.toMatchObject({ code: 'CACHE_BUSY' })
  await fill(partial, content)
  await partial.close()
  await expect(partial.complete(null, content.version, 'resource')).rejects.toMatchObject({ code: 'CANCELLED' })
  const again = await cache.openPartial(content.key, planOf(content))
  expect(again.have.count).toBe(0)
  await again.discard()
})

test('an unclean end leaves either the whole content or nothing of it', async () => {
  const cache = await at.open()
  const [kept, lost] = [sample(5000), sample(5000)]
  await store(cache, kept)
  await fill(await cache.openPartial(lost.key, planOf(lost)), lost)
  await at.crash(cache)
  const next = await at.open()
  expect(next.findByKey(kept.key)?.sha256).toBe(kept.sha256)
  expect(next.findByKey(lost.key)).toBe(undefined)
})
