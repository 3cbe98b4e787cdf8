import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ErrorCode } from '../contract/errors.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { PrecacheItem, PrecacheReport } from '../contract/precache.ts'
import { Settings } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { localClock } from '../lib/local-time.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { windowAt } from './night.ts'
import { Precache, type PrecacheParts } from './precache.ts'

const HOUR = 3600_000
const DAY = 24 * HOUR
const berlin = localClock('Europe/Berlin')
let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-precache-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A precache over an agent that takes `minutes` for each content. */
async function rig(options: {
  startMs: number
  settings?: object
  minutes?: number
  fail?: string | undefined
  failWith?: ErrorCode
  readable?: boolean
  random?: number
  items?: PrecacheItem[]
}) {
  const clock = fakeClock(options.startMs)
  const state = {
    mains: true,
    allowed: true,
    readable: options.readable ?? true,
    reports: [] as PrecacheReport[],
    started: [] as string[],
    pins: [] as [string, number][],
    reads: 0
  }
  const items = options.items ?? [{ url: 'a' }, { url: 'b' }, { url: 'c' }]
  const parts: PrecacheParts = {
    path: join(dir, 'precache.json'),
    clock,
    localClock: berlin,
    settings: Settings.parse({
      precache: { list: '/etc/list', from: 22, to: 6, jitterMinutes: 60, atOnce: 1, ...options.settings }
    }).precache,
    random: () => options.random ?? 0.5,
    wallMs: () => clock.wallMs(),
    changed: () => {},
    pin: (sha256, until) => void state.pins.push([sha256, until]),
    setPriority: () => {},
    onMains: async () => state.mains,
    requireAllowed() {
      if (!state.allowed) throw new LarderError('INTEGRATION_OFF', 'The integration is off')
    },
    obtain: (spec, signal) =>
      new Promise((resolve, reject) => {
        state.started.push(spec.url)
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        clock.after((options.minutes ?? 1) * 60_000, () =>
          spec.url === options.fail
            ? reject(new LarderError(options.failWith ?? 'ORIGIN_NOT_FOUND', 'not there'))
            : resolve({ sha256: spec.url as Sha256Hex, bytes: 10, present: spec.url === 'c' })
        )
      }),
    readList: async () => {
      state.reads++
      if (!state.readable) throw new LarderError('NOT_FOUND', 'no such list')
      return items
    },
    ended: (report) => void state.reports.push(report)
  }
  const reopen = async () => {
    const precache = await Precache.open(parts)
    precache.begin()
    return precache
  }
  return { clock, state, options, precache: await reopen(), reopen }
}
const at = (hour: number, minute = 0) => Date.UTC(2026, 0, 5, hour - 1, minute) // Berlin winter time, a Monday

test('a window over midnight is one night, named by its evening, and only of days that are meant', () => {
  const hours = { days: ['mon' as const], from: 22, to: 6 }
  const seen = [21, 22, 23, 24, 29, 30].map((hour) => windowAt(hours, berlin(at(hour))))
  expect(seen).toEqual([null, '2026-01-05', '2026-01-05', '2026-01-05', '2026-01-05', null])
  expect(windowAt(hours, berlin(at(22) + DAY))).toBe(null)
  expect(windowAt({ ...hours, from: 8, to: 12 }, berlin(at(11)))).toBe('2026-01-05')
  expect(windowAt({ ...hours, from: 8, to: 12 }, berlin(at(12)))).toBe(null)
})

test('says when it begins by itself: the next night it is meant for, or the moment it waits for', async () => {
  const { clock, state, precache } = await rig({ startMs: at(20, 10), settings: { days: ['mon', 'wed'] } })
  expect(precache.view()).toMatchObject({ state: 'waiting', nextAt: at(22) })
  await clock.pass(2 * HOUR)
  const { state: now, nextAt } = precache.view()
  expect(now).toBe('jitter')
  expect(nextAt! - at(22)).toBeGreaterThanOrEqual(30 * 60_000)
  expect(nextAt! - at(22)).toBeLessThanOrEqual(31 * 60_000)
  await clock.pass(21 * 60_000)
  expect(precache.view()).toMatchObject({ state: 'running', nextAt: null })
  await clock.pass(14 * 60_000)
  expect(precache.view()).toMatchObject({ state: 'waiting', nextAt: at(22) + 2 * DAY })
  await clock.pass(2 * DAY - 2 * HOUR)
  state.mains = false
  await clock.pass(2 * HOUR)
  expect(precache.view()).toMatchObject({ state: 'waiting', nextAt: null, why: 'This PC runs on battery.' })
  precache.configure(Settings.parse({}).precache)
  expect(precache.view()).toMatchObject({ state: 'off', nextAt: null })
  await precache.close()
})

