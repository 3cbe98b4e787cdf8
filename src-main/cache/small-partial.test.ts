import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { planPieces, SMALL_CONTENT_BYTES } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { layoutOf } from './layout.ts'
import { SmallPartial } from './small-partial.ts'
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

test('a closed one takes nothing more, and the next one begins again', async () => {
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

test.each([
  ['zeros', (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ['a part', (bytes: Buffer) => bytes.subarray(0, 1000)],
  ['nothing', () => Buffer.alloc(0)]
])('what a power cut left of one is never given away: %s', async (_name, left) => {
  const cache = await at.open()
  const content = sample(5000)
  await store(cache, content)
  const layout = layoutOf(at.dir)
  await at.crash(cache)
  // The time of the file says nothing: it is not compared with that of the last run.
  const index = new DatabaseSync(layout.index)
  expect(index.prepare('SELECT stamp FROM contents').all()).toEqual([{ stamp: null }])
  index.close()
  await writeFile(layout.content(content.sha256), left(content.bytes))
  await writeFile(layout.sidecar(content.sha256), Buffer.alloc(50))
  const next = await at.open()
  expect(await next.open(content.sha256)).toBe(undefined)
  expect(next.findByKey(content.key)).toBe(undefined)
})

test('one is hashed once in a run, and by its first use in the next', async () => {
  const cache = await at.open()
  const content = sample(5000)
  await store(cache, content)
  await cache.close()
  const next = await at.open()
  for (let use = 0; use < 2; use++) {
    const reader = await next.open(content.sha256)
    expect((await reader!.read(0, 5000)).equals(content.bytes)).toBe(true)
    await reader!.close()
  }
  // The stamp of this run reveals another writer.
  const path = layoutOf(at.dir).content(content.sha256)
  const bytes = await readFile(path)
  bytes[0]! ^= 1
  await writeFile(path, bytes)
  expect(await next.open(content.sha256)).toBe(undefined)
})
