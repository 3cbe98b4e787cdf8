import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import type { Cache } from './cache.ts'
import { layoutOf, partialName, type Layout } from './layout.ts'
import { fill, flip, MIB, sample, store, testCache, type Sample, type TestCache } from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
let at: TestCache<FakeClock>
let layout: Layout

beforeEach(async () => {
  at = await testCache(hashes, fakeClock())
  layout = layoutOf(at.dir)
})
afterEach(() => at.clean())
afterAll(() => hashes.close())

async function readWhole(cache: Cache, { sha256, bytes }: Sample): Promise<Buffer | undefined> {
  const reader = await cache.open(sha256)
  try {
    return await reader?.read(0, bytes.length)
  } finally {
    await reader?.close()
  }
}
function quarantined(cache: Cache): string[] {
  const list: string[] = []
  cache.on('quarantined', ({ sha256 }) => list.push(sha256))
  return list
}
const missing = (path: string) =>
  stat(path).then(
    () => false,
    () => true
  )

test('a flipped byte is noticed when the content is opened, whatever its mtime says', async () => {
  const cache = await at.open()
  const content = sample(3 * MIB)
  await store(cache, content)
  const { atime, mtime } = await stat(layout.content(content.sha256))
  await flip(layout.content(content.sha256), 2 * MIB)
  await utimes(layout.content(content.sha256), atime, mtime)
  const events = quarantined(cache)
  expect(await cache.open(content.sha256)).toBe(undefined)
  expect(events).toEqual([content.sha256])
  expect(cache.find(content.sha256)).toBe(undefined)
  expect((await readdir(layout.quarantine)).length).toBe(1)
  expect(await missing(layout.sidecar(content.sha256))).toBe(true)
  expect(cache.version(content.version.url)).toEqual(content.version)
})

test('bits that rot without a trace in the file system are noticed when they are first read', async () => {
  const content = sample(3 * MIB)
  let cache = await at.open()
  await store(cache, content)
  await cache.close()
  await flip(layout.content(content.sha256), 2 * MIB)
  const { DatabaseSync } = await import('node:sqlite')
  const { size, mtimeNs, ctimeNs } = await stat(layout.content(content.sha256), { bigint: true })
  const index = new DatabaseSync(layout.index)
  index.prepare('UPDATE contents SET stamp = ?').run(`${size}:${mtimeNs}:${ctimeNs}`)
  index.close()
  cache = await at.open()
  const events = quarantined(cache)
  const reader = (await cache.open(content.sha256))!
  expect((await reader.read(0, MIB)).equals(content.bytes.subarray(0, MIB))).toBe(true)
  await expect(reader.read(2 * MIB - 1, 2)).rejects.toMatchObject({ code: 'CACHE_DAMAGED' })
  expect(events).toEqual([content.sha256])
  await reader.close()
})

test('a file cut off, even while it is open, is never served', async () => {
  const cache = await at.open()
  const [before, during] = [sample(2 * MIB), sample(2 * MIB)]
  await store(cache, before)
  await store(cache, during)
  await truncate(layout.content(before.sha256), MIB)
  expect(await cache.open(before.sha256)).toBe(undefined)
  const reader = (await cache.open(during.sha256))!
  await truncate(layout.content(during.sha256), MIB)
  await expect(reader.read(MIB, MIB)).rejects.toMatchObject({ code: 'CACHE_DAMAGED' })
  await reader.close()
  expect(cache.stats().entries).toBe(0)
})

test('a file touched but unchanged is hashed and served', async () => {
  const cache = await at.open()
  const content = sample(2 * MIB)
  await store(cache, content)
  await utimes(layout.content(content.sha256), 1, 1)
  expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
})

test('a missing or damaged sidecar is made again from the bytes', async () => {
  const content = sample(2 * MIB + 1)
  let cache = await at.open()
  await store(cache, content)
  cache.pin(content.sha256, true)
  await cache.close()
  for (const damage of [
    () => rm(layout.sidecar(content.sha256)),
    () => flip(layout.sidecar(content.sha256), 3),
    () => truncate(layout.sidecar(content.sha256), 100)
  ]) {
    await damage()
    cache = await at.open()
    expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
    await cache.close()
    await rm(layout.index)
    cache = await at.open()
    expect(cache.list().entries).toMatchObject([{ sha256: content.sha256, pinned: true, urls: [content.version.url] }])
    await cache.close()
  }
})

