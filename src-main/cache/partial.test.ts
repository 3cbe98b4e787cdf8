import { copyFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { ContentKey } from '../contract/ids.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { layoutOf, partialName, type PartialPaths } from './layout.ts'
import { SLOT_BYTES } from '../pieces/record-slots.ts'
import {
  fill,
  flip,
  MIB,
  pieceOf,
  recordOf,
  sample,
  sha,
  store,
  testCache,
  type Sample,
  type TestCache
} from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 2 })
let at: TestCache<FakeClock>

beforeEach(async () => void (at = await testCache(hashes, fakeClock())))
afterEach(() => at.clean())
afterAll(() => hashes.close())

const paths = ({ key }: Sample): PartialPaths => layoutOf(at.dir).partial(partialName(key))
const planOf = ({ bytes }: Sample) => planPieces(bytes.length)

test('a piece is had, with its record, after its digest matched; a wrong one changes nothing', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB + 5)
  const partial = await cache.openPartial(content.key, planOf(content))
  expect(await partial.write(pieceOf(content, 0), recordOf(1, sha(pieceOf(content, 1))))).toBe(false)
  expect(await partial.write(pieceOf(content, 2), recordOf(1, sha(pieceOf(content, 2))))).toBe(false)
  expect([...partial.have]).toEqual([])
  const record = recordOf(1, sha(pieceOf(content, 1)))
  expect(await partial.write(pieceOf(content, 1), record)).toBe(true)
  expect([...partial.have]).toEqual([1])
  expect(partial.record(1)).toEqual(record)
  expect(partial.record(0)).toBe(undefined)
  expect((await partial.read(1)).equals(pieceOf(content, 1))).toBe(true)
  await expect(partial.read(0)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(partial.write(pieceOf(content, 1), recordOf(3, sha(pieceOf(content, 1))))).rejects.toMatchObject({
    code: 'RECORD_INVALID'
  })
})

