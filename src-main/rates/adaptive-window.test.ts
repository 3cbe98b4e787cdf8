import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { AdaptiveWindow, type DelayProbe } from './adaptive-window.ts'

const limits = () => ({ targetMs: 60, floorBytesPerSecond: 32 * 1024, ceilingBytes: 8 * 2 ** 20 })

test('probes only while there is a download, and shares the window between them', async () => {
  const clock = fakeClock()
  let probes = 0
  const probe: DelayProbe = async () => (probes++, 20)
  const window = new AdaptiveWindow('https://origin.test/a', { clock, probe, limits })
  await clock.pass(5000)
  expect(probes).toBe(0)
  const one = window.open()
  await clock.pass(1000)
  expect(probes).toBeGreaterThan(3)
  const alone = one.bytes!
  const two = window.open()
  expect(two.bytes).toBe(alone / 2)
  two.release()
  two.release()
  expect(one.bytes).toBe(alone)
  one.release()
  const before = probes
  await clock.pass(10_000)
  expect(probes).toBe(before)
  expect(window.idle).toBe(true)
})

test('goes blind when nobody answers for some seconds, and sees again with the next answer', async () => {
  const clock = fakeClock()
  let answers = true
  const window = new AdaptiveWindow('https://origin.test/a', {
    clock,
    probe: async () => (answers ? 20 : null),
    limits
  })
  const download = window.open()
  await clock.pass(1000)
  expect(download.bytes).toBeGreaterThan(0)
  answers = false
  await clock.pass(3000)
  expect(download.bytes).toBeGreaterThan(0)
  await clock.pass(2000)
  expect(download.bytes).toBe(null)
  answers = true
  await clock.pass(500)
  expect(download.bytes).toBeGreaterThan(0)
})

test('received bytes let it grow, a queue lets it shrink', async () => {
  const clock = fakeClock()
  let rttMs = 20
  const window = new AdaptiveWindow('https://origin.test/a', { clock, probe: async () => rttMs, limits })
  const download = window.open()
  const first = download.bytes!
  for (let i = 0; i < 20; i++) {
    download.received(1e6)
    await clock.pass(200)
  }
  const grown = download.bytes!
  expect(grown).toBeGreaterThan(first * 4)
  rttMs = 300
  for (let i = 0; i < 20; i++) {
    download.received(1e5)
    await clock.pass(200)
  }
  expect(download.bytes).toBeLessThan(grown / 10)
  download.release()
})
