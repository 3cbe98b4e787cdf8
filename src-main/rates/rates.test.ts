import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { localClock } from '../lib/local-time.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Rates } from './rates.ts'
import { UploadCount } from './upload-count.ts'

const MIB = 2 ** 20
const HOUR = 3600_000
let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-rates-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

async function ratesOf(rates: object, startMs: number, timeZone = 'Europe/Berlin') {
  const clock = fakeClock(startMs)
  const local = localClock(timeZone)
  const uploads = await UploadCount.open(join(dir, 'uploads.json'), clock, local)
  const made = new Rates({
    clock,
    localClock: local,
    settings: Settings.parse({ rates }).rates,
    uploads,
    probe: async () => 20,
    changed: () => {}
  })
  return { clock, uploads, rates: made }
}

test('caps follow the clock on the wall hour by hour, through a day that has 23 hours', async () => {
  // Sunday 29 March 2026, 0 o'clock in Berlin.
  const { clock, rates } = await ratesOf(
    { wanBackground: 4 * MIB, schedule: [{ days: ['sun'], from: 3, to: 5, wanBackground: MIB }] },
    Date.UTC(2026, 2, 28, 23)
  )
  const seen: (number | null)[] = []
  for (let hour = 0; hour < 24; hour++) {
    await clock.pass(10_000)
    seen.push(rates.view().caps.wanBackground)
    await clock.pass(HOUR - 10_000)
  }
  // 0, 1, then 3 and 4 o'clock: 2 o'clock is left out.
  expect(seen.slice(0, 6).map((cap) => cap! / MIB)).toEqual([4, 4, 1, 1, 4, 4])
  expect(seen.slice(6).every((cap) => cap === 4 * MIB)).toBe(true)
  rates.close()
})

test('other settings hold at once, also for what waits', async () => {
  const { clock, rates } = await ratesOf({ wanForeground: 16 * 1024 }, 0)
  const pace = rates.pace('wan', 'foreground')
  let through = false
  void pace(10 * MIB)!.then(() => (through = true))
  await clock.pass(5000)
  expect(through).toBe(false)
  rates.configure({ wanForeground: null })
  await clock.pass(500)
  expect(through).toBe(true)
  expect(rates.pace('wan', 'foreground')(MIB)).toBeUndefined()
  rates.close()
})

test('only background downloads are adaptive, and only when that is on', async () => {
  const { rates } = await ratesOf({}, 0)
  expect(rates.window('https://origin.test/a', 'background')).toBeUndefined()
  rates.configure({ adaptive: true })
  expect(rates.window('https://origin.test/a', 'foreground')).toBeUndefined()
  const window = rates.window('https://origin.test/a', 'background')!
  expect(rates.view().adaptive.origins).toMatchObject([{ origin: 'https://origin.test', downloads: 1 }])
  window.release()
  expect(rates.view().adaptive.origins).toEqual([])
  rates.close()
})

test('uploads count by calendar month of local time, through restarts, and end at the limit', async () => {
  // 31 January 2026, 23:59 in Berlin.
  const first = await ratesOf({ monthlyUploadBytes: 100 * MIB }, Date.UTC(2026, 0, 31, 22, 59))
  first.rates.noteUploaded(60 * MIB)
  expect(first.rates.mayUpload).toBe(true)
  await first.uploads.close()
  first.rates.close()
  const second = await ratesOf({ monthlyUploadBytes: 100 * MIB }, Date.UTC(2026, 0, 31, 22, 59))
  second.rates.noteUploaded(40 * MIB)
  expect(second.rates.view().uploads).toEqual({
    month: '2026-01',
    bytes: 100 * MIB,
    limitBytes: 100 * MIB,
    allowed: false
  })
  await second.clock.pass(60_000)
  expect(second.rates.view().uploads).toEqual({ month: '2026-02', bytes: 0, limitBytes: 100 * MIB, allowed: true })
  await second.uploads.close()
  expect(JSON.parse(await readFile(join(dir, 'uploads.json'), 'utf8'))).toEqual({ month: '2026-02', bytes: 0 })
  second.rates.close()
})

test('a damaged count begins at 0', async () => {
  for (const text of ['', '{', '{"month":"2026-1","bytes":3}', '{"month":"2026-01","bytes":-1}', 'x'.repeat(5000)]) {
    await writeFile(join(dir, 'uploads.json'), text)
    const { rates, uploads } = await ratesOf({}, Date.UTC(2026, 0, 5))
    expect(rates.view().uploads).toMatchObject({ month: '2026-01', bytes: 0 })
    rates.close()
    await uploads.close()
  }
})

test('a clock that was years ahead for a moment does not count uploads until then', async () => {
  const local = localClock('Europe/Berlin')
  const path = join(dir, 'ahead.json')
  const ahead = await UploadCount.open(path, fakeClock(Date.UTC(2031, 4, 1)), local)
  ahead.add(5 * MIB)
  await ahead.close()
  const clock = fakeClock(Date.UTC(2026, 0, 31, 12))
  const uploads = await UploadCount.open(path, clock, local)
  // Setting the clock back gives nobody a month again.
  expect(uploads.current).toEqual({ month: '2026-01', bytes: 5 * MIB })
  await clock.pass(24 * HOUR)
  expect(uploads.current).toEqual({ month: '2026-02', bytes: 0 })
  await uploads.close()
})
