import type { Clock } from './clock.ts'

/**
 * Lets so many go at the same time for each name; others wait for their turn, but not for long: a line that does not move is no
 * reason to be late.
 */
export class Turns {
  readonly #clock: Clock
  readonly #most: number
  readonly #patienceMs: number
  readonly #lines = new Map<string, { running: number; waiting: Set<() => void> }>()

  constructor(clock: Clock, most: number, patienceMs: number) {
    this.#clock = clock
    this.#most = most
    this.#patienceMs = patienceMs
  }

  /** Does the work when it is its turn, or once the signal says that it is wanted no more: the work finds that out itself. */
  async take<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const line = this.#lines.get(name) ?? { running: 0, waiting: new Set() }
    this.#lines.set(name, line)
    if (line.running >= this.#most) await this.#wait(line.waiting, signal)
    line.running++
    try {
      return await work()
    } finally {
      line.running--
      if (line.running < this.#most) for (const wake of [...line.waiting].slice(0, this.#most - line.running)) wake()
      if (line.running === 0 && line.waiting.size === 0) this.#lines.delete(name)
    }
  }

  #wait(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        limit.cancel()
        waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const limit = this.#clock.after(this.#patienceMs, wake)
      waiting.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }
}
