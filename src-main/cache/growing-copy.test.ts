import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceStart, planPieces } from '../pieces/plan.ts'
import { canClone } from '../placing/clone-file.ts'
import { fill, MIB, pieceOf, recordOf, sample, sha, testCache, type TestCache } from '../testing/cache/test-cache.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import type { Cache, GrowingCopy, PartialContent } from './cache.ts'

const hashes = createHashPool({ workers: 1 })
const content = sample(9 * MIB + 77)
const plan = planPieces(content.bytes.length)
let at: TestCache<FakeClock>
let cache: Cache
let partial: PartialContent
let to: string
let path: string

beforeEach(async () => {
  at = await testCache(hashes, fakeClock())
  cache = await at.open()
  partial = await cache.openPartial(content.key, plan)
  to = join(at.outside, 'to')
  path = join(to, 'file')
  await mkdir(to)
})
afterEach(() => at.clean())
afterAll(() => hashes.close())

const grow = () => partial.copyTo(path, { overwrite: true })
const complete = () => partial.complete(content.sha256, content.version, 'resource')
const deliver = (copy: GrowingCopy | undefined) => cache.deliver(content.sha256, path, { overwrite: true, copy })
/** The part beside the destination. */
async function part(): Promise<string> {
  const [name, ...more] = await readdir(to)
  expect([name, more]).toEqual([expect.stringMatching(/^\.file\..*larder-part$/), []])
  return join(to, name!)
}
/** Bytes of the part that are those of the content. */
async function grown(): Promise<number[]> {
  const bytes = await readFile(await part())
  return Array.from({ length: plan.count }, (_, i) => i).filter((i) => {
    const piece = pieceOf(content, i)
    return bytes.subarray(pieceStart(plan, i), pieceStart(plan, i) + piece.length).equals(piece)
  })
}

test('a piece is in the part as soon as it is stored, and nobody else may read it', async ({ skip }) => {
  skip(await canClone(path), 'this file system shares blocks: nothing has to grow')
  await fill(partial, content, [2])
  const copy = await grow()
  await vi.waitFor(async () => expect(await grown()).toEqual([2]))
  await fill(partial, content, [7, 0])
  expect(await grown()).toEqual([0, 2, 7])
  expect((await stat(await part())).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600)
  await copy!.discard()
  expect(await readdir(to)).toEqual([])
})

test('what was written of a piece that was dropped later is not delivered', async () => {
  const copy = await grow()
  const lie = pieceOf(sample(content.bytes.length), 3)
  expect(await partial.write(lie, recordOf(3, sha(lie)))).toBe(true)
  await fill(partial, content, [0, 1])
  await partial.drop([3])
  await fill(partial, content)
  await complete()
  await deliver(copy)
  expect((await readFile(path)).equals(content.bytes)).toBe(true)
  expect(await readdir(to)).toEqual(['file'])
})

test('a part that somebody removed, replaced or cut meanwhile is not delivered: the file is copied as if there were none', async ({
  skip
}) => {
  skip(await canClone(path), 'this file system shares blocks: nothing has to grow')
  for (const meddle of [
    async (one: string) => rm(one),
    async (one: string) => {
      await rename(one, join(at.outside, 'taken'))
      await writeFile(one, content.bytes)
    },
    async (one: string) => writeFile(one, 'cut')
  ]) {
    const copy = await grow()
    await fill(partial, content)
    await meddle(await part())
    await complete()
    await deliver(copy)
    expect((await readFile(path)).equals(content.bytes)).toBe(true)
    await cache.remove(content.sha256)
    await rm(to, { recursive: true })
    await mkdir(to)
    partial = await cache.openPartial(content.key, plan)
  }
})

test('a destination that has gone or has become a folder says so at the end, and the content is in the cache', async () => {
  const copy = await grow()
  await fill(partial, content)
  await rm(to, { recursive: true })
  await complete()
  await expect(deliver(copy)).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
  await mkdir(path, { recursive: true })
  await expect(deliver(copy)).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
  expect(await readdir(to)).toEqual(['file'])
  expect(cache.find(content.sha256)).toBeDefined()
})

test('a destination that leads somewhere else at the end gets the file there, and nothing stays where it led before', async () => {
  const [one, two] = [join(to, 'one'), join(to, 'two')]
  await Promise.all([one, two].map((target) => writeFile(target, 'old')))
  await symlink(one, path)
  const copy = await grow()
  await fill(partial, content)
  await rm(path)
  await symlink(two, path)
  await complete()
  await deliver(copy)
  expect((await readdir(to)).toSorted()).toEqual(['file', 'one', 'two'])
  expect([await readFile(one, 'utf8'), (await readFile(two)).equals(content.bytes)]).toEqual(['old', true])
})

test('the file that is replaced gives the new one its rights', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no such rights')
  await writeFile(path, 'old')
  await chmod(path, 0o640)
  const copy = await grow()
  await fill(partial, content)
  await complete()
  await deliver(copy)
  expect((await stat(path)).mode & 0o777).toBe(0o640)
})

test('a cache that runs out of room takes that of the copies, and nobody is told of a full disk', async ({ skip }) => {
  skip(await canClone(path), 'this file system shares blocks: nothing has to grow')
  await partial.discard()
  await cache.close()
  const full: HashPool = {
    ...hashes,
    async digestAndWrite(job) {
      if (job.position === 4 * MIB && (await readdir(to)).length > 0)
        throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
      return hashes.digestAndWrite(job)
    }
  }
  cache = await at.open({ hashes: full })
  const told: string[] = []
  for (const event of ['diskFull', 'evicted'] as const) cache.on(event, () => void told.push(event))
  partial = await cache.openPartial(content.key, plan)
  const copy = await grow()
  await fill(partial, content)
  expect(await readdir(to)).toEqual([])
  await complete()
  await deliver(copy)
  expect([(await readFile(path)).equals(content.bytes), told]).toEqual([true, []])
})

test('nothing grows where the content does not fit twice without deleting anything', async () => {
  await partial.discard()
  await cache.close()
  cache = await at.open({ freeBytes: async () => 15 * MIB })
  partial = await cache.openPartial(content.key, plan)
  expect(await grow()).toBeUndefined()
  expect(await readdir(to)).toEqual([])
})

test('short contents, bad destinations and those inside the cache do not grow', async () => {
  const short = sample(2 * MIB)
  const other = await cache.openPartial(short.key, planPieces(short.bytes.length))
  expect(await other.copyTo(path, { overwrite: true })).toBeUndefined()
  for (const bad of ['relative', join(to, 'none', 'f'), to, join(at.dir, 'f')])
    expect(await partial.copyTo(bad, { overwrite: true }), bad).toBeUndefined()
  await writeFile(path, 'mine')
  expect(await partial.copyTo(path, { overwrite: false })).toBeUndefined()
  expect([await readdir(to), await readdir(at.dir)]).toEqual([['file'], expect.not.arrayContaining(['f'])])
})

test('what has grown goes with its request, also when its partial was closed before', async () => {
  const copy = await grow()
  await fill(partial, content, [1])
  await partial.close()
  await copy?.discard()
  expect(await readdir(to)).toEqual([])
})
