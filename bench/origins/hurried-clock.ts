import type { Clock, Timer } from '../../src-main/lib/clock.ts'

/** A clock that jumps from timer to timer as soon as nothing else is left to do. */
export class HurriedClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ dueMs: number; everyMs: number | null; fn: () => void }>()

  wallMs = (): number => Date.UTC(2026, 0, 1) + this.#nowMs
  monotonicMs = (): number => this.#nowMs
  after = (ms: number, fn: () => void): Timer => this.#add(ms, null, fn)
  every = (ms: number, fn: () => void): Timer => this.#add(ms, ms, fn)

  /** To the next timer. @returns false when there is none */
  hurry(): boolean {
    let next: { dueMs: number; everyMs: number | null; fn: () => void } | null = null
    for (const timer of this.#timers) if (next === null || timer.dueMs < next.dueMs) next = timer
    if (next === null) return false
    this.#nowMs = Math.max(this.#nowMs, next.dueMs)
    if (next.everyMs === null) this.#timers.delete(next)
    else next.dueMs += next.everyMs
    next.fn()
    return true
  }

  #add(ms: number, everyMs: number | null, fn: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, ms), everyMs, fn }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }
}
