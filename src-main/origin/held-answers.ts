import type { Clock, Timer } from '../lib/clock.ts'
import type { Answer } from './exchange.ts'
import type { OriginVersion } from './origin.ts'

/**
 * Time between the question for a version and the one for its bytes: what is let go crosses the line again. On a PC where fifty programs
 * start at once an election takes many seconds; servers give up a reader that takes nothing after 60 (nginx, Apache).
 */
const HELD_MS = 30_000
const MAX_HELD = 16

/**
 * Answers to questions for a version that turned out to be the whole content: servers without HEAD and ranges have no smaller one. Kept for
 * a moment, unread, so that whoever wants the bytes need not ask again. Each is good for one reader.
 */
export class HeldAnswers {
  readonly #clock: Clock
  readonly #held = new Map<OriginVersion, { answer: Answer; timer: Timer }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  keep(version: OriginVersion, answer: Answer): void {
    if (this.#held.size >= MAX_HELD) this.drop(this.#held.keys().next().value!)
    this.#held.set(version, { answer, timer: this.#clock.after(HELD_MS, () => this.drop(version)) })
  }

  get size(): number {
    return this.#held.size
  }

  /** The answer for this very version, once. */
  take(version: OriginVersion): Answer | undefined {
    const held = this.#held.get(version)
    held?.timer.cancel()
    this.#held.delete(version)
    return held?.answer.body.destroyed === true ? undefined : held?.answer
  }

  close(): void {
    for (const version of [...this.#held.keys()]) this.drop(version)
  }

  /** Nobody wants it. */
  drop(version: OriginVersion): void {
    this.take(version)?.body.destroy()
  }
}
