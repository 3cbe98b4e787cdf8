import type { Clock, Timer } from '../lib/clock.ts'

const TICK_MS = 5000
/** A gap of so much more than a tick was no busy moment. Together 12 s, after which others have given up a silent connection. */
const GAP_MS = 7000

/** What two looks at the clocks tell about the time between them: was this process, or the whole PC, stopped? */
export function wasAsleep(before: { wallMs: number; monotonicMs: number }, now: { wallMs: number; monotonicMs: number }): boolean {
  // Linux and macOS stop the monotonic clock while the PC sleeps, Windows lets it run; somebody who sets the clock back is no sleep.
  return now.monotonicMs - before.monotonicMs > TICK_MS + GAP_MS || now.wallMs - before.wallMs > TICK_MS + GAP_MS
}

/** Notices that this PC has slept where no power event tells it: in a headless agent, or in a virtual machine that was paused. */
export class SleepWatch {
  readonly #timer: Timer

  constructor(clock: Clock, woke: () => void) {
    const look = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() })
    let last = look()
    this.#timer = clock.every(TICK_MS, () => {
      const now = look()
      if (wasAsleep(last, now)) woke()
      last = now
    })
  }

  stop(): void {
    this.#timer.cancel()
  }
}
