import type { Clock } from './clock.ts'

interface Line {
  running: number
  /** Each call gives its place to one who waits. */
  readonly waiting: Set<() => void>
}

/**
 * Lets this many run at the same time for each name; others wait for their turn, but not for long: a line that does not move is no
 * reason to be late.
 */
export class Turns {
  readonly #clock: Clock
  readonly #most: number
  readonly #patienceMs: number
  readonly #lines = new Map<string, Line>()

  constructor(clock: Clock, most: number, patienceMs: number) {
    this.#clock = clock
    this.#most = most
    this.#patienceMs = patienceMs
  }

  /** Does the work when it is its turn; a caller that gives up earlier leaves the line with the signal's reason. */
  async take<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const line = this.#lines.get(name) ?? { running: 0, waiting: new Set() }
    this.#lines.set(name, line)
    if (line.running < this.#most) line.running++
    else await this.#wait(line, signal)
    try {
      return await work()
    } finally {
      line.running--
      if (line.running < this.#most) line.waiting.values().next().value?.()
      if (line.running === 0) this.#lines.delete(name)
    }
  }

  /** The place is counted when it is given: nobody new takes it before the woken one goes on. */
  #wait(line: Line, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        limit.cancel()
        line.waiting.delete(give)
        signal?.removeEventListener('abort', onAbort)
      }
      const give = () => {
        leave()
        line.running++
        resolve()
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason as Error)
      }
      const limit = this.#clock.after(this.#patienceMs, give)
      line.waiting.add(give)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
