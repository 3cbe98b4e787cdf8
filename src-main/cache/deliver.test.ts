import { chmod, mkdir, open, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { newPartName } from '../placing/part-name.ts'
import { thisProcess } from '../placing/this-process.ts'
import type { Cache } from './cache.ts'
import { layoutOf } from './layout.ts'
import { MIB, sample, store, testCache, type Sample, type TestCache } from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>
let cache: Cache
let content: Sample
let to: string

beforeEach(async () => {
  at = await testCache(hashes, fakeClock())
  cache = await at.open()
  content = sample(3 * MIB + 9)
  await store(cache, content)
  to = join(at.outside, 'to')
  await mkdir(to)
})
afterEach(() => at.clean())
afterAll(() => hashes.close())

const deliver = (destination: string, overwrite = true) => cache.deliver(content.sha256, destination, { overwrite })

test('the file appears complete, with ordinary rights, in place of the older one', async () => {
  const path = join(to, 'setup.msi')
  await deliver(path)
  expect((await readFile(path)).equals(content.bytes)).toBe(true)
  expect((await stat(path)).mode & 0o777).toBe(0o666 & ~process.umask())
  await writeFile(path, 'older')
  await deliver(path)
  expect((await readFile(path)).equals(content.bytes)).toBe(true)
  expect(await readdir(to)).toEqual(['setup.msi'])
})

test('a small file has ordinary rights too, and a file that is replaced keeps its own', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no such rights')
  const small = sample(9)
  await store(cache, small)
  const path = join(to, 'run.sh')
  await cache.deliver(small.sha256, path, { overwrite: true })
  expect((await stat(path)).mode & 0o777).toBe(0o666 & ~process.umask())
  await chmod(path, 0o754)
  await cache.deliver(small.sha256, path, { overwrite: true })
  expect((await stat(path)).mode & 0o777).toBe(0o754)
})

test('what is delivered is not the cached file: writing to it does not change the cache', async () => {
  const path = join(to, 'f')
  await deliver(path)
  await writeFile(path, 'changed')
  expect(await cache.verify({})).toMatchObject({ ok: 1 })
})

test('without overwrite an existing file stays, also when two deliver at the same time', async () => {
  const path = join(to, 'f')
  await writeFile(path, 'mine')
  await expect(deliver(path, false)).rejects.toMatchObject({
    code: 'DESTINATION_EXISTS'
  })
  expect(await readFile(path, 'utf8')).toBe('mine')
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => deliver(join(to, 'g'), false)))
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  expect((await readdir(to)).sort()).toEqual(['f', 'g'])
})

test('a destination that cannot be one is DESTINATION_INVALID', async () => {
  await mkdir(join(to, 'folder'))
  await writeFile(join(to, 'file'), '')
  await symlink(at.dir, join(to, 'into-cache'))
  const bad = [
    'relative/file',
    join(to, 'none', 'f'),
    join(to, 'folder'),
    `${join(to, 'f')}/`,
    join(to, 'file', 'f'),
    join(cache.dir, 'f'),
    join(cache.dir, 'content-v1', 'f'),
    join(to, 'into-cache', 'f'),
    '/',
    '/dev/null',
    `${to}/a\0b`
  ]
  for (const path of bad) await expect(deliver(path), path).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
  await expect(deliver(join(to, 'x'.repeat(256)))).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
  expect((await readdir(to)).sort()).toEqual(['file', 'folder', 'into-cache'])
})

test('a long name and a name in another script can be delivered', async () => {
  for (const name of ['x'.repeat(255), 'é'.repeat(127)]) await deliver(join(to, name))
  expect((await readdir(to)).length).toBe(2)
})

test('a link to a file stays: its target is replaced; a link to nothing is refused', async () => {
  await mkdir(join(to, 'real'))
  await writeFile(join(to, 'real', 'file'), 'old')
  await symlink(join('real', 'file'), join(to, 'link'))
  await deliver(join(to, 'link'))
  expect(await readlink(join(to, 'link'))).toBe(join('real', 'file'))
  expect((await readFile(join(to, 'real', 'file'))).equals(content.bytes)).toBe(true)
  expect(await readdir(join(to, 'real'))).toEqual(['file'])
  await symlink('nowhere', join(to, 'dangling'))
  await expect(deliver(join(to, 'dangling'))).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
})

test('in a folder that others may write to the copy is made by handle, and is right', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no such rights')
  await chmod(to, 0o777)
  await deliver(join(to, 'f'))
  expect((await readFile(join(to, 'f'))).equals(content.bytes)).toBe(true)
  expect((await stat(join(to, 'f'))).mode & 0o777).toBe(0o666 & ~process.umask())
  expect(await readdir(to)).toEqual(['f'])
})

test('a folder without the right to write is DESTINATION_UNWRITABLE', async ({ skip }) => {
  skip(process.getuid?.() === 0, 'root may write everywhere')
  await chmod(to, 0o500)
  await expect(deliver(join(to, 'f'))).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
  await chmod(to, 0o700)
})

