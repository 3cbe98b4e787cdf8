// Why it is like this: docs/decisions/0050-time-runs-only-while-the-process-does.md
import type { Clock, Timer } from './clock.ts'

/** The process looks at its clocks at least this often. */
const BEAT_MS = 1000
/** A look that comes later than a beat and this was not late because of other work: the process, or the whole PC, was stopped. */
const LATE_MS = 2000
/** Timers are a little early now and then. */
const EARLY_MS = 2

/** A time in which this process did not run. */
export interface Standstill {
  readonly ms: number
  /** When it was over, on the clock that did not count it. */
  readonly endedMs: number
}

/**
 * A clock that runs only while this process does: stopped, suspended or paused with its machine it does not advance, and no timer is due
 * before its time on this clock has come. So nobody is taken for silent because this process was not there to listen.
 *
 * Whoever looks at it first after a standstill makes it notice, whatever the event loop runs first.
 */
export class AwakeClock implements Clock {
  readonly #real: Clock
  readonly #woke: (standstill: Standstill) => void
  readonly #beat: Timer
  #seen: { monotonicMs: number; wallMs: number }
  #missedMs = 0
  #last: Standstill | null = null

  /** @param woke called soon after a standstill, not from within a look at the clock */
  constructor(real: Clock, woke: (standstill: Standstill) => void = () => {}) {
    this.#real = real
    this.#woke = woke
    this.#seen = { monotonicMs: real.monotonicMs(), wallMs: real.wallMs() }
    this.#beat = real.every(BEAT_MS, () => void this.monotonicMs())
  }

  /** The last standstill, if there was one. */
  standstill(): Standstill | null {
    this.monotonicMs()
    return this.#last
  }

  wallMs(): number {
    return this.#real.wallMs()
  }

  monotonicMs(): number {
    const now = { monotonicMs: this.#real.monotonicMs(), wallMs: this.#real.wallMs() }
    const passedMs = now.monotonicMs - this.#seen.monotonicMs
    // While the PC sleeps Linux stops the monotonic clock and Windows lets it run. A clock that is set back is not sleep.
    const ms = Math.max(passedMs, now.wallMs - this.#seen.wallMs)
    this.#seen = now
    if (passedMs > BEAT_MS + LATE_MS) this.#missedMs += passedMs
    const awakeMs = now.monotonicMs - this.#missedMs
    if (ms > BEAT_MS + LATE_MS) {
      const last = (this.#last = { ms, endedMs: awakeMs })
      this.#real.after(0, () => this.#woke(last))
    }
    return awakeMs
  }

  after(ms: number, fn: () => void): Timer {
    const dueMs = this.monotonicMs() + ms
    const arm = (restMs: number) =>
      this.#real.after(restMs, () => {
        const leftMs = dueMs - this.monotonicMs()
        if (leftMs > EARLY_MS) timer = arm(leftMs)
        else fn()
      })
    let timer = arm(ms)
    return { cancel: () => timer.cancel() }
  }

  /** After a standstill once at once, then again every `ms`. */
  every(ms: number, fn: () => void): Timer {
    return this.#real.every(ms, fn)
  }

  stop(): void {
    this.#beat.cancel()
  }
}
