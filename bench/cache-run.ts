// One start of a large cache in a process of its own, for `bench:cache`: CACHE_FOLDER [settle|evict] → one line of JSON.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCache } from '../src-main/cache/open-cache.ts'
import type { Sha256Hex } from '../src-main/contract/ids.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { keepYoungHeapSmall, letYoungHeapGrow } from '../src-main/lib/small-heap.ts'
import { createHashPool } from '../src-main/pieces/hash-pool.ts'
import { parseProc } from './usage.ts'

const MIB = 1024 ** 2
const LOOKUPS = 20_000
const none = { maxBytes: 1024 ** 4, maxDiskPercent: null, minFreeBytes: 0, maxAgeDays: null }
const dir = process.argv[2]!
const doing = process.argv[3]
// As the agent does.
keepYoungHeapSmall()
letYoungHeapGrow()
const hashes = createHashPool({ workers: 1 })

const timed = async <T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> => {
  const startedAt = performance.now()
  const value = await work()
  return { ms: performance.now() - startedAt, value }
}
const rss = () =>
  (process.platform === 'linux'
    ? parseProc(readFileSync('/proc/self/status', 'utf8'), readFileSync('/proc/self/stat', 'utf8')).peakRssBytes
    : process.memoryUsage.rss()) / MIB

const before = rss()
const { ms: startMs, value: cache } = await timed(() => openCache({ ...none, dir, clock: systemClock, hashes }))
const { entries } = cache.stats()
const digests: Sha256Hex[] = []
for (let offset = 0; offset < Math.min(entries, 5000); offset += 1000)
  digests.push(
    ...cache
      .list({ limit: 1000, offset: offset * 17 < entries ? offset * 17 : offset })
      .entries.map(({ sha256 }) => sha256)
  )
const lookups = new Float64Array(LOOKUPS)
for (let i = 0; i < LOOKUPS; i++) {
  const sha256 = digests[(i * 7919) % digests.length]!
  const startedAt = performance.now()
  if (!cache.find(sha256)) throw new Error(`${sha256} is not there`)
  lookups[i] = performance.now() - startedAt
}
lookups.sort()
const page = await timed(() => cache.list({ limit: 100, sort: 'size' }))
const search = await timed(() => cache.list({ limit: 100, search: 'file-77' }))
const passes: Record<string, number> = {}
if (doing === 'evict') {
  const { bytes } = cache.stats()
  // One has to go: all are looked at. Then a hundredth of all.
  passes.oneMs = (await timed(() => cache.setLimits({ ...none, maxBytes: bytes - 1 }))).ms
  passes.hundredthMs = (await timed(() => cache.setLimits({ ...none, maxBytes: Math.floor(bytes * 0.99) }))).ms
}
// Looking at all files goes on beside the work; only what was looked at whole ends clean.
let settledMs = 0
if (doing === 'settle') {
  settledMs =
    (
      await timed(async () => {
        while (!cache.inLine) await sleep(50)
      })
    ).ms + startMs
}
const evicted = cache.stats().evictions
const peakRssMiB = rss()
await cache.close()
await hashes.close()
process.stdout.write(
  `${JSON.stringify({ entries, startMs, lookupP50Ms: lookups[LOOKUPS / 2], lookupP99Ms: lookups[Math.floor(LOOKUPS * 0.99)], pageMs: page.ms, searchMs: search.ms, found: search.value.total, passes, settledMs, evicted, rssBeforeMiB: before, peakRssMiB })}\n`
)