test('a damaged content is quarantined and nothing of it is delivered', async () => {
  const quarantined: string[] = []
  cache.on('quarantined', ({ sha256 }) => quarantined.push(sha256))
  const file = await open(layoutOf(at.dir).content(content.sha256), 'r+')
  await file.write(Buffer.from('bad'), 0, 3, 2 * MIB)
  await file.close()
  await expect(deliver(join(to, 'f'))).rejects.toMatchObject({ code: 'CACHE_DAMAGED' })
  expect(quarantined).toEqual([content.sha256])
  await expect(deliver(join(to, 'f'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await readdir(to)).toEqual([])
})

test('damage between the look at the file and the copy of a piece is noticed', async () => {
  await cache.close()
  // The file is damaged at the moment the first piece has been copied.
  let damaged = false
  const meddling: HashPool = {
    ...hashes,
    async digestAndWrite(job) {
      if (!damaged) {
        damaged = true
        const file = await open(layoutOf(at.dir).content(content.sha256), 'r+')
        await file.write(Buffer.from('bad'), 0, 3, 3 * MIB)
        await file.close()
      }
      return hashes.digestAndWrite(job)
    }
  }
  cache = await at.open({ hashes: meddling })
  at.clock.jumpWall(3600_000)
  await expect(deliver(join(to, 'f'))).rejects.toMatchObject({ code: 'CACHE_DAMAGED' })
  expect(damaged).toBe(true)
  expect(cache.find(content.sha256)).toBe(undefined)
  expect(await readdir(to)).toEqual([])
})

test('a full disk leaves no half-written file and can be tried again', async () => {
  await cache.close()
  let full = true
  const limited: HashPool = {
    ...hashes,
    async digestAndWrite(job) {
      if (full && job.position > 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
      return hashes.digestAndWrite(job)
    }
  }
  cache = await at.open({ hashes: limited })
  at.clock.jumpWall(3600_000)
  await expect(deliver(join(to, 'f'))).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(await readdir(to)).toEqual([])
  full = false
  await deliver(join(to, 'f'))
  expect((await readFile(join(to, 'f'))).equals(content.bytes)).toBe(true)
})

test('a delivery that is broken off copies no further than the pieces that are under way', async () => {
  await cache.close()
  const abort = new AbortController()
  let copied = 0
  const counting: HashPool = {
    ...hashes,
    async digestAndWrite(job) {
      copied++
      abort.abort(new Error('enough'))
      return hashes.digestAndWrite(job)
    }
  }
  cache = await at.open({ hashes: counting })
  at.clock.jumpWall(3600_000)
  await expect(cache.deliver(content.sha256, join(to, 'f'), { overwrite: true, signal: abort.signal })).rejects.toThrow(
    'enough'
  )
  expect(copied).toBeLessThanOrEqual(2)
  expect(await readdir(to)).toEqual([])
  await cache.remove(content.sha256)
})

test('a delivery whose content has to be hashed first, and is being hashed by somebody else, is broken off at once', async () => {
  const { promise: hashing, resolve: begun } = Promise.withResolvers<void>()
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  await cache.close()
  const slow: HashPool = {
    ...hashes,
    running(path) {
      const running = hashes.running(path)
      return {
        ...running,
        async finish(end) {
          begun()
          await held
          return running.finish(end)
        }
      }
    }
  }
  cache = await at.open({ hashes: slow })
  const verifying = cache.verify({})
  await hashing
  const abort = new AbortController()
  const delivering = cache.deliver(content.sha256, join(to, 'f'), { overwrite: true, signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(delivering).rejects.toThrow('enough')
  goOn()
  expect(await verifying).toMatchObject({ ok: 1 })
  expect(await readdir(to)).toEqual([])
})

test('a cache that closes hashes no long content to its end', async () => {
  const long = sample(70 * MIB)
  await store(cache, long)
  await cache.close()
  const steps: number[] = []
  const counting: HashPool = {
    ...hashes,
    running(path) {
      const running = hashes.running(path)
      return {
        ...running,
        advance(end) {
          steps.push(end)
          if (steps.length === 1) void cache.close()
          return running.advance(end)
        },
        finish(end) {
          steps.push(end)
          return running.finish(end)
        }
      }
    }
  }
  cache = await at.open({ hashes: counting })
  await utimes(layoutOf(at.dir).content(long.sha256), 1, 1)
  await expect(cache.open(long.sha256)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  expect(steps).toEqual([32 * MIB])
  await cache.close()
})

test.each([true, false])(
  'what a killed process has left of a delivery goes with the next one, checked on the way or not (fresh: %s)',
  async (fresh) => {
    const path = join(to, 'f')
    const dead = { pid: 2 ** 31 - 1, place: thisProcess().place }
    await writeFile(join(to, newPartName(path, null, dead)), 'half', { mode: 0o600 })
    if (!fresh) at.clock.jumpWall(3600_000)
    await deliver(path)
    expect(await readdir(to)).toEqual(['f'])
  }
)

test('an empty content is delivered as an empty file', async () => {
  const empty = sample(0)
  await store(cache, empty)
  await cache.deliver(empty.sha256, join(to, 'empty'), { overwrite: false })
  expect((await stat(join(to, 'empty'))).size).toBe(0)
})
