import type { Clock, Timer } from '../../lib/clock.ts'
import { backoffMs } from './backoff.ts'

/** `done`: nothing to do until told again. `retry`: once more, after a growing pause. */
export type AttemptResult = 'done' | 'retry'

/** Repeats attempts to reach one target, one at a time, with growing random pauses. */
export class DialLoop {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #attempt: (signal: AbortSignal) => Promise<AttemptResult>
  readonly #stop = new AbortController()
  #failures = 0
  #running = false
  #timer: Timer | undefined
  #dueMs = Infinity

  constructor(clock: Clock, random: () => number, attempt: (signal: AbortSignal) => Promise<AttemptResult>) {
    this.#clock = clock
    this.#random = random
    this.#attempt = attempt
  }

  /** True when no attempt runs or is planned. */
  get idle(): boolean {
    return !this.#running && this.#dueMs === Infinity
  }

  /** Tries after `ms`, or earlier if that was planned already. While an attempt runs this does nothing. */
  soon(ms: number): void {
    const dueMs = this.#clock.monotonicMs() + ms
    if (this.#running || this.#stop.signal.aborted || dueMs >= this.#dueMs) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    this.#timer = this.#clock.after(ms, () => void this.#run())
  }

  /** Tries after the pause that the failures so far ask for. */
  later(): void {
    this.soon(backoffMs(this.#failures++, this.#random))
  }

  /** Something changed for the better: the next pauses are short again. */
  encourage(): void {
    this.#failures = 0
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    this.#dueMs = Infinity
    this.#running = true
    const result = await this.#attempt(this.#stop.signal)
    this.#running = false
    if (result === 'retry') this.later()
  }
}