test('runs once a night, after its random wait, and says how it went', async () => {
  const { clock, state, precache } = await rig({ startMs: at(20), fail: 'b', settings: { pinDays: 2 } })
  await clock.pass(2 * HOUR - 30_000)
  expect(precache.view().state).toBe('waiting')
  await clock.pass(60_000)
  expect(precache.view().state).toBe('jitter')
  await clock.pass(30 * 60_000)
  expect(precache.view()).toMatchObject({ state: 'running', running: { total: 3 } })
  await clock.pass(4 * 60_000)
  expect(state.reports).toMatchObject([
    { end: 'incomplete', total: 3, done: 2, present: 1, bytes: 10, failed: [{ url: 'b', code: 'ORIGIN_NOT_FOUND' }] }
  ])
  expect(state.pins.map(([sha256]) => sha256)).toEqual(['a', 'c'])
  expect(state.pins[0]![1] - clock.wallMs()).toBeGreaterThan(2 * DAY - 10 * 60_000)
  await clock.pass(7 * HOUR)
  expect(state.reports).toHaveLength(1)
  await clock.pass(DAY)
  expect(state.reports).toHaveLength(2)
  await precache.close()
})

test('who comes late into the window waits no longer than leaves time for the run', async () => {
  const { clock, state, precache } = await rig({ startMs: at(5, 40), random: 0.99 })
  await clock.pass(20_000)
  expect(precache.view().state).toBe('jitter')
  expect(precache.view().nextAt! - at(5, 40)).toBeLessThan(11 * 60_000)
  await clock.pass(15 * 60_000)
  expect(state.reports).toMatchObject([{ end: 'complete', done: 3 }])
  await precache.close()
})

test('a list that cannot be read at the end of the window is tried again in the next one, and that is said', async () => {
  const { clock, state, precache } = await rig({ startMs: at(5, 50), random: 0, readable: false })
  await clock.pass(40_000)
  expect(precache.view()).toMatchObject({ state: 'jitter', nextAt: at(22) })
  state.readable = true
  await clock.pass(17 * HOUR)
  expect(state.reports).toMatchObject([{ end: 'complete' }])
  await precache.close()
})

test('what is done stays done through a restart; what was cut short goes on', async () => {
  const { clock, state, precache, reopen } = await rig({ startMs: at(22), random: 0, minutes: 30 })
  await clock.pass(45 * 60_000)
  await precache.close()
  expect(state.started).toEqual(['a', 'b'])
  const second = await reopen()
  expect(second.view().last).toMatchObject({ end: 'stopped', done: 1 })
  await clock.pass(2 * HOUR)
  expect(state.reports.at(-1)).toMatchObject({ end: 'complete', done: 3 })
  await second.close()
  const third = await reopen()
  await clock.pass(2 * HOUR)
  expect(state.started).toHaveLength(5)
  await third.close()
})

test('ends when the night is over or the mains are gone, and goes on when they are back', async () => {
  const { clock, state, precache } = await rig({ startMs: at(29, 30), random: 0, minutes: 20 })
  await clock.pass(10 * 60_000)
  state.mains = false
  await clock.pass(60_000)
  expect(state.reports).toMatchObject([{ end: 'on-battery', done: 0 }])
  expect(precache.view().why).toContain('battery')
  state.mains = true
  await clock.pass(25 * 60_000)
  expect(state.reports).toMatchObject([{ end: 'on-battery' }, { end: 'window-closed', done: 0 }])
  expect(precache.view()).toMatchObject({ state: 'waiting', last: { end: 'window-closed' } })
  await precache.close()
})

test('a person’s stop holds for the night, and a person’s start needs none', async () => {
  const { clock, state, precache } = await rig({ startMs: at(22), random: 0, minutes: 5 })
  await clock.pass(60_000)
  expect(precache.stop()).toBe(true)
  await clock.pass(HOUR)
  expect(state.reports).toMatchObject([{ end: 'stopped' }])
  await precache.start([{ url: 'x' }])
  await expect(precache.start([{ url: 'y' }])).rejects.toMatchObject({ code: 'BUSY' })
  await clock.pass(6 * 60_000)
  expect(state.reports[1]).toMatchObject({ end: 'complete', total: 1, done: 1 })
  await precache.close()
})