test('with the index and the sidecar gone the bytes are still taken in by their name', async () => {
  const content = sample(2 * MIB + 1)
  let cache = await at.open()
  await store(cache, content)
  await cache.close()
  await rm(layout.index)
  await rm(layout.sidecar(content.sha256))
  cache = await at.open()
  expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
})

test('a deleted, a garbage or an older index is made again from the files', async () => {
  const contents = [sample(10), sample(MIB), sample(2 * MIB)]
  let cache = await at.open()
  for (const content of contents) await store(cache, content)
  const other = { ...contents[0]!.version, url: 'https://mirror.test/' }
  cache.link(other, contents[0]!.sha256)
  await cache.close()
  const { DatabaseSync } = await import('node:sqlite')
  const old = async () => {
    const index = new DatabaseSync(layout.index)
    index.exec('PRAGMA user_version = 999')
    index.close()
  }
  const half = async () => truncate(layout.index, Math.floor((await stat(layout.index)).size / 2))
  const folder = async () => {
    await rm(layout.index)
    await mkdir(layout.index)
  }
  for (const damage of [
    () => rm(layout.index),
    () => writeFile(layout.index, 'garbage'.repeat(5000)),
    old,
    half,
    folder
  ]) {
    await damage()
    cache = await at.open()
    expect(cache.stats()).toMatchObject({ entries: 3, bytes: 10 + 3 * MIB })
    for (const content of contents) {
      expect(cache.findByKey(content.key)?.sha256).toBe(content.sha256)
      expect(cache.version(content.version.url)).toEqual(content.version)
      expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
    }
    expect(cache.version(other.url)).toEqual(other)
    await cache.close()
  }
})

test('after an unclean end the index follows the files', async () => {
  const [gone, cut, orphan, nameless, kept] = [sample(10), sample(20), sample(30), sample(40), sample(50)]
  let cache = await at.open()
  for (const content of [gone, cut, orphan, nameless, kept]) await store(cache, content)
  await at.crash(cache)
  await rm(layout.content(gone.sha256))
  await truncate(layout.content(cut.sha256), 5)
  const { DatabaseSync } = await import('node:sqlite')
  const index = new DatabaseSync(layout.index)
  index.prepare('DELETE FROM contents WHERE sha256 IN (?, ?)').run(orphan.sha256, nameless.sha256)
  index.close()
  await rm(layout.sidecar(nameless.sha256))
  await writeFile(join(layout.tmp, 'half'), 'x')
  cache = await at.open()
  expect(cache.list({ sort: 'size' }).entries.map(({ lengthBytes }) => lengthBytes)).toEqual([50, 40, 30])
  expect(await missing(layout.sidecar(gone.sha256))).toBe(true)
  expect(await readdir(layout.tmp)).toEqual([])
  expect((await readdir(layout.quarantine)).map((name) => name.slice(0, 64))).toEqual([cut.sha256])
  for (const content of [orphan, nameless, kept])
    expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
})

test('a crash at each step of completing ends right: before the rename, before the index, before the clean-up', async () => {
  const content = sample(2 * MIB)
  const paths = layout.partial(partialName(content.key))
  const keep = async (from: string[], to: string) => {
    await mkdir(join(at.outside, to))
    for (const path of from) await copyFile(path, join(at.outside, to, basename(path)))
  }
  const put = async (from: string, paths: string[]) => {
    for (const path of paths) {
      await mkdir(dirname(path), { recursive: true })
      await copyFile(join(at.outside, from, basename(path)), path)
    }
  }
  const partialFiles = Object.values(paths)
  const contentFiles = [layout.content(content.sha256), layout.sidecar(content.sha256)]
  let cache = await at.open()
  const partial = await cache.openPartial(content.key, planPieces(2 * MIB))
  await fill(partial, content)
  await keep(partialFiles, 'before')
  await partial.complete(content.sha256, content.version, 'resource')
  await keep(contentFiles, 'after')
  await cache.remove(content.sha256)
  await at.crash(cache)

  // The sidecar is there, the bytes are still those of the partial.
  await put('before', partialFiles)
  await put('after', contentFiles.slice(1))
  cache = await at.open()
  expect(await missing(contentFiles[1]!)).toBe(true)
  const resumed = await cache.openPartial(content.key, planPieces(2 * MIB))
  expect(resumed.have.complete).toBe(true)
  await resumed.complete(content.sha256, content.version, 'resource')
  await cache.remove(content.sha256)
  await at.crash(cache)

  // The bytes have been renamed, the index does not know of it; map and description of the partial are still there.
  await put('before', [paths.rec, paths.json])
  await put('after', contentFiles)
  cache = await at.open()
  expect(cache.findByKey(content.key)?.sha256).toBe(content.sha256)
  expect(cache.version(content.version.url)).toEqual(content.version)
  expect((await readWhole(cache, content))?.equals(content.bytes)).toBe(true)
  expect(cache.stats().partialBytes).toBe(0)
  expect(await readdir(layout.partialRoot)).toEqual([])
  await at.crash(cache)

  // The index knows it too; only the clean-up is missing.
  await put('before', [paths.json])
  cache = await at.open()
  expect(await readdir(layout.partialRoot)).toEqual([])
  expect(cache.stats().entries).toBe(1)
})

