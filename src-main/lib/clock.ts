/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

/** Time as the agent sees it. Decisions use `monotonicMs`, people see `wallMs`. */
export interface Clock {
  /** Milliseconds since 1970; may jump. For display and for files only. */
  wallMs(): number
  /** Milliseconds that never go back; the zero is arbitrary. */
  monotonicMs(): number
  /** Calls `fn` once after `ms`. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer
  /** Calls `fn` every `ms`. The timer does not keep the process alive. */
  every(ms: number, fn: () => void): Timer
}

/** The real time of this machine. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, fn) {
    const t = setTimeout(fn, ms).unref()
    return { cancel: () => clearTimeout(t) }
  },
  every(ms, fn) {
    const t = setInterval(fn, ms).unref()
    return { cancel: () => clearInterval(t) }
  }
}

/** Waits `ms` on `clock`; ends early with the signal's reason when it is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
