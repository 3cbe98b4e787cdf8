import type { Clock, Timer } from '../lib/clock.ts'
import type { Answer } from './exchange.ts'

/**
 * Time between the question for a version and the one for its bytes: what is let go crosses the line again. On a PC where fifty programs
 * start at once an election takes many seconds; servers give up a reader that takes nothing after 60 (nginx, Apache).
 */
const HELD_MS = 30_000
const MAX_HELD = 16

/**
 * Answers that carry the whole of a content other than was asked for: to questions for a version, where servers without HEAD and ranges have
 * no smaller one, and with another version than was expected. Kept for a moment, unread, so that whoever wants the bytes need not ask again.
 * Each is good for one reader.
 */
export class HeldAnswers<Of> {
  readonly #clock: Clock
  readonly #held = new Map<Of, { answer: Answer; timer: Timer }>()

  readonly #forMs: number

  /** @param forMs how long each is kept */
  constructor(clock: Clock, forMs = HELD_MS) {
    this.#clock = clock
    this.#forMs = forMs
  }

  keep(of: Of, answer: Answer): void {
    this.drop(of)
    if (this.#held.size >= MAX_HELD) this.drop(this.#held.keys().next().value!)
    this.#held.set(of, { answer, timer: this.#clock.after(this.#forMs, () => this.drop(of)) })
  }

  get size(): number {
    return this.#held.size
  }

  /** The answer for this very version or URL, once. */
  take(of: Of): Answer | undefined {
    const held = this.#held.get(of)
    held?.timer.cancel()
    this.#held.delete(of)
    return held?.answer.body.destroyed === true ? undefined : held?.answer
  }

  close(): void {
    for (const of of [...this.#held.keys()]) this.drop(of)
  }

  /** Nobody wants it. */
  drop(of: Of): void {
    this.take(of)?.body.destroy()
  }
}
