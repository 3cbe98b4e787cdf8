import type { Clock, Timer } from '../lib/clock.ts'

/** A clock whose timers run synchronously when time is passed: thousands of simulated seconds per real one. */
export interface StepClock extends Clock {
  /** Runs everything that is due within `ms`, in order of time, then of setting. */
  pass(ms: number): void
  /** Timers set and not yet run or cancelled. */
  readonly pending: number
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly fn: () => void
  cancelled: boolean
}

/** Timers in a binary heap; equal times run in the order in which they were set. */
export function stepClock(startWallMs = Date.UTC(2026, 0, 1)): StepClock {
  const heap: Entry[] = []
  let nowMs = 0
  let order = 0
  let pending = 0
  const before = (a: Entry, b: Entry) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

  function push(entry: Entry): void {
    let i = heap.push(entry) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(heap[i]!, heap[parent]!)) break
      ;[heap[i], heap[parent]] = [heap[parent]!, heap[i]!]
      i = parent
    }
  }

  function pop(): Entry {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      for (let i = 0; ;) {
        const left = 2 * i + 1
        const right = left + 1
        let least = i
        if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
        if (right < heap.length && before(heap[right]!, heap[least]!)) least = right
        if (least === i) break
        ;[heap[i], heap[least]] = [heap[least]!, heap[i]!]
        i = least
      }
    }
    return first
  }

  function after(ms: number, fn: () => void): Timer {
    const entry: Entry = { atMs: nowMs + Math.max(0, ms), order: order++, fn, cancelled: false }
    pending++
    push(entry)
    return {
      cancel() {
        if (!entry.cancelled) pending--
        entry.cancelled = true
      }
    }
  }

  return {
    wallMs: () => startWallMs + nowMs,
    monotonicMs: () => nowMs,
    after,
    every(ms, fn) {
      let timer: Timer
      const again = () => {
        timer = after(ms, again)
        fn()
      }
      timer = after(ms, again)
      return { cancel: () => timer.cancel() }
    },
    pass(ms) {
      const untilMs = nowMs + ms
      while (heap.length > 0 && heap[0]!.atMs <= untilMs) {
        const entry = pop()
        if (entry.cancelled) continue
        entry.cancelled = true
        pending--
        nowMs = entry.atMs
        entry.fn()
      }
      nowMs = untilMs
    },
    get pending() {
      return pending
    }
  }
}