test('bytes under a wrong name are not taken in', async () => {
  let cache = await at.open()
  const [content, other] = [sample(10), sample(10)]
  await store(cache, content)
  await at.crash(cache)
  await mkdir(dirname(layout.content(other.sha256)), { recursive: true })
  await rename(layout.content(content.sha256), layout.content(other.sha256))
  cache = await at.open()
  expect(cache.stats().entries).toBe(0)
})

test('a link in the content tree is neither followed nor served, and what it points to stays', async () => {
  const cache = await at.open()
  const [file, folder] = [sample(10), sample(20)]
  await store(cache, file)
  await store(cache, folder)
  const precious = join(at.outside, 'precious')
  await writeFile(precious, file.bytes)
  await rm(layout.content(file.sha256))
  await symlink(precious, layout.content(file.sha256))
  const moved = join(at.outside, 'moved')
  await rename(dirname(layout.content(folder.sha256)), moved)
  await symlink(moved, dirname(layout.content(folder.sha256)))

  expect(await cache.open(file.sha256)).toBe(undefined)
  expect(await readFile(precious)).toEqual(file.bytes)
  await expect(cache.remove(folder.sha256)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  await cache.clear({ pinnedToo: true, dryRun: false }).catch(() => {})
  expect((await readdir(moved)).length).toBe(2)
  const report = await cache.verify({})
  expect(report.strays).toBeGreaterThan(0)
  expect((await readdir(moved)).length).toBe(2)
})

test('verify says what is right, damaged, missing, taken in and stray', async () => {
  const cache = await at.open()
  const [ok, damaged, gone, unknown] = [sample(2 * MIB), sample(2 * MIB), sample(3), sample(4)]
  for (const content of [ok, damaged, gone, unknown]) await store(cache, content)
  await flip(layout.content(damaged.sha256), MIB + 5)
  await rm(layout.content(gone.sha256))
  const away = join(at.outside, 'away')
  await rename(layout.content(unknown.sha256), away)
  await cache.open(unknown.sha256)
  await rename(away, layout.content(unknown.sha256))
  await writeFile(join(layout.contentRoot, 'stray'), 'x')
  await writeFile(join(dirname(layout.content(ok.sha256)), 'note.txt'), 'x')
  await writeFile(layout.sidecar(sample(1).sha256.replace(/^..../, ok.sha256.slice(0, 4)) as never), '{}')
  const progress: string[] = []
  const report = await cache.verify({ onProgress: (done, total) => progress.push(`${done}/${total}`) })
  expect(report).toEqual({
    checked: 4,
    ok: 2,
    damaged: [damaged.sha256],
    missing: [gone.sha256],
    adopted: [unknown.sha256],
    strays: 3
  })
  expect(progress).toEqual(['1/4', '2/4', '3/4', '4/4'])
  expect(await cache.verify({})).toEqual({ checked: 2, ok: 2, damaged: [], missing: [], adopted: [], strays: 0 })
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await expect(cache.verify({ signal: stop.signal })).rejects.toThrow('enough')
})

test('quarantined files go after a week', async () => {
  const cache = await at.open()
  const content = sample(10)
  await store(cache, content)
  await flip(layout.content(content.sha256), 1)
  await cache.verify({})
  const [name] = await readdir(layout.quarantine)
  await utimes(join(layout.quarantine, name!), at.clock.wallMs() / 1000, at.clock.wallMs() / 1000)
  await at.clock.pass(60_000)
  at.clock.jumpWall(8 * 24 * 3600_000)
  await at.clock.pass(60_000)
  while ((await readdir(layout.quarantine)).length > 0) await new Promise((resolve) => setImmediate(resolve))
})