test('a piece is had, and told, while the digest of the whole still has to take it', async () => {
  const taken = Promise.withResolvers<void>()
  const busy: HashPool = {
    ...hashes,
    running: (path) => ({ ...hashes.running(path), take: () => taken.promise })
  }
  const cache = await at.open({ hashes: busy })
  const content = sample(2 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  const lent = Buffer.from(new SharedArrayBuffer(MIB))
  lent.set(pieceOf(content, 0))
  let free = false
  const told = Promise.withResolvers<void>()
  const writing = partial.write(lent, recordOf(0, sha(pieceOf(content, 0))), told.resolve).then(() => (free = true))
  await told.promise
  expect((await partial.read(0)).equals(pieceOf(content, 0))).toBe(true)
  expect(free).toBe(false)
  taken.resolve()
  expect(await writing).toBe(true)
})

test('a piece that is had is left alone, also when two arrive at the same time', async () => {
  const cache = await at.open()
  const content = sample(MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  const lie = new Uint8Array(randomBytes(MIB))
  const [first, second] = await Promise.all([
    partial.write(pieceOf(content, 0), recordOf(0, sha(content.bytes))),
    partial.write(lie, recordOf(0, sha(lie)))
  ])
  expect([first, second]).toEqual([true, true])
  expect((await partial.read(0)).equals(content.bytes)).toBe(true)
  expect(partial.record(0)?.digest.equals(sha(content.bytes))).toBe(true)
})

test('bytes from the origin get the record that is signed for them', async () => {
  const cache = await at.open()
  const content = sample(MIB + 3)
  const partial = await cache.openPartial(content.key, planOf(content))
  const record = await partial.writeFromOrigin(pieceOf(content, 1), 1, (digest) => recordOf(1, digest))
  expect(record.digest.equals(sha(content.bytes.subarray(MIB)))).toBe(true)
  expect(
    await partial.writeFromOrigin(pieceOf(content, 1), 1, () => {
      throw new Error('signed twice')
    })
  ).toEqual(record)
  await expect(partial.writeFromOrigin(pieceOf(content, 1), 0, (digest) => recordOf(0, digest))).rejects.toMatchObject({
    code: 'ORIGIN_PROTOCOL'
  })
  await expect(partial.writeFromOrigin(pieceOf(content, 0), 0, (digest) => recordOf(1, digest))).rejects.toMatchObject({
    code: 'RECORD_INVALID'
  })
  expect([...partial.have]).toEqual([1])
})

test('pieces in any order become a content with the digest of the whole', async () => {
  const cache = await at.open()
  const content = sample(12 * MIB + 1)
  const partial = await cache.openPartial(content.key, planOf(content))
  await Promise.all([7, 0, 12, 3, 1, 2, 5, 11, 4, 6, 10, 9, 8].map((index) => fill(partial, content, [index])))
  const stored = await partial.complete(null, content.version, 'resource')
  expect(stored.sha256).toBe(content.sha256)
  for (const path of Object.values(paths(content))) await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('while and after it is completed pieces can still be read and written ones are accepted', async () => {
  const cache = await at.open()
  const content = sample(3 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content)
  const completing = partial.complete(null, content.version, 'resource')
  expect(await partial.write(pieceOf(content, 1), recordOf(1, sha(pieceOf(content, 1))))).toBe(true)
  let done = false
  void completing.then(() => (done = true))
  for (let i = 0; !done; i++) expect((await partial.read(i % 3)).equals(pieceOf(content, i % 3))).toBe(true)
  expect((await partial.read(2)).equals(pieceOf(content, 2))).toBe(true)
  await Promise.all([partial.close(), partial.discard(), completing])
  expect(cache.find(content.sha256)).toBeDefined()
})

test('a wrong whole is DIGEST_MISMATCH and the partial stays as it is', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content)
  await expect(partial.complete(sample(1).sha256, null, 'resource')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  expect(partial.have.complete).toBe(true)
  expect((await partial.complete(content.sha256, null, 'resource')).sha256).toBe(content.sha256)

  const named = await cache.openPartial(`sha256:${sample(1).sha256}` as ContentKey, planOf(content))
  await fill(named, content)
  await expect(named.complete(null, null, 'resource')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
})

test('completing without all pieces is refused', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content, [0])
  await expect(partial.complete(null, null, 'resource')).rejects.toMatchObject({ code: 'INTERNAL' })
  await fill(partial, content, [1])
  await partial.complete(null, null, 'resource')
})

test('dropped pieces are not had any more, also after a restart, and the digest of the whole starts over', async () => {
  let cache = await at.open()
  const content = sample(10 * MIB)
  const lie = new Uint8Array(randomBytes(MIB))
  let partial = await cache.openPartial(content.key, planOf(content))
  await partial.write(new Uint8Array(lie), recordOf(0, sha(lie)))
  await fill(partial, content, [1, 2, 3, 4, 5, 6, 7, 8])
  await partial.drop([0, 5, 9])
  expect([...partial.have]).toEqual([1, 2, 3, 4, 6, 7, 8])
  await at.crash(cache)
  cache = await at.open()
  partial = await cache.openPartial(content.key, planOf(content))
  expect([...partial.have]).toEqual([1, 2, 3, 4, 6, 7, 8])
  await fill(partial, content, [0, 5, 9])
  expect((await partial.complete(null, null, 'resource')).sha256).toBe(content.sha256)
})

test('pieces dropped after they were hashed into the whole do not stay in its digest', async () => {
  const cache = await at.open()
  const content = sample(9 * MIB)
  const lie = new Uint8Array(randomBytes(MIB))
  const partial = await cache.openPartial(content.key, planOf(content))
  await partial.write(new Uint8Array(lie), recordOf(0, sha(lie)))
  await fill(partial, content, [1, 2, 3, 4, 5, 6, 7, 8])
  await expect(partial.complete(content.sha256, null, 'resource')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  await partial.drop([0])
  await fill(partial, content)
  expect((await partial.complete(content.sha256, null, 'resource')).sha256).toBe(content.sha256)

  const again = await cache.openPartial(content.key, planOf(content))
  await again.write(new Uint8Array(lie), recordOf(0, sha(lie)))
  await fill(again, content, [1, 2, 3, 4, 5, 6, 7])
  await again.drop([0])
  await fill(again, content)
  expect((await again.complete(null, null, 'resource')).sha256).toBe(content.sha256)
})

test('is resumed with pieces, records and credentials after a clean end; one open partial per key', async () => {
  let cache = await at.open()
  const content = sample(4 * MIB)
  let partial = await cache.openPartial(content.key, planOf(content))
  await expect(cache.openPartial(content.key, planOf(content))).rejects.toMatchObject({ code: 'CACHE_BUSY' })
  await fill(partial, content, [0, 2])
  partial.addCredential({ spki: 'key', proof: 'proof' }, 'signer')
  await cache.close()
  cache = await at.open()
  expect(cache.stats().partialBytes).toBe(2 * MIB)
  partial = await cache.openPartial(content.key, planOf(content))
  expect([...partial.have]).toEqual([0, 2])
  expect(partial.record(2)).toEqual(recordOf(2, sha(pieceOf(content, 2))))
  expect([...partial.credentials]).toEqual([['signer', { spki: 'key', proof: 'proof' }]])
  await fill(partial, content, [1, 3])
  expect((await partial.complete(null, null, 'resource')).sha256).toBe(content.sha256)
})

test('after an unclean end damaged pieces are no longer had, the others are', async () => {
  let cache = await at.open()
  const content = sample(4 * MIB)
  let partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content)
  await at.crash(cache)
  await flip(paths(content).part, 2 * MIB + 77)
  await truncate(paths(content).part, 4 * MIB - 1)
  await flip(paths(content).rec, SLOT_BYTES + 20)
  cache = await at.open()
  partial = await cache.openPartial(content.key, planOf(content))
  expect([...partial.have]).toEqual([0])
  await fill(partial, content, [1, 2, 3])
  expect((await partial.complete(null, null, 'resource')).sha256).toBe(content.sha256)
})

test('a half-written piece map loses only the pieces it no longer names', async () => {
  let cache = await at.open()
  const content = sample(4 * MIB)
  await fill(await cache.openPartial(content.key, planOf(content)), content)
  await cache.close()
  await truncate(paths(content).rec, 2 * SLOT_BYTES + 50)
  cache = await at.open()
  expect([...(await cache.openPartial(content.key, planOf(content))).have]).toEqual([0, 1])
})

test('bytes damaged while the partial rested do not become a content, whether or not a digest is expected', async () => {
  for (const expected of [true, false]) {
    const cache = await at.open()
    const content = sample(3 * MIB)
    let partial = await cache.openPartial(content.key, planOf(content))
    await fill(partial, content)
    await partial.close()
    await flip(paths(content).part, MIB + 1)
    partial = await cache.openPartial(content.key, planOf(content))
    expect(partial.have.complete).toBe(true)
    await expect(partial.complete(expected ? content.sha256 : null, null, 'resource')).rejects.toMatchObject({
      code: 'CACHE_DAMAGED',
      details: { pieces: 1 }
    })
    expect([...partial.have]).toEqual([0, 2])
    await fill(partial, content, [1])
    expect((await partial.complete(null, null, 'resource')).sha256).toBe(content.sha256)
    await cache.close()
  }
})

test('a file cut off while it is assembled costs the pieces that are gone', async () => {
  const cache = await at.open()
  const content = sample(3 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content)
  await truncate(paths(content).part, 2 * MIB)
  await expect(partial.complete(null, null, 'resource')).rejects.toMatchObject({ code: 'CACHE_DAMAGED' })
  expect([...partial.have]).toEqual([0, 1])
  await fill(partial, content, [2])
  expect((await partial.complete(null, null, 'resource')).sha256).toBe(content.sha256)
})

test('a partial of another length under the same key begins again', async () => {
  const cache = await at.open()
  const content = sample(3 * MIB)
  const partial = await cache.openPartial(content.key, planOf(content))
  await fill(partial, content, [0])
  await partial.close()
  const other = await cache.openPartial(content.key, planPieces(2 * MIB))
  expect([...other.have]).toEqual([])
})

test('what belongs to no partial is deleted at the next open', async () => {
  let cache = await at.open()
  const content = sample(2 * MIB)
  await fill(await cache.openPartial(content.key, planOf(content)), content, [0])
  await cache.close()
  const { part, rec, json } = paths(content)
  await copyFile(part, part.replace(/[0-9a-f]{64}/, '9'.repeat(64)))
  await writeFile(`${rec}.old`, 'x')
  await writeFile(json, '{"v":1}')
  cache = await at.open()
  expect(cache.stats().partialBytes).toBe(0)
  for (const path of [part, rec, json, `${rec}.old`, part.replace(/[0-9a-f]{64}/, '9'.repeat(64))])
    await expect(stat(path), path).rejects.toMatchObject({ code: 'ENOENT' })
})

test('discarded or closed without a piece nothing is left, and using it afterwards is an error', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB)
  const discarded = await cache.openPartial(content.key, planOf(content))
  await fill(discarded, content, [0])
  await discarded.discard()
  await discarded.close()
  await expect(discarded.read(0)).rejects.toMatchObject({ code: 'CANCELLED' })
  await expect(discarded.write(pieceOf(content, 1), recordOf(1, sha(pieceOf(content, 1))))).rejects.toMatchObject({
    code: 'CANCELLED'
  })
  await (await cache.openPartial(content.key, planOf(content))).close()
  for (const path of Object.values(paths(content))) await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the same bytes completed twice are one content, and a damaged one is healed by it', async () => {
  const cache = await at.open()
  const content = sample(MIB)
  await store(cache, content)
  await rm(layoutOf(at.dir).content(content.sha256))
  await store(cache, content)
  expect(cache.stats()).toMatchObject({ entries: 1, bytes: MIB })
  expect(await cache.verify({})).toMatchObject({ ok: 1, damaged: [], missing: [] })
})
