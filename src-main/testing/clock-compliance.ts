import { describe, expect, test } from 'vitest'
import { sleep, type Clock } from '../lib/clock.ts'

/** What every {@link Clock} does. `pass` lets this many milliseconds go by on it. */
export function describeClock(name: string, make: () => { clock: Clock; pass(ms: number): Promise<void> }): void {
  describe(`the ${name}`, () => {
    const { clock, pass } = make()

    test('calls once after its time, in order, and not when it was cancelled', async () => {
      const calls: string[] = []
      clock.after(20, () => calls.push('second'))
      clock.after(1, () => calls.push('first'))
      const cancelled = clock.after(5, () => calls.push('never'))
      cancelled.cancel()
      cancelled.cancel()
      await pass(60)
      expect(calls).toEqual(['first', 'second'])
      cancelled.cancel()
    })

    test('calls again and again until it is cancelled, from within a call too', async () => {
      let calls = 0
      const third = Promise.withResolvers<void>()
      const timer = clock.every(5, () => {
        if (++calls < 3) return
        timer.cancel()
        third.resolve()
      })
      await Promise.all([third.promise, pass(100)])
      await pass(20)
      expect(calls).toBe(3)
    })

    test('goes forward by what has passed', async () => {
      const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
      await pass(30)
      expect(clock.monotonicMs() - monotonicMs).toBeGreaterThanOrEqual(25)
      expect(clock.wallMs() - wallMs).toBeGreaterThanOrEqual(25)
    })

    test('lets someone sleep, and wakes them with the reason of their signal', async () => {
      const slept = sleep(clock, 5).then(() => 'slept')
      await pass(30)
      expect(await slept).toBe('slept')
      const alarm = new AbortController()
      const woken = sleep(clock, 3600_000, alarm.signal)
      alarm.abort(new Error('wake up'))
      await expect(woken).rejects.toThrow('wake up')
      await expect(sleep(clock, 1, alarm.signal)).rejects.toThrow('wake up')
    })
  })
}
