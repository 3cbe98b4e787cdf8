import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { localClock } from '../lib/local-time.ts'
import { Settings } from '../contract/settings.ts'
import { openCache } from '../cache/open-cache.ts'
import { sample, store } from '../testing/cache/test-cache.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { Precache } from '../precache/precache.ts'
import { Rates } from '../rates/rates.ts'
import { UploadCount } from '../rates/upload-count.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { PauseSwitch } from './pause-switch.ts'
import { SavingsMeter } from './savings.ts'

const HOUR = 3600_000
const MIB = 2 ** 20
let dir: string
let zone: string | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-day-'))
  zone = process.env['TZ']
  process.env['TZ'] = 'Europe/Berlin'
})
afterEach(async () => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
  await rm(dir, { recursive: true, force: true })
})

/** What an agent looks like at the full hours of one day, by the clock on the wall in Berlin. */
async function aDay(startMs: number, hours: number) {
  const clock = fakeClock(startMs)
  const local = localClock('Europe/Berlin')
  const settings = Settings.parse({
    rates: { wanBackground: 4 * MIB, schedule: [{ from: 2, to: 4, wanBackground: MIB }], monthlyUploadBytes: 24 * MIB },
    precache: { list: 'list', from: 1, to: 4, jitterMinutes: 0 }
  })
  const hashes = createHashPool({ workers: 1 })
  const uploads = await UploadCount.open(join(dir, 'uploads.json'), clock, local)
  const rates = new Rates({
    clock,
    localClock: local,
    settings: settings.rates,
    uploads,
    probe: async () => null,
    changed: () => {}
  })
  const pause = await PauseSwitch.open(dir, clock, () => {})
  const cache = await openCache({
    dir: join(dir, 'cache'),
    clock,
    hashes,
    maxBytes: 100 * MIB,
    minFreeBytes: 0,
    maxAgeDays: 1
  })
  const [content, kept, aged] = [sample(MIB), sample(2 * MIB), sample(3 * MIB)]
  for (const one of [content, kept, aged]) await store(cache, one)
  const got = { originBytes: 0, peerBytes: 0, cacheBytes: 0, servedBytes: 0 }
  const savings = new SavingsMeter(clock, cache.savings, () => ({ ...got }))
  const runs: number[] = []
  const precache = await Precache.open({
    path: join(dir, 'precache.json'),
    clock,
    localClock: local,
    settings: settings.precache,
    random: () => 0,
    wallMs: () => clock.wallMs(),
    pin: () => {},
    setPriority: () => {},
    changed: () => {},
    onMains: async () => true,
    requireAllowed: () => {},
    readList: async () => [],
    obtain: async () => ({ sha256: content.sha256, bytes: 0, present: true }),
    ended: () => runs.push(local(clock.wallMs()).hour)
  })
  precache.begin()
  cache.pin(content.sha256, true, startMs + 5 * HOUR)
  cache.pin(kept.sha256, true)
  pause.hold('person', startMs + 24 * HOUR)
  const seen: {
    hour: number
    capMib: number
    pinned: number
    contents: number
    paused: boolean
    mayUpload: boolean
    uploadedMib: number
    todayMib: number
    allMib: number
    saved: number | null
  }[] = []
  for (let i = 0; i < hours; i++) {
    // A minute past the hour: everything that looks at the clock has done so.
    await clock.pass(60_000)
    const { caps, uploads: month } = rates.view()
    const { pinned, entries } = cache.stats()
    const { today, days28 } = savings.read()
    seen.push({
      hour: local(clock.wallMs()).hour,
      capMib: caps.wanBackground! / MIB,
      pinned,
      contents: entries,
      paused: pause.state !== null,
      mayUpload: rates.mayUpload,
      uploadedMib: month.bytes / MIB,
      todayMib: (today.originBytes + today.peerBytes) / MIB,
      allMib: (days28.originBytes + days28.peerBytes) / MIB,
      saved: days28.savedShare
    })
    rates.noteUploaded(MIB)
    got.originBytes += MIB
    got.peerBytes += 3 * MIB
    await clock.pass(HOUR - 60_000)
  }
  // What was used for the last time a day ago has gone by now; deleting takes real time.
  if (hours > 24) await expect.poll(() => cache.stats()).toMatchObject({ entries: 1, pinned: 1 })
  savings.stop()
  await precache.close()
  await pause.close()
  rates.close()
  await uploads.close()
  await cache.close()
  await hashes.close()
  return { seen, runs }
}

