import type { ReasonCode } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import { decideFallback, type Wait, type WaitLimits } from './fallback.ts'

/** How long a transfer has been waiting for others, and whether that was long enough. */
export class Patience {
  readonly #clock: Clock
  #sinceMs: number
  #progressAtMs: number | null = null
  #pieceAtMs: number | null = null
  /** There has been progress at some time, whatever begins anew. */
  #hasMoved = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
  }

  /** From now on it may make progress; what came before does not count any more. */
  begin(): void {
    this.#sinceMs = this.#clock.monotonicMs()
    this.#progressAtMs = null
    this.#pieceAtMs = null
  }

  /** Somewhere bytes are moving: here, or at the master. */
  noteProgress(): void {
    this.#progressAtMs = this.#clock.monotonicMs()
    this.#hasMoved = true
  }

  /** A verified piece is here. */
  notePiece(): void {
    this.#progressAtMs = this.#pieceAtMs = this.#clock.monotonicMs()
    this.#hasMoved = true
  }

  /** Whether the wait is over. @returns the reason for going to the origin, or null to wait on */
  verdict(
    facts: Omit<Wait, 'nowMs' | 'sinceMs' | 'progressAtMs' | 'pieceAtMs'>,
    limits: WaitLimits
  ): ReasonCode | null {
    const reason = decideFallback(
      {
        ...facts,
        nowMs: this.#clock.monotonicMs(),
        sinceMs: this.#sinceMs,
        progressAtMs: this.#progressAtMs,
        pieceAtMs: this.#pieceAtMs
      },
      limits
    )
    return reason === 'no-first-byte' && this.#hasMoved ? 'no-progress' : reason
  }
}
