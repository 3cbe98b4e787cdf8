import type { ReasonCode } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import { decideFallback, type Wait, type WaitLimits } from './fallback.ts'
import { Standstill } from './standstill.ts'

/** How long a transfer has been waiting for others, and whether that was long enough. */
export class Patience {
  readonly #clock: Clock
  readonly #standstill: Standstill
  #sinceMs: number
  #progressAtMs: number | null = null
  #pieceAtMs: number | null = null

  /** @param tickMs how often {@link tick} is called */
  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
    this.#standstill = new Standstill(tickMs, this.#sinceMs)
  }

  /** From now on it may make progress. */
  begin(): void {
    this.#sinceMs = this.#clock.monotonicMs()
  }

  /** It may go on after a pause. */
  resume(): void {
    this.begin()
    this.#progressAtMs = null
  }

  /** Whatever came so far does not count any more. */
  beginAnew(): void {
    this.resume()
    this.#pieceAtMs = null
  }

  /** Somewhere bytes are moving: here, or at the master. */
  noteProgress(): void {
    this.#progressAtMs = this.#clock.monotonicMs()
  }

  /** A verified piece is here. */
  notePiece(): void {
    this.#progressAtMs = this.#pieceAtMs = this.#clock.monotonicMs()
  }

  /** Time in which this process did not run does not count. @param begun false: since when it waits is not later than now */
  tick(begun: boolean): void {
    const nowMs = this.#clock.monotonicMs()
    const stoodStillMs = this.#standstill.tick(nowMs)
    this.#sinceMs += stoodStillMs
    if (this.#progressAtMs !== null) this.#progressAtMs += stoodStillMs
    if (this.#pieceAtMs !== null) this.#pieceAtMs += stoodStillMs
    if (!begun) this.#sinceMs = Math.min(this.#sinceMs, nowMs)
  }

  /** Whether the wait is over. @returns the reason for going to the origin, or null to wait on */
  verdict(facts: Omit<Wait, 'nowMs' | 'sinceMs' | 'progressAtMs' | 'pieceAtMs'>, limits: WaitLimits): ReasonCode | null {
    return decideFallback({ ...facts, nowMs: this.#clock.monotonicMs(), sinceMs: this.#sinceMs, progressAtMs: this.#progressAtMs, pieceAtMs: this.#pieceAtMs }, limits)
  }
}
