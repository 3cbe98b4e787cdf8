import type { Clock } from '../lib/clock.ts'

/** A download is under way or over by then. */
const AGAIN_MS = 60_000
const MOST_URLS = 10_000

/** URLs asked for with all their bytes recently: a request for the same a moment later must find the download that they started. */
export class AskedWhole {
  readonly #clock: Clock
  /** When, the oldest first. */
  readonly #at = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns false when it was noted recently, or too many were: then it is not to be asked for so */
  note(url: string): boolean {
    const now = this.#clock.monotonicMs()
    for (const [old, atMs] of this.#at) {
      if (now - atMs < AGAIN_MS) break
      this.#at.delete(old)
    }
    if (this.#at.has(url) || this.#at.size >= MOST_URLS) return false
    this.#at.set(url, now)
    return true
  }
}
