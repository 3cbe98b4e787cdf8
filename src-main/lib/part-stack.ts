// Why it is like this: docs/decisions/0055-an-agent-s-own-life.md
import { sleep, type Clock } from './clock.ts'
import { LarderError } from './errors.ts'

/** A part has at least this much of the time for its end, ms, whatever those above it do. */
const RESERVE_MS = 100

/** @param leftMs how long to wait for it */
type End<T> = (part: T, leftMs: number) => unknown

interface Part {
  readonly name: string
  readonly reserveMs: number
  end(leftMs: number): unknown
}

/** Hears of a part that did not end well; `late`: it has been told, and nobody waits for it. */
export type HearTrouble = (name: string, trouble: 'late' | { readonly error: unknown }) => void

/**
 * The parts of something that is started and stopped, in the order they were made. `own` is the only way to make one, so that none is
 * without an end at any moment: not when a later one cannot be made, and not when the end comes while one is being made.
 */
export class PartStack {
  readonly #clock: Clock
  readonly #parts: Part[] = []
  readonly #making = new Set<string>()
  #ending: Promise<readonly string[]> | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get ended(): boolean {
    return this.#ending !== null
  }

  /**
   * Makes a part and keeps how it is ended. @throws what `make` throws; SHUTTING_DOWN when the end has begun; what has been made is
   * ended then
   */
  async own<T>(name: string, make: () => T | Promise<T>, end: End<T>, reserveMs = RESERVE_MS): Promise<T> {
    if (this.ended) throw stopping()
    this.#making.add(name)
    let part: T
    try {
      part = await make()
    } finally {
      this.#making.delete(name)
    }
    if (this.ended) {
      await end(part, reserveMs)
      throw stopping()
    }
    this.#parts.push({ name, reserveMs, end: (leftMs) => end(part, leftMs) })
    return part
  }

  /**
   * Ends all parts, the last one first, within `limitMs` together. One that takes too long is left behind, and those below it
   * are ended all the same. Never throws; once. @returns names of what was left behind
   */
  end(limitMs: number, hear: HearTrouble = () => {}): Promise<readonly string[]> {
    return (this.#ending ??= this.#endAll(limitMs, hear))
  }

  async #endAll(limitMs: number, hear: HearTrouble): Promise<readonly string[]> {
    const endsMs = this.#clock.monotonicMs() + limitMs
    const late: string[] = []
    const leave = (name: string) => {
      late.push(name)
      hear(name, 'late')
    }
    for (const name of this.#making) leave(name)
    for (;;) {
      const part = this.#parts.pop()
      if (!part) return late
      const reservedMs = this.#parts.reduce((sum, below) => sum + below.reserveMs, 0)
      const leftMs = Math.max(0, endsMs - this.#clock.monotonicMs() - reservedMs)
      const { name } = part
      const ended = (async () => part.end(leftMs))().then(
        () => true,
        (error: unknown) => {
          hear(name, { error })
          return true
        }
      )
      const timeUp = new AbortController()
      const inTime = await Promise.race([
        ended,
        sleep(this.#clock, leftMs, timeUp.signal).then(
          () => false,
          () => true
        )
      ])
      timeUp.abort()
      if (!inTime) leave(name)
    }
  }
}

function stopping(): LarderError {
  return new LarderError('SHUTTING_DOWN', 'It is stopping')
}
