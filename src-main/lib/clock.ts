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
  /** Calls `fn` once after `ms`, however many. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer
  /** Calls `fn` every `ms`, however many. The timer does not keep the process alive. */
  every(ms: number, fn: () => void): Timer
}

/** The timers of a platform, which take at most {@link MAX_TIMER_MS}. */
export interface ShortTimers {
  once(ms: number, fn: () => void): Timer
  repeatedly(ms: number, fn: () => void): Timer
}

/** About 24.8 days. `setTimeout` fires at once when it is given more. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** Timers of any length, made of short ones. */
export function anyLength({ once, repeatedly }: ShortTimers): Pick<Clock, 'after' | 'every'> {
  function after(ms: number, fn: () => void): Timer {
    // `Infinity` minus a step stays `Infinity`: never due.
    const arm = (leftMs: number): Timer =>
      leftMs > MAX_TIMER_MS
        ? once(MAX_TIMER_MS, () => void (timer = arm(leftMs - MAX_TIMER_MS)))
        : once(Math.max(0, leftMs), fn)
    let timer = arm(ms)
    return { cancel: () => timer.cancel() }
  }
  function every(ms: number, fn: () => void): Timer {
    if (ms <= MAX_TIMER_MS) return repeatedly(ms, fn)
    const again = (): Timer =>
      after(ms, () => {
        timer = again()
        fn()
      })
    let timer = again()
    return { cancel: () => timer.cancel() }
  }
  return { after, every }
}

/** The real time of this machine. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  ...anyLength({
    once(ms, fn) {
      const t = setTimeout(fn, ms).unref()
      return { cancel: () => clearTimeout(t) }
    },
    repeatedly(ms, fn) {
      const t = setInterval(fn, ms).unref()
      return { cancel: () => clearInterval(t) }
    }
  })
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
