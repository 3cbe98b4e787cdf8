// Why it is like this: docs/decisions/0093-whole-subnets-are-simulated.md
import type { Clock, Timer } from '../../lib/clock.ts'
import { EventQueue } from './event-queue.ts'
import { seededRandom, type Random } from './seeded-random.ts'
import { TraceHash } from './trace-hash.ts'

const START_WALL_MS = Date.UTC(2026, 0, 1)
/** Times are multiples of this, ms, which a sum of them is without being rounded: whoever waits until a time never wakes up before it. */
const TICK_MS = 1 / 1024
/** So many events of one moment do not end by themselves. */
const MOST_AT_ONCE = 1_000_000
/** Events between two looks at the event loop of this process; see {@link Simulation.run}. */
const BATCH = 64

/**
 * One line of time for everything. An event happens, then all promises that hang on it, and only then the next one, so that what depends
 * on the seed alone comes out the same in every run.
 */
export class Simulation {
  readonly seed: string
  readonly clock: Clock
  readonly trace = new TraceHash()
  readonly #events = new EventQueue()
  #nowMs = 0
  #happened = 0
  #sameMoment = 0

  constructor(seed: string) {
    this.seed = seed
    this.clock = {
      wallMs: () => START_WALL_MS + this.#nowMs,
      monotonicMs: () => this.#nowMs,
      after: (ms, fn) => this.after(ms, fn),
      every: (ms, fn) => {
        const next = (): Timer =>
          this.after(ms, () => {
            timer = next()
            fn()
          })
        let timer = next()
        return { cancel: () => timer.cancel() }
      }
    }
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Events so far. */
  get happened(): number {
    return this.#happened
  }

  /** Random numbers for one purpose. */
  random(purpose: string): Random {
    return seededRandom(`${this.seed} ${purpose}`)
  }

  after(ms: number, fn: () => void): Timer {
    const atMs = Math.ceil((this.#nowMs + Math.max(0, ms)) / TICK_MS) * TICK_MS
    const event = this.#events.add(atMs, fn)
    return { cancel: () => void (event.cancelled = true) }
  }

  /** Notes what happened at this moment. */
  note(line: string): void {
    this.trace.add(`${this.#nowMs} ${line}`)
  }

  /**
   * Lets time pass until then; events of that very moment happen. Rejects with what an event throws.
   * Each event is a turn of this process's event loop (`setImmediate`), which empties the queue of promises before the next.
   */
  run(untilMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const turn = () => {
        if (isOver) return
        try {
          const event = this.#events.take(untilMs)
          if (event) {
            this.#sameMoment = event.atMs === this.#nowMs ? this.#sameMoment + 1 : 0
            if (this.#sameMoment > MOST_AT_ONCE) throw new Error(`time stands still at ${this.#nowMs} ms`)
            this.#nowMs = event.atMs
            this.#happened++
            event.happen()
            return
          }
        } catch (error) {
          isOver = true
          return reject(error)
        }
        isOver = true
        this.#nowMs = Math.max(this.#nowMs, untilMs)
        resolve()
      }
      const batch = () => {
        for (let i = 1; i < BATCH; i++) setImmediate(turn)
        setImmediate(() => {
          turn()
          if (!isOver) batch()
        })
      }
      batch()
    })
  }

  pass(ms: number): Promise<void> {
    return this.run(this.#nowMs + ms)
  }

  /** Lets time pass until this holds, looked at so often. @returns the time it took, ms; null: it did not within the limit */
  async until(
    holds: () => boolean,
    { everyMs = 10, limitMs }: { everyMs?: number; limitMs: number }
  ): Promise<number | null> {
    const sinceMs = this.#nowMs
    while (!holds()) {
      if (this.#nowMs - sinceMs >= limitMs) return null
      await this.pass(everyMs)
    }
    return this.#nowMs - sinceMs
  }
}
