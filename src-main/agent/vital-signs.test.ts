import { afterEach, expect, test, vi } from 'vitest'
import { VitalSigns } from './vital-signs.ts'

const turns: boolean[] = []
let isGoingOn = false
const vitals = new VitalSigns({ turned: (atWork) => turns.push(atWork), goesOn: () => isGoingOn })
afterEach(() => {
  vi.useRealTimers()
  vitals.stop()
})

test('watches the event loop only while there is work, and for half a minute after it', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  expect(vitals.watching).toBe(false)
  vitals.noteWork()
  expect(vitals.watching).toBe(true)
  vi.advanceTimersByTime(29_000)
  vitals.noteWork()
  vi.advanceTimersByTime(2000)
  expect(vitals.watching).toBe(true)
  vi.advanceTimersByTime(30_000)
  expect(vitals.watching).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
  expect(turns).toEqual([true, false])
})

test('a request that waits for long without any change is work until it has ended', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  turns.length = 0
  isGoingOn = true
  vitals.noteWork()
  vi.advanceTimersByTime(600_000)
  expect(turns).toEqual([true])
  isGoingOn = false
  vi.advanceTimersByTime(60_000)
  expect(turns).toEqual([true, false])
  expect(vi.getTimerCount()).toBe(0)
})

test('still tells the delay of the last work when it is over', async () => {
  vitals.noteWork()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const until = performance.now() + 150
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(vitals.read().eventLoopP99Ms).toBeGreaterThan(50)
  vitals.stop()
  expect(vitals.read().eventLoopP99Ms).toBeGreaterThan(50)
})
