import { createClock } from '@sinonjs/fake-timers'
import { anyLength, type Clock } from '../lib/clock.ts'

/** A clock that stands still until told. */
export interface FakeClock extends Clock {
  /** Lets `ms` pass; timers fire in order, promises settle in between. */
  pass(ms: number): Promise<void>
  /** Sets the wall clock as a user would; timers and the monotonic clock do not notice. */
  jumpWall(ms: number): void
}

export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  const fake = createClock(startMs)
  let wallOffset = 0
  return {
    wallMs: () => fake.now + wallOffset,
    monotonicMs: () => fake.now - startMs,
    ...anyLength({
      once(ms, fn) {
        const id = fake.setTimeout(fn, ms)
        return { cancel: () => fake.clearTimeout(id) }
      },
      repeatedly(ms, fn) {
        const id = fake.setInterval(fn, ms)
        return { cancel: () => fake.clearInterval(id) }
      }
    }),
    async pass(ms) {
      await fake.tickAsync(ms)
    },
    jumpWall(ms) {
      wallOffset += ms
    }
  }
}
