import { describe, expect, it } from 'vitest'
import { AwakeClock, type Standstill } from './awake-clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'

/** A clock, and a process on it that can be stopped. */
function stoppable() {
  const time = fakeClock()
  let skippedMs = 0
  let sleptMs = 0
  const woke: Standstill[] = []
  const real = {
    ...time,
    monotonicMs: () => time.monotonicMs() + skippedMs,
    wallMs: () => time.wallMs() + skippedMs + sleptMs
  }
  const clock = new AwakeClock(real, (standstill) => void woke.push(standstill))
  return {
    clock,
    woke,
    pass: time.pass,
    /** It does not run for this long: its clocks go on, its timers do not. */
    stop: (ms: number) => void (skippedMs += ms),
    /** The whole PC sleeps, and with it the monotonic clock. */
    sleep: (ms: number) => void (sleptMs += ms)
  }
}

describe('the clock of a process that may stand still', () => {
  it('goes as all clocks do while the process runs, busy as it may be', async () => {
    const { clock, woke, pass, stop } = stoppable()
    await pass(60_000)
    stop(2000)
    expect(clock.monotonicMs()).toBe(62_000)
    expect(clock.standstill()).toBeNull()
    await pass(1000)
    expect(woke).toEqual([])
  })

  it('does not count a time in which the process was stopped, and tells of it', async () => {
    const { clock, woke, pass, stop } = stoppable()
    await pass(1500)
    stop(30_000)
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(1000)
    expect(clock.monotonicMs()).toBeLessThanOrEqual(1500)
    expect(clock.standstill()?.ms).toBe(30_500)
    expect(woke).toEqual([])
    await pass(0)
    expect(woke).toEqual([clock.standstill()])
    await pass(10_000)
    expect(woke).toHaveLength(1)
  })

  it('tells of a sleep that stopped the monotonic clock as well', async () => {
    const { clock, woke, pass, sleep } = stoppable()
    await pass(1000)
    sleep(8 * 3600_000)
    expect(clock.monotonicMs()).toBe(1000)
    await pass(1000)
    expect(woke.map(({ ms }) => Math.round(ms / 3600_000))).toEqual([8])
  })

  it('does not take a clock that is set back for a sleep', async () => {
    const { woke, pass, sleep } = stoppable()
    sleep(-3600_000)
    await pass(5000)
    expect(woke).toEqual([])
  })

  it('never goes back', async () => {
    const { clock, pass, stop } = stoppable()
    await pass(999)
    const beforeMs = clock.monotonicMs()
    stop(30_000)
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(beforeMs)
  })

  it('lets no timer ring that is not due on it', async () => {
    const { clock, pass, stop } = stoppable()
    const rung: string[] = []
    clock.after(5000, () => rung.push('a'))
    const cancelled = clock.after(5000, () => rung.push('b'))
    clock.after(20_000, () => cancelled.cancel())
    clock.after(40_000, () => rung.push('c'))
    await pass(1000)
    stop(30_000)
    // The event loop runs what is overdue.
    await pass(2000)
    expect(rung).toEqual([])
    // The second that the stop fell into does not count either.
    await pass(3000)
    expect(rung).toEqual(['a', 'b'])
    cancelled.cancel()
    await pass(40_000)
    expect(rung).toEqual(['a', 'b', 'c'])
  })

  it('rings after weeks, longer than a timer can be set for', async () => {
    const { clock, pass } = stoppable()
    const days = 86_400_000
    let rung = 0
    clock.stop()
    clock.after(30 * days, () => rung++)
    await pass(1)
    expect(rung).toBe(0)
  })
})