test('the day that loses an hour: each hour has its caps, pin, pause, uploads and pre-cache run', async () => {
  // 28 March 2026, 23 o'clock in Berlin; 2 o'clock does not come.
  const { seen, runs } = await aDay(Date.UTC(2026, 2, 28, 22), 26)
  expect(seen.slice(0, 6).map(({ hour }) => hour)).toEqual([23, 0, 1, 3, 4, 5])
  expect(seen.filter(({ capMib }) => capMib === 1).map(({ hour }) => hour)).toEqual([3])
  expect(seen.map(({ pinned }) => pinned)).toEqual(Array.from({ length: 26 }, (_, i) => (i < 5 ? 2 : 1)))
  expect(seen.slice(0, 24).map(({ contents }) => contents)).toEqual(Array(24).fill(3))
  expect(seen.map(({ paused }) => paused)).toEqual(Array.from({ length: 26 }, (_, i) => i < 24))
  expect(seen.map(({ uploadedMib }) => uploadedMib)).toEqual(Array.from({ length: 26 }, (_, i) => i))
  // What was got before midnight counts for the day before, whose end is a wall clock's.
  expect(seen.map(({ todayMib }) => todayMib)).toEqual([0, ...Array.from({ length: 23 }, (_, i) => 4 * i), 0, 4])
  expect(seen.map(({ allMib }) => allMib)).toEqual(Array.from({ length: 26 }, (_, i) => 4 * i))
  expect(seen.slice(1).map(({ saved }) => saved)).toEqual(Array(25).fill(0.75))
  expect(seen.map(({ mayUpload }) => mayUpload)).toEqual(Array.from({ length: 26 }, (_, i) => i < 24))
  // The second one is that of the next night: the clock on the wall is at 1 again after 25 hours.
  expect(runs).toEqual([1, 1])
})

test('the day that has an hour twice: the hour that comes twice has its caps twice, everything else goes on by real time', async () => {
  // 24 October 2026, 23 o'clock in Berlin.
  const { seen, runs } = await aDay(Date.UTC(2026, 9, 24, 21), 26)
  expect(seen.slice(0, 7).map(({ hour }) => hour)).toEqual([23, 0, 1, 2, 2, 3, 4])
  expect(seen.filter(({ capMib }) => capMib === 1).map(({ hour }) => hour)).toEqual([2, 2, 3])
  expect(seen.map(({ pinned }) => pinned)).toEqual(Array.from({ length: 26 }, (_, i) => (i < 5 ? 2 : 1)))
  expect(seen.slice(0, 24).map(({ contents }) => contents)).toEqual(Array(24).fill(3))
  expect(seen.map(({ paused }) => paused)).toEqual(Array.from({ length: 26 }, (_, i) => i < 24))
  expect(seen.map(({ todayMib }) => todayMib)).toEqual([0, ...Array.from({ length: 25 }, (_, i) => 4 * i)])
  expect(runs).toEqual([1])
})

test('the turn of the month in the middle of a day begins the uploads again', async () => {
  // 31 January 2026, 20 o'clock in Berlin.
  const { seen } = await aDay(Date.UTC(2026, 0, 31, 19), 6)
  expect(seen.map(({ hour, uploadedMib }) => [hour, uploadedMib])).toEqual([
    [20, 0],
    [21, 1],
    [22, 2],
    [23, 3],
    [0, 0],
    [1, 1]
  ])
})