test('a list that cannot be read is told and tried again after a quarter of an hour', async () => {
  const { clock, state, precache } = await rig({ startMs: at(22), random: 0, readable: false })
  await clock.pass(60_000)
  expect(precache.view()).toMatchObject({
    why: 'no such list',
    last: { end: 'list-unreadable', failed: [{ code: 'NOT_FOUND' }] }
  })
  expect(state.reads).toBe(1)
  state.readable = true
  await clock.pass(20 * 60_000)
  expect(state.reports).toMatchObject([{ end: 'complete' }])
  await precache.close()
})

test('a night of the change to and from summer time is one night', async () => {
  for (const startMs of [Date.UTC(2026, 2, 28, 12), Date.UTC(2026, 9, 24, 12)]) {
    const { clock, state, precache } = await rig({ startMs, random: 0 })
    await clock.pass(DAY)
    expect(state.reports).toMatchObject([{ end: 'complete' }])
    await precache.close()
    await rm(join(dir, 'precache.json'))
  }
})

test('an origin away for a while at the hour of pre-caching is asked again the same night, for what is missing', async () => {
  const { clock, state, options, precache } = await rig({
    startMs: at(22),
    random: 0,
    fail: 'b',
    failWith: 'ORIGIN_UNREACHABLE'
  })
  await clock.pass(5 * 60_000)
  expect(state.reports).toMatchObject([{ end: 'incomplete', total: 3, done: 2, failed: [{ url: 'b' }] }])
  expect(precache.view()).toMatchObject({
    state: 'jitter',
    why: '1 of 3 contents could not be had; they are tried again.',
    last: { end: 'incomplete' }
  })
  expect(precache.view().nextAt! - clock.wallMs()).toBeLessThanOrEqual(15 * 60_000)
  options.fail = undefined
  await clock.pass(20 * 60_000)
  expect(state.started).toEqual(['a', 'b', 'c', 'b'])
  expect(state.reports[1]).toMatchObject({ end: 'complete', total: 3, done: 3, failed: [] })
  await clock.pass(5 * HOUR)
  expect(state.started).toHaveLength(4)
  await precache.close()
})

test('what is missing is tried until the night is over, and the whole list the next night', async () => {
  const { clock, state, precache } = await rig({
    startMs: at(29),
    random: 0,
    fail: 'b',
    failWith: 'ORIGIN_UNREACHABLE'
  })
  await clock.pass(HOUR)
  expect(state.started.slice(0, 3)).toEqual(['a', 'b', 'c'])
  expect(state.started.length).toBeGreaterThanOrEqual(6)
  expect(new Set(state.started.slice(3))).toEqual(new Set(['b']))
  const before = state.started.length
  await clock.pass(16 * HOUR + 5 * 60_000)
  expect(state.started.slice(before)).toEqual(['a', 'b', 'c'])
  await precache.close()
})

test('a refusal that is final is not asked for again, and is never called complete', async () => {
  const { clock, state, options, precache } = await rig({
    startMs: at(22),
    random: 0,
    items: [{ url: 'a' }, { url: 'b' }],
    fail: 'b'
  })
  await clock.pass(HOUR)
  expect(state.started).toEqual(['a', 'b'])
  expect(precache.view().last).toMatchObject({ end: 'incomplete', done: 1, total: 2 })
  options.fail = 'a'
  options.failWith = 'ORIGIN_STALLED'
  await precache.start()
  await clock.pass(HOUR)
  expect(state.reports[1]).toMatchObject({ end: 'incomplete', failed: [{ url: 'a' }] })
  await precache.close()
})

test('waits while the integration is off, and refuses to begin; a run under way ends and goes on later', async () => {
  const { clock, state, precache } = await rig({ startMs: at(21, 59), random: 0, minutes: 5 })
  state.allowed = false
  await expect(precache.start()).rejects.toMatchObject({ code: 'INTEGRATION_OFF' })
  await clock.pass(5 * 60_000)
  expect(state.started).toEqual([])
  await expect.poll(() => precache.view()).toMatchObject({ state: 'waiting', why: 'The integration is off.' })
  state.allowed = true
  await clock.pass(60_000)
  await expect.poll(() => precache.view().state).toBe('running')
  state.allowed = false
  await clock.pass(60_000)
  await expect.poll(() => precache.view()).toMatchObject({ state: 'waiting', last: { end: 'stopped' } })
  state.allowed = true
  await clock.pass(30 * 60_000)
  await expect.poll(() => precache.view().last).toMatchObject({ end: 'complete', done: 3 })
  await precache.close()
})
