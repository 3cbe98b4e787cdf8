import { expect, test, vi } from 'vitest'
import { createClock } from '@sinonjs/fake-timers'
import { fakeClock } from '../testing/fake-clock.ts'
import { MAX_TIMER_MS, systemClock } from './clock.ts'

const DAY = 24 * 3600_000

test('a timer of more than 2^31 ms on the real clock does not call at once', async () => {
  const early = vi.fn<() => void>()
  const never = [
    systemClock.after(MAX_TIMER_MS + 1, early),
    systemClock.after(300 * DAY, early),
    systemClock.after(Infinity, early),
    systemClock.every(MAX_TIMER_MS + 1, early)
  ]
  await new Promise<void>((resolve) => void systemClock.after(20, resolve))
  expect(early).not.toHaveBeenCalled()
  for (const timer of never) timer.cancel()
})

test('the platform under the fake clock calls early as Node does, so the tests below can fail', async () => {
  const platform = createClock(0)
  const early = vi.fn<() => void>()
  platform.setTimeout(early, MAX_TIMER_MS + 1)
  await platform.tickAsync(1)
  expect(early).toHaveBeenCalledTimes(1)
})

test.each([25, 100, 365])('a timer of %i days calls to the millisecond', async (days) => {
  const clock = fakeClock()
  const due = vi.fn<() => void>()
  clock.after(days * DAY, due)
  await clock.pass(days * DAY - 1)
  expect(due).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(due).toHaveBeenCalledTimes(1)
})

test('a long timer can be cancelled in each of its steps', async () => {
  for (const afterDays of [0, 30, 60]) {
    const clock = fakeClock()
    const due = vi.fn<() => void>()
    const timer = clock.after(70 * DAY, due)
    await clock.pass(afterDays * DAY)
    timer.cancel()
    await clock.pass(100 * DAY)
    expect(due).not.toHaveBeenCalled()
  }
})

test('something that happens every 30 days does', async () => {
  const clock = fakeClock()
  const due = vi.fn<() => void>()
  const timer = clock.every(30 * DAY, due)
  await clock.pass(95 * DAY)
  expect(due).toHaveBeenCalledTimes(3)
  timer.cancel()
  await clock.pass(95 * DAY)
  expect(due).toHaveBeenCalledTimes(3)
})
