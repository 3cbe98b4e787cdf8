import { mkdtemp, readdir, readFile, watch, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Cache, CacheEvents, PartialContent } from '../../cache/cache.ts'
import type { ContentKey, Sha256Hex } from '../../contract/ids.ts'
import { pieceLength, planPieces } from '../../pieces/plan.ts'
import type { FakeClock } from '../fake-clock.ts'
import { fill, MIB, pieceOf, recordOf, sample, sha, someone, store, type Sample } from './test-cache.ts'

/** A cache and what a test does to it from outside. */
export interface CacheUnderTest {
  readonly cache: Cache
  readonly clock: FakeClock
  /** A folder that is not the cache's. */
  readonly outside: string
  /** Changes a byte of a content as a failing disk would. */
  damage(sha256: Sha256Hex, at: number): Promise<void>
  clean(): Promise<void>
}

/** New contents are not evicted for this long. */
const GRACE_MS = 60_000
const noLimits = { maxBytes: null, maxDiskPercent: null, minFreeBytes: 0, maxAgeDays: null }
const code = (expected: string) => expect.objectContaining({ code: expected })

/** What every {@link Cache} does, on disk or in memory. */
export function describeCache(name: string, make: () => Promise<CacheUnderTest>): void {
  describe(`the ${name}`, () => {
    let at: CacheUnderTest
    let cache: Cache
    let told: [keyof CacheEvents, unknown][]
    beforeEach(async () => {
      at = await make()
      cache = at.cache
      told = []
      const events = ['added', 'evicted', 'removed', 'quarantined', 'tookIn', 'verifying'] as const
      for (const event of events) cache.on(event, (fact: unknown) => void told.push([event, fact]))
    })
    afterEach(() => at.clean())
    const toldOf = (event: keyof CacheEvents) => told.filter(([one]) => one === event).map(([, fact]) => fact)
    const kept = async (bytes = 1000, url?: string): Promise<Sample> => {
      const content = sample(bytes, url)
      await store(cache, content)
      return content
    }
    const nothing = sample(1)

    test('finds a content by digest, key, key of its digest and URL, and reads its bytes', async () => {
      const content = await kept(2 * MIB + 100)
      const found = { sha256: content.sha256, plan: planPieces(content.bytes.length), createdAt: at.clock.wallMs() }
      expect(cache.find(content.sha256)).toEqual(found)
      expect(cache.findByKey(content.key)).toEqual(found)
      expect(cache.findByKey(`sha256:${content.sha256}` as ContentKey)).toEqual(found)
      expect(cache.version(content.version.url)).toEqual(content.version)
      expect(toldOf('added')).toEqual([found])
      const reader = (await cache.open(content.sha256))!
      expect([reader.sha256, reader.plan]).toEqual([content.sha256, found.plan])
      expect(reader.pieceDigests.subarray(64)).toEqual(sha(content.bytes.subarray(2 * MIB)))
      expect((await reader.read(MIB - 1, 3)).equals(content.bytes.subarray(MIB - 1, MIB + 2))).toBe(true)
      const into = Buffer.alloc(5)
      expect(await reader.read(7, 5, into)).toBe(into)
      expect(into.equals(content.bytes.subarray(7, 12))).toBe(true)
      await expect(reader.read(content.bytes.length, 1)).rejects.toThrow(RangeError)
      await expect(reader.read(-1, 1)).rejects.toThrow(RangeError)
      await reader.close()
      await reader.close()
      await expect(reader.read(0, 1)).rejects.toEqual(code('CANCELLED'))
    })

    test('knows nothing of what is not there', async () => {
      const { sha256, key } = nothing
      expect([
        cache.find(sha256),
        cache.findByKey(key),
        cache.version('https://x.test/'),
        cache.detail(sha256)
      ]).toEqual([undefined, undefined, undefined, undefined])
      expect(await cache.open(sha256)).toBeUndefined()
      await expect(cache.remove(sha256)).rejects.toEqual(code('NOT_FOUND'))
      await expect(cache.deliver(sha256, join(at.outside, 'x'), { overwrite: true })).rejects.toEqual(code('NOT_FOUND'))
      expect(() => cache.pin(sha256, true)).toThrow(code('NOT_FOUND'))
      expect(() => cache.setPriority(sha256, 'high')).toThrow(code('NOT_FOUND'))
      expect(() => cache.link(nothing.version, sha256)).toThrow(code('NOT_FOUND'))
      expect(() => cache.noteHit(sha256)).not.toThrow()
      expect(() => cache.noteServed(sha256, 1, someone)).not.toThrow()
      expect(() => cache.confirm('https://x.test/', {})).not.toThrow()
    })

    test('keeps the same bytes under two URLs once', async () => {
      const content = await kept(100)
      const other = { ...content.version, url: 'https://mirror.test/x', key: `version:${'7'.repeat(64)}` as ContentKey }
      cache.link(other, content.sha256)
      expect(cache.findByKey(other.key)?.sha256).toBe(content.sha256)
      expect(cache.version(other.url)).toEqual(other)
      expect(cache.stats()).toMatchObject({ entries: 1, bytes: 100 })
      expect(cache.list().entries[0]!.urls.toSorted()).toEqual([content.version.url, other.url].toSorted())
    })

    test('a confirmed version has the new policy and the time of its confirmation', async () => {
      const { version } = await kept()
      await at.clock.pass(5000)
      cache.confirm(version.url, { fresh: 'for an hour' })
      expect(cache.version(version.url)).toEqual({
        ...version,
        policy: { fresh: 'for an hour' },
        confirmedAt: at.clock.wallMs()
      })
    })

    test('counts uses and whom it served', async () => {
      const { sha256 } = await kept()
      await at.clock.pass(1000)
      cache.noteHit(sha256)
      cache.noteHit(sha256)
      cache.noteServed(sha256, 30)
      cache.noteServed(sha256, 20, someone)
      cache.noteServed(sha256, 25, someone)
      const lastUsedAt = at.clock.wallMs()
      expect(cache.detail(sha256)).toMatchObject({
        entry: { sha256, hits: 2, servedBytes: 75, lastUsedAt },
        servedTo: [{ peer: someone, bytes: 45, lastAt: lastUsedAt }]
      })
    })

    test('lists by last use, size or age, in pages, by a part of the URL in any case or the start of the digest', async () => {
      const large = await kept(3000, 'https://origin.test/Large.bin')
      await at.clock.pass(1000)
      const small = await kept(10, 'https://origin.test/small_%.txt')
      await at.clock.pass(1000)
      cache.noteHit(large.sha256)
      const order = (query: Parameters<Cache['list']>[0]) => cache.list(query).entries.map(({ sha256 }) => sha256)
      expect(order({})).toEqual([large.sha256, small.sha256])
      expect(order({ sort: 'size' })).toEqual([large.sha256, small.sha256])
      expect(order({ sort: 'created' })).toEqual([small.sha256, large.sha256])
      expect(cache.list({ limit: 1, offset: 1 })).toMatchObject({ total: 2, entries: [{ sha256: small.sha256 }] })
      expect(cache.list({ limit: 0 })).toEqual({ entries: [], total: 2 })
      expect(order({ search: 'LARGE' })).toEqual([large.sha256])
      expect(order({ search: '_%.' })).toEqual([small.sha256])
      expect(order({ search: small.sha256.slice(0, 20) })).toEqual([small.sha256])
      expect(cache.list({ search: 'nowhere' })).toEqual({ entries: [], total: 0 })
      expect(cache.list().entries[0]).toEqual({
        sha256: large.sha256,
        lengthBytes: 3000,
        verifiedBy: expect.any(String),
        provenances: expect.any(Array),
        urls: [large.version.url],
        kind: 'resource',
        pinned: false,
        pinnedUntil: null,
        priority: 'normal',
        createdAt: at.clock.wallMs() - 2000,
        lastUsedAt: at.clock.wallMs(),
        hits: 1,
        servedBytes: 0
      })
    })

    test('a pin ends at its time, or when it is taken off', async () => {
      const [one, other] = [await kept(), await kept()]
      cache.pin(one.sha256, true, at.clock.wallMs() + 90_000)
      cache.pin(other.sha256, true)
      expect(cache.stats().pinned).toBe(2)
      expect(cache.detail(one.sha256)!.entry).toMatchObject({ pinned: true, pinnedUntil: at.clock.wallMs() + 90_000 })
      await at.clock.pass(200_000)
      await expect.poll(() => cache.stats().pinned).toBe(1)
      expect(cache.detail(one.sha256)!.entry).toMatchObject({ pinned: false, pinnedUntil: null })
      cache.pin(other.sha256, false, at.clock.wallMs() + 1)
      expect(cache.detail(other.sha256)!.entry).toMatchObject({ pinned: false, pinnedUntil: null })
    })

    test('evicts what was not used for longest over its limit, but nothing that is pinned or being read', async () => {
      const contents: Sample[] = []
      for (let i = 0; i < 4; i++) {
        contents.push(await kept(1000))
        await at.clock.pass(1000)
      }
      const [pinned, read, oldest, newest] = contents as [Sample, Sample, Sample, Sample]
      cache.pin(pinned.sha256, true)
      const reader = (await cache.open(read.sha256))!
      await at.clock.pass(GRACE_MS)
      await cache.setLimits({ ...noLimits, maxBytes: 3000 })
      expect(cache.stats()).toMatchObject({ entries: 3, bytes: 3000, maxBytes: 3000, evictions: 1 })
      expect(toldOf('evicted')).toEqual([{ sha256: oldest.sha256, bytes: 1000, reason: 'size' }])
      expect(cache.findByKey(oldest.key)).toBeUndefined()
      // It is asked for by its validator, should it be wanted again.
      expect(cache.version(oldest.version.url)).toEqual(oldest.version)
      expect([pinned, read, newest].map(({ sha256 }) => cache.find(sha256)?.sha256)).toEqual([
        pinned.sha256,
        read.sha256,
        newest.sha256
      ])
      await reader.close()
    })

    test('spares what has just come: the one who asked for it has yet to take it', async () => {
      const { sha256 } = await kept(1000)
      await cache.setLimits({ ...noLimits, maxBytes: 500 })
      expect(cache.find(sha256)).toBeDefined()
      await at.clock.pass(GRACE_MS)
      await cache.setLimits({ ...noLimits, maxBytes: 500 })
      expect(cache.find(sha256)).toBeUndefined()
    })

    test('evicts the lower priority first', async () => {
      const first = await kept(1000)
      await at.clock.pass(1000)
      const second = await kept(1000)
      cache.setPriority(first.sha256, 'high')
      await at.clock.pass(GRACE_MS)
      await cache.setLimits({ ...noLimits, maxBytes: 1000 })
      expect([cache.find(first.sha256) === undefined, cache.find(second.sha256) === undefined]).toEqual([false, true])
      expect(cache.detail(first.sha256)!.entry.priority).toBe('high')
    })

    test('a content in use is not removed; a removed one is forgotten with its versions', async () => {
      const { sha256, version } = await kept()
      const reader = (await cache.open(sha256))!
      await expect(cache.remove(sha256)).rejects.toEqual(code('CACHE_BUSY'))
      await reader.close()
      expect(await cache.remove(sha256)).toBe(1000)
      expect([cache.find(sha256), cache.version(version.url)]).toEqual([undefined, undefined])
      expect(toldOf('removed')).toEqual([{ sha256, bytes: 1000 }])
    })

    test('clears all that is neither pinned nor in use, pinned ones when told to, and only counts in a dry run', async () => {
      const [plain, pinned, read] = [await kept(10), await kept(20), await kept(30)]
      cache.pin(pinned.sha256, true)
      const reader = (await cache.open(read.sha256))!
      expect(await cache.clear({ pinnedToo: false, dryRun: true })).toEqual({
        removed: 1,
        unfinished: 0,
        unfinishedBytes: 0,
        bytes: 10,
        kept: 2
      })
      expect(cache.stats().entries).toBe(3)
      expect(await cache.clear({ pinnedToo: false, dryRun: false })).toEqual({
        removed: 1,
        unfinished: 0,
        unfinishedBytes: 0,
        bytes: 10,
        kept: 2
      })
      expect(toldOf('removed')).toEqual([{ sha256: plain.sha256, bytes: 10 }])
      expect(await cache.clear({ pinnedToo: true, dryRun: false })).toEqual({
        removed: 1,
        unfinished: 0,
        unfinishedBytes: 0,
        bytes: 20,
        kept: 1
      })
      await reader.close()
    })

    test('delivers to a path, over a file only when told to', async () => {
      const content = await kept(5000)
      const path = join(at.outside, 'delivered')
      await cache.deliver(content.sha256, path, { overwrite: false })
      expect((await readFile(path)).equals(content.bytes)).toBe(true)
      await writeFile(path, 'older')
      await expect(cache.deliver(content.sha256, path, { overwrite: false })).rejects.toEqual(
        code('DESTINATION_EXISTS')
      )
      expect(await readFile(path, 'utf8')).toBe('older')
      await cache.deliver(content.sha256, path, { overwrite: true })
      expect((await readFile(path)).equals(content.bytes)).toBe(true)
      for (const wrong of ['relative', join(at.outside, 'no', 'such', 'folder'), at.outside])
        await expect(cache.deliver(content.sha256, wrong, { overwrite: true }), wrong).rejects.toEqual(
          code('DESTINATION_INVALID')
        )
    })

    test('a delivery that is broken off leaves the destination as it was and nothing beside it', async () => {
      const content = await kept(40 * MIB)
      const folder = await mkdtemp(join(at.outside, 'to-'))
      const path = join(folder, 'file')
      const reason = new Error('no longer wanted')
      const broken = async (overwrite: boolean) => {
        const abort = new AbortController()
        const delivering = cache.deliver(content.sha256, path, { overwrite, signal: abort.signal })
        delivering.catch(() => {})
        // Bytes have been written, somewhere in that folder.
        for await (const _ of watch(folder)) break
        abort.abort(reason)
        await expect(delivering).rejects.toBe(reason)
      }
      await broken(false)
      expect(await readdir(folder)).toEqual([])
      await writeFile(path, 'older')
      await broken(true)
      await expect(
        cache.deliver(content.sha256, path, { overwrite: true, signal: AbortSignal.abort(reason) })
      ).rejects.toBe(reason)
      expect([await readdir(folder), await readFile(path, 'utf8')]).toEqual([['file'], 'older'])
      const late = new AbortController()
      await cache.deliver(content.sha256, path, { overwrite: true, signal: late.signal })
      late.abort(reason)
      expect(sha(await readFile(path)).toString('hex')).toBe(content.sha256)
      await cache.remove(content.sha256)
    })

    test('verifies every content, tells how far it is, puts damaged ones away, and one at a time', async () => {
      const [good, bad] = [await kept(100), await kept(2 * MIB)]
      await at.damage(bad.sha256, MIB + 5)
      const steps: [number, number][] = []
      const first = cache.verify({ onProgress: (done, total) => void steps.push([done, total]) })
      await expect(cache.verify({})).rejects.toEqual(code('BUSY'))
      expect(await first).toEqual({ checked: 2, ok: 1, damaged: [bad.sha256], missing: [], adopted: [], strays: 0 })
      expect(steps.map(([done]) => done)).toEqual([1, 2])
      expect(toldOf('verifying')).toEqual([
        { done: 0, total: 2 },
        ...steps.map(([done, total]) => ({ done, total })),
        null
      ])
      expect(toldOf('quarantined')).toEqual([{ sha256: bad.sha256, reason: expect.any(String) }])
      expect([cache.find(bad.sha256), await cache.open(bad.sha256)]).toEqual([undefined, undefined])
      expect(cache.find(good.sha256)?.sha256).toBe(good.sha256)
      const gone = new AbortController()
      gone.abort(new Error('gone'))
      await expect(cache.verify({ signal: gone.signal })).rejects.toThrow('gone')
      expect(await cache.verify({})).toMatchObject({ checked: 1, ok: 1 })
    })

    describe('a partial', () => {
      const open = (content: Sample) => cache.openPartial(content.key, planPieces(content.bytes.length))

      test('takes right pieces once, refuses wrong ones, and goes on later from what it had', async () => {
        const content = sample(3 * MIB - 7)
        const partial = await open(content)
        await expect(open(content)).rejects.toEqual(code('CACHE_BUSY'))
        const wrong = recordOf(0, sha(Buffer.from('else')))
        const told: number[] = []
        const had = () => void told.push(partial.have.count)
        expect(await partial.write(pieceOf(content, 0), wrong, had)).toBe(false)
        expect([partial.have.count, partial.record(0)]).toEqual([0, undefined])
        await expect(partial.read(0)).rejects.toEqual(code('NOT_FOUND'))
        await expect(partial.write(pieceOf(content, 0), recordOf(3, sha(Buffer.alloc(1))))).rejects.toEqual(
          code('RECORD_INVALID')
        )
        await fill(partial, content, [0])
        expect(await partial.write(pieceOf(content, 0), recordOf(0, sha(pieceOf(content, 0))))).toBe(true)
        const signed = await partial.writeFromOrigin(pieceOf(content, 2), 2, (digest) => recordOf(2, digest), had)
        await partial.write(pieceOf(content, 2), recordOf(2, sha(pieceOf(content, 2))), had)
        expect(told).toEqual([2])
        expect(signed.digest).toEqual(sha(pieceOf(content, 2)))
        await expect(partial.writeFromOrigin(new Uint8Array(5), 1, (digest) => recordOf(1, digest))).rejects.toEqual(
          code('ORIGIN_PROTOCOL')
        )
        expect(cache.stats().partialBytes).toBe(2 * MIB - 7)
        await partial.close()
        await expect(fill(partial, content, [1])).rejects.toEqual(code('CANCELLED'))
        const again = await open(content)
        expect([...again.have]).toEqual([0, 2])
        expect((await again.read(2)).equals(pieceOf(content, 2))).toBe(true)
        expect(again.record(2)?.digest).toEqual(signed.digest)
        await again.drop([0])
        expect([again.have.has(0), again.record(0)]).toEqual([false, undefined])
        await fill(again, content, [0, 1])
        const done = await again.complete(null, content.version, 'script')
        expect(done.sha256).toBe(content.sha256)
        expect(cache.detail(content.sha256)!.entry).toMatchObject({ kind: 'script', urls: [content.version.url] })
        expect(cache.stats().partialBytes).toBe(0)
      })

      test.each([100, 2 * MIB])(
        'of %i bytes is not completed under another digest than the expected',
        async (bytes) => {
          const content = sample(bytes)
          const partial = await open(content)
          await fill(partial, content)
          await expect(partial.complete(nothing.sha256, content.version, 'resource')).rejects.toEqual(
            code('DIGEST_MISMATCH')
          )
          expect(cache.stats().entries).toBe(0)
          expect(partial.have.count).toBe(planPieces(bytes).count)
          expect((await partial.complete(content.sha256, content.version, 'resource')).sha256).toBe(content.sha256)
        }
      )

      describe('of which a copy grows at a destination', () => {
        const content = sample(9 * MIB + 5)
        const last = planPieces(content.bytes.length).count - 1
        const all = Array.from({ length: last + 1 }, (_, index) => index)
        let partial: PartialContent
        let folder: string
        let path: string
        beforeEach(async () => {
          partial = await open(content)
          folder = await mkdtemp(join(at.outside, 'growing-'))
          path = join(folder, 'file')
        })

        test.each([
          ['from the start', [], all],
          ['from the middle on', [0, 1, 2, 7], [last, 3, 8, 4, 6, 5]],
          ['only when all is there', all, []]
        ])('is delivered whole when it grows %s', async (_, before, after) => {
          await fill(partial, content, before)
          const copy = await partial.copyTo(path, { overwrite: false })
          await fill(partial, content, after)
          const { sha256 } = await partial.complete(content.sha256, content.version, 'resource')
          await cache.deliver(sha256, path, { overwrite: false, copy })
          expect([await readdir(folder), (await readFile(path)).equals(content.bytes)]).toEqual([['file'], true])
          await copy?.discard()
          expect(await readdir(folder)).toEqual(['file'])
        })

        test('leaves nothing when it is thrown away, and delivery does without it', async () => {
          const copy = await partial.copyTo(path, { overwrite: false })
          await fill(partial, content, all.slice(0, 5))
          await Promise.all([copy?.discard(), copy?.discard()])
          expect(await readdir(folder)).toEqual([])
          await fill(partial, content)
          const { sha256 } = await partial.complete(content.sha256, content.version, 'resource')
          await cache.deliver(sha256, path, { overwrite: false, copy })
          expect((await readFile(path)).equals(content.bytes)).toBe(true)
        })

        test('is several copies when it is to go to several places', async () => {
          const paths = ['a', 'b', 'c'].map((name) => join(folder, name))
          const copies = await Promise.all(paths.map((one) => partial.copyTo(one, { overwrite: true })))
          await fill(partial, content)
          const { sha256 } = await partial.complete(content.sha256, content.version, 'resource')
          await Promise.all(paths.map((one, i) => cache.deliver(sha256, one, { overwrite: true, copy: copies[i] })))
          expect(await readdir(folder)).toEqual(['a', 'b', 'c'])
          for (const one of paths) expect((await readFile(one)).equals(content.bytes)).toBe(true)
        })

        test('leaves nothing when the delivery is broken off, or what is there may not be replaced', async () => {
          let copy = await partial.copyTo(path, { overwrite: false })
          await fill(partial, content)
          const { sha256 } = await partial.complete(content.sha256, content.version, 'resource')
          const reason = new Error('no longer wanted')
          const signal = AbortSignal.abort(reason)
          await expect(cache.deliver(sha256, path, { overwrite: false, signal, copy })).rejects.toBe(reason)
          expect(await readdir(folder)).toEqual([])
          await cache.remove(sha256)
          partial = await open(content)
          copy = await partial.copyTo(path, { overwrite: false })
          await fill(partial, content)
          await partial.complete(content.sha256, content.version, 'resource')
          await writeFile(path, 'mine')
          await expect(cache.deliver(sha256, path, { overwrite: false, copy })).rejects.toEqual(
            code('DESTINATION_EXISTS')
          )
          expect([await readdir(folder), await readFile(path, 'utf8')]).toEqual([['file'], 'mine'])
        })
      })

      test('that is thrown away leaves nothing; one that rests is cleared with the rest', async () => {
        const content = sample(2 * MIB)
        let partial = await open(content)
        await fill(partial, content, [1])
        await partial.discard()
        partial = await open(content)
        expect(partial.have.count).toBe(0)
        await fill(partial, content, [0])
        expect(await cache.clear({ pinnedToo: true, dryRun: false })).toEqual({
          removed: 0,
          unfinished: 0,
          unfinishedBytes: 0,
          bytes: 0,
          kept: 1
        })
        await partial.close()
        const { plan } = partial
        expect(await cache.clear({ pinnedToo: true, dryRun: false })).toEqual({
          removed: 0,
          unfinished: 1,
          unfinishedBytes: pieceLength(plan, 0),
          bytes: pieceLength(plan, 0),
          kept: 0
        })
        expect((await open(content)).have.count).toBe(0)
      })
    })

    test('a stream becomes a content, or nothing when it is not the expected one', async () => {
      const content = sample(3000)
      const stream = await cache.openStream()
      await stream.write(content.bytes.subarray(0, 1000))
      await stream.write(content.bytes.subarray(1000))
      expect(stream.writtenBytes).toBe(3000)
      expect((await stream.complete(content.sha256, null, 'resource')).sha256).toBe(content.sha256)
      await expect(stream.write(Buffer.alloc(1))).rejects.toEqual(code('CANCELLED'))
      const other = await cache.openStream()
      await other.write(Buffer.from('x'))
      await expect(other.complete(nothing.sha256, null, 'resource')).rejects.toEqual(code('DIGEST_MISMATCH'))
      const third = await cache.openStream()
      await third.discard()
      await expect(third.write(Buffer.from('x'))).rejects.toEqual(code('CANCELLED'))
      expect(cache.stats().entries).toBe(1)
    })

    test('takes in another folder and says so', async () => {
      const from = await mkdtemp(join(at.outside, 'former-'))
      await cache.takeIn(from)
      expect(toldOf('tookIn')).toEqual([{ from, contents: 0, bytes: 0 }])
      expect(cache.stats().moving).toBeNull()
    })

    test('adds up savings by day, never below nothing', () => {
      const day = (originBytes: number, servedBytes: number) => ({
        originBytes,
        peerBytes: 2,
        cacheBytes: 3,
        servedBytes
      })
      cache.savings.add('2026-01-02', day(10, 1))
      cache.savings.add('2026-01-02', day(-20, 1))
      cache.savings.add('2026-01-01', day(5, 0))
      expect(cache.savings.since('2026-01-01')).toEqual([
        { day: '2026-01-01', ...day(5, 0) },
        { day: '2026-01-02', originBytes: 0, peerBytes: 4, cacheBytes: 6, servedBytes: 2 }
      ])
      expect(cache.savings.since('2026-01-02')).toHaveLength(1)
    })

    test('once closed it takes nothing and finds nothing', async () => {
      const { sha256, key, version } = await kept()
      await cache.close()
      await cache.close()
      expect([cache.find(sha256), cache.findByKey(key), cache.version(version.url), cache.detail(sha256)]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined
      ])
      expect(cache.list()).toEqual({ entries: [], total: 0 })
      for (const refused of [
        () => cache.open(sha256),
        () => cache.openPartial(key, planPieces(10)),
        () => cache.openStream(),
        () => cache.remove(sha256),
        () => cache.clear({ pinnedToo: false, dryRun: true }),
        () => cache.verify({}),
        () => cache.takeIn(at.outside),
        () => cache.deliver(sha256, join(at.outside, 'x'), { overwrite: true }),
        async () => cache.pin(sha256, true),
        async () => cache.setPriority(sha256, 'low'),
        async () => cache.link(version, sha256),
        async () => cache.confirm(version.url, {})
      ])
        await expect(refused(), String(refused)).rejects.toEqual(code('SHUTTING_DOWN'))
    })
  })
}
