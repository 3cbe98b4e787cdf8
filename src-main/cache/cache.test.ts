import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import type { CacheEvents } from './cache.ts'
import { MIB, sample, sha, store, testCache, type TestCache } from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>

beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

test('a stored content is found by digest, by key and by URL, and reads as it was written', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB + 100)
  const stored = await store(cache, content)
  expect(stored).toMatchObject({
    sha256: content.sha256,
    plan: { lengthBytes: content.bytes.length, pieceBytes: MIB, count: 3 }
  })
  expect(cache.find(content.sha256)).toEqual(stored)
  expect(cache.findByKey(content.key)).toEqual(stored)
  expect(cache.findByKey(`sha256:${content.sha256}` as ContentKey)).toEqual(stored)
  expect(cache.version(content.version.url)).toEqual(content.version)
  const reader = (await cache.open(content.sha256))!
  expect((await reader.read(0, content.bytes.length)).equals(content.bytes)).toBe(true)
  expect((await reader.read(MIB - 1, 2)).equals(content.bytes.subarray(MIB - 1, MIB + 1))).toBe(true)
  expect(reader.pieceDigests.subarray(64).equals(sha(content.bytes.subarray(2 * MIB)))).toBe(true)
  await expect(reader.read(content.bytes.length, 1)).rejects.toThrow(RangeError)
  await reader.close()
  await expect(reader.read(0, 1)).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('what is not there is undefined', async () => {
  const cache = await at.open()
  const { sha256, key } = sample(1)
  expect([
    cache.find(sha256),
    cache.findByKey(key),
    cache.version('https://x.test/'),
    await cache.open(sha256)
  ]).toEqual([undefined, undefined, undefined, undefined])
  await expect(cache.remove(sha256)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(() => cache.pin(sha256, true)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
})

test('the same bytes under two URLs lie on disk once', async () => {
  const cache = await at.open()
  const content = sample(100)
  await store(cache, content)
  const other = { ...content.version, url: 'https://mirror.test/x', key: `version:${'7'.repeat(64)}` as ContentKey }
  cache.link(other, content.sha256)
  expect(cache.findByKey(other.key)?.sha256).toBe(content.sha256)
  expect(cache.version(other.url)).toEqual(other)
  expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100 })
  expect(cache.list().entries[0]!.urls.sort()).toEqual([content.version.url, other.url].sort())
})

test('everything is there again after a clean end', async () => {
  const content = sample(MIB + 1)
  let cache = await at.open()
  await store(cache, content)
  cache.pin(content.sha256, true)
  cache.noteHit(content.sha256)
  cache.noteServed(content.sha256, 77)
  await cache.close()
  cache = await at.open()
  expect(cache.list().entries).toMatchObject([
    { sha256: content.sha256, pinned: true, hits: 1, servedBytes: 77, kind: 'resource', urls: [content.version.url] }
  ])
  expect(cache.version(content.version.url)).toEqual(content.version)
})

test('a confirmation changes the policy and its time; a policy too large to keep is left out', async () => {
  const cache = await at.open()
  const content = sample(10)
  await store(cache, content)
  await at.clock.pass(5000)
  cache.confirm(content.version.url, { b: 2 })
  expect(cache.version(content.version.url)).toEqual({
    ...content.version,
    policy: { b: 2 },
    confirmedAt: at.clock.wallMs()
  })
  cache.confirm(content.version.url, { big: 'x'.repeat(20_000) })
  expect(cache.version(content.version.url)?.policy).toBe(null)
})

test('a newer version of a URL replaces the older one, whose bytes can still be asked for by key', async () => {
  const cache = await at.open()
  const url = 'https://origin.test/file'
  const [older, newer] = [sample(10, url), sample(20, url)]
  await store(cache, older)
  at.clock.jumpWall(-3600_000)
  await store(cache, { ...newer, version: { ...newer.version, confirmedAt: 0 } })
  expect(cache.version(url)?.key).toBe(newer.key)
  expect(cache.findByKey(older.key)?.sha256).toBe(older.sha256)
})

test('a stream of unknown length becomes a content, with its pieces', async () => {
  const cache = await at.open()
  const content = sample(MIB + 7)
  const added: string[] = []
  cache.on('added', ({ sha256 }) => added.push(sha256))
  const stream = await cache.openStream()
  for (let i = 0; i < content.bytes.length; i += 100_000) void stream.write(content.bytes.subarray(i, i + 100_000))
  const stored = await stream.complete(null, content.version, 'script')
  expect(stored).toMatchObject({ sha256: content.sha256, plan: { count: 2 } })
  expect(added).toEqual([content.sha256])
  const reader = (await cache.open(content.sha256))!
  expect((await reader.read(0, content.bytes.length)).equals(content.bytes)).toBe(true)
  await reader.close()
})

