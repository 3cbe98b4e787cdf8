import { expect, test, vi } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { TimedStop } from './timed-stop.ts'

test('tells when its time is over, and only for the newest time', async () => {
  const clock = fakeClock()
  const elapsed = vi.fn<() => void>()
  const stop = new TimedStop(clock, elapsed)
  stop.begin(clock.wallMs() + 1000)
  stop.begin(clock.wallMs() + 5000)
  await clock.pass(4999)
  expect(elapsed).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(elapsed).toHaveBeenCalledTimes(1)
})

test('is over when it is ended, and says whether there was anything to end', async () => {
  const clock = fakeClock()
  const elapsed = vi.fn<() => void>()
  const stop = new TimedStop(clock, elapsed)
  expect(stop.end()).toBe(false)
  stop.begin(clock.wallMs() + 1000)
  expect(stop.state).not.toBeNull()
  expect(stop.end()).toBe(true)
  expect(stop.state).toBeNull()
  await clock.pass(2000)
  expect(elapsed).not.toHaveBeenCalled()
})

test('a stop for longer than a timer can be set for lasts as long as it was set for', async () => {
  const clock = fakeClock()
  const elapsed = vi.fn<() => void>()
  const days = 40 * 24 * 3600_000
  new TimedStop(clock, elapsed).begin(clock.wallMs() + days)
  await clock.pass(days - 1)
  expect(elapsed).not.toHaveBeenCalled()
  await clock.pass(1)
  expect(elapsed).toHaveBeenCalledTimes(1)
})
