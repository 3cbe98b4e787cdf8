import type { CachedContent } from '../../cache/cache.ts'
import type { Priority, ReasonCode } from '../../contract/request.ts'
import type { Clock } from '../../lib/clock.ts'
import type { LarderError } from '../../lib/errors.ts'
import type { Interest } from '../../transfers/interests.ts'
import type { Membership } from '../../transfers/transfers.ts'
import type { SimContent } from './sim-bytes.ts'

const DAY_MS = 24 * 3600_000

/** Somebody who waits for a content, and what became of that. */
export class SimRequest implements Interest {
  readonly content: SimContent
  readonly priority: Priority = 'foreground'
  readonly paused = false
  readonly deadlineMs: number
  readonly askedAtMs: number
  readonly reasons = new Set<ReasonCode>()
  membership: Membership | null = null
  /** Monotonic ms; null: it still waits. */
  overAtMs: number | null = null
  got: CachedContent | null = null
  error: LarderError | null = null
  /** How often it was told that it is over. */
  ends = 0
  readonly #clock: Clock
  readonly #note: (line: string) => void

  constructor(content: SimContent, clock: Clock, note: (line: string) => void) {
    this.content = content
    this.#clock = clock
    this.#note = note
    this.askedAtMs = clock.monotonicMs()
    this.deadlineMs = this.askedAtMs + DAY_MS
  }

  /** From its question to its end, ms. */
  get tookMs(): number | null {
    return this.overAtMs === null ? null : this.overAtMs - this.askedAtMs
  }

  joined(): void {}
  transferChanged(): void {}

  transferDone(content: CachedContent): void {
    this.got = content
    this.#over('has it all')
  }

  transferFailed(error: LarderError): void {
    this.error = error
    this.#over(`failed: ${error.code}`)
  }

  noteReason(code: ReasonCode): void {
    this.reasons.add(code)
    this.#note(`reason ${code}`)
  }

  #over(how: string): void {
    this.ends++
    this.overAtMs ??= this.#clock.monotonicMs()
    this.#note(how)
    this.membership?.leave()
  }
}