test('a stream with another digest than expected, or discarded, leaves nothing', async () => {
  const cache = await at.open()
  const stream = await cache.openStream()
  await stream.write(Buffer.from('something'))
  await expect(stream.complete(sample(1).sha256, null, 'resource')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  const other = await cache.openStream()
  await other.write(Buffer.from('something'))
  await other.discard()
  await expect(other.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(await readdir(join(cache.dir, 'tmp'))).toEqual([])
  expect(cache.stats().entries).toBe(0)
})

test('an empty content can be stored and read', async () => {
  const cache = await at.open()
  const content = sample(0)
  await store(cache, content)
  const reader = (await cache.open(content.sha256))!
  expect((await reader.read(0, 0)).length).toBe(0)
  await reader.close()
})

test('removing deletes bytes, sidecar and versions; in use it is refused', async () => {
  const cache = await at.open()
  const content = sample(500)
  await store(cache, content)
  const removed: CacheEvents['removed'][0][] = []
  cache.on('removed', (event) => removed.push(event))
  const reader = (await cache.open(content.sha256))!
  await expect(cache.remove(content.sha256)).rejects.toMatchObject({ code: 'CACHE_BUSY' })
  await reader.close()
  expect(await cache.remove(content.sha256)).toBe(500)
  expect(removed).toEqual([{ sha256: content.sha256, bytes: 500 }])
  expect(cache.version(content.version.url)).toBe(undefined)
  expect(
    await readdir(join(cache.dir, 'content-v1/sha256', content.sha256.slice(0, 2), content.sha256.slice(2, 4)))
  ).toEqual([])
})

test('clearing leaves what is pinned or in use, and a dry run touches nothing', async () => {
  const cache = await at.open()
  const [plain, pinned, used, begun] = [sample(1), sample(2), sample(4), sample(2 * MIB)]
  for (const content of [plain, pinned, used]) await store(cache, content)
  cache.pin(pinned.sha256, true)
  const reader = (await cache.open(used.sha256))!
  const partial = await cache.openPartial(begun.key, { lengthBytes: 2 * MIB, pieceBytes: MIB, count: 2 })
  await partial.write(new Uint8Array(begun.bytes.subarray(0, MIB)), {
    index: 0,
    epoch: 1,
    digest: sha(begun.bytes.subarray(0, MIB)),
    signer: 'a'.repeat(64) as never,
    signature: Buffer.alloc(64, 1)
  })
  await partial.close()
  // What is said to go away adds up with what the cache says it holds: contents, and unfinished downloads beside them.
  const cleared = { removed: 1, unfinished: 1, unfinishedBytes: MIB, bytes: 1 + MIB, kept: 2 }
  expect(await cache.clear({ pinnedToo: false, dryRun: true })).toEqual(cleared)
  expect(cache.stats()).toMatchObject({ entries: 3, partialBytes: MIB })
  expect(await cache.clear({ pinnedToo: false, dryRun: false })).toEqual(cleared)
  expect(cache.stats()).toMatchObject({ entries: 2, partialBytes: 0, pinned: 1 })
  await reader.close()
  expect(await cache.clear({ pinnedToo: true, dryRun: false })).toEqual({
    removed: 2,
    unfinished: 0,
    unfinishedBytes: 0,
    bytes: 6,
    kept: 0
  })
})

test('lists pages in the order asked for and searches URLs and digests', async () => {
  const cache = await at.open()
  const contents = [
    sample(3, 'https://a.test/One.msi'),
    sample(1, 'https://a.test/two.msi'),
    sample(2, 'https://b.test/100%_three')
  ]
  for (const content of contents) {
    await store(cache, content)
    await at.clock.pass(1000)
  }
  cache.noteHit(contents[0]!.sha256)
  const names = (query: Parameters<typeof cache.list>[0]) =>
    cache.list(query).entries.map(({ lengthBytes }) => lengthBytes)
  expect(names({})).toEqual([3, 2, 1])
  expect(names({ sort: 'size' })).toEqual([3, 2, 1])
  expect(names({ sort: 'created' })).toEqual([2, 1, 3])
  expect(cache.list({ sort: 'created', limit: 1, offset: 1 })).toMatchObject({
    total: 3,
    entries: [{ lengthBytes: 1 }]
  })
  expect(cache.list({ search: 'ONE' })).toMatchObject({ total: 1, entries: [{ lengthBytes: 3 }] })
  expect(names({ search: '%' })).toEqual([2])
  expect(names({ search: '_t' })).toEqual([2])
  expect(names({ search: '\\' })).toEqual([])
  expect(cache.list({ search: 'test', limit: 1, offset: 1, sort: 'size' })).toMatchObject({
    total: 3,
    entries: [{ lengthBytes: 2 }]
  })
  expect(names({ search: contents[1]!.sha256.slice(0, 12) })).toEqual([1])
  expect(names({ search: 'nothing' })).toEqual([])
})

test('a second opener is refused, in this process too, until the first one has closed', async () => {
  const cache = await at.open()
  await expect(at.open()).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING' })
  await cache.close()
  await at.open()
})

test('folders are for this user alone', async () => {
  const cache = await at.open()
  await store(cache, sample(10))
  for (const folder of ['.', 'content-v1', 'content-v1/sha256', 'partial-v1', 'quarantine', 'tmp'])
    expect((await stat(join(cache.dir, folder))).mode & 0o777, folder).toBe(0o700)
})

test('a folder that cannot be used is CACHE_UNUSABLE', async () => {
  await expect(at.open({ dir: '/dev/null/cache' })).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
})

test('after close nothing is taken in any more and answers are empty', async () => {
  const cache = await at.open()
  const content = sample(10)
  await store(cache, content)
  await Promise.all([cache.close(), cache.close()])
  cache.noteHit(content.sha256)
  await at.clock.pass(120_000)
  expect(cache.find(content.sha256)).toBe(undefined)
  await expect(cache.openStream()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  await expect(cache.openPartial(content.key, { lengthBytes: 1, pieceBytes: MIB, count: 1 })).rejects.toMatchObject({
    code: 'SHUTTING_DOWN'
  })
  expect(cache.list()).toEqual({ entries: [] as never[], total: 0 as number } satisfies {
    entries: { sha256: Sha256Hex }[]
    total: number
  })
})
