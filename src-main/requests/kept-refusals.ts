// Why it is like this: docs/decisions/0039-a-refusal-is-believed-for-seconds.md
import type { Clock } from '../lib/clock.ts'
import type { LarderError } from '../lib/errors.ts'

/** "Not there" is believed for this long: long enough for a crowd that asks for the same missing file, too short to hide a new one. */
const NOT_FOUND_MS = 3000
/** An origin may ask for a longer pause than this; it is asked again all the same. */
const LONGEST_PAUSE_MS = 60_000
const MAX_KEPT = 1000

/** What origins have just refused, so that they are not asked the same again at once. */
export class KeptRefusals {
  readonly #clock: Clock
  /** By question, oldest first. */
  readonly #kept = new Map<string, { readonly error: LarderError; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The refusal that still stands. */
  get(question: string): LarderError | undefined {
    const kept = this.#kept.get(question)
    if (!kept) return undefined
    if (kept.untilMs > this.#clock.monotonicMs()) return kept.error
    this.#kept.delete(question)
    return undefined
  }

  /** Keeps a refusal that is worth keeping. */
  add(question: string, error: LarderError): void {
    const keepMs = keptForMs(error)
    if (keepMs === 0) return
    this.#kept.delete(question)
    this.#kept.set(question, { error, untilMs: this.#clock.monotonicMs() + keepMs })
    if (this.#kept.size > MAX_KEPT) for (const oldest of this.#kept.keys()) return void this.#kept.delete(oldest)
  }
}

function keptForMs({ code, details }: LarderError): number {
  if (code === 'ORIGIN_NOT_FOUND') return NOT_FOUND_MS
  const { retryAfterMs } = details
  return code === 'ORIGIN_STATUS' && typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, LONGEST_PAUSE_MS) : 0
}
