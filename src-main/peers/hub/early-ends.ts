/** Pings go each 20 s: a proxy that ends a connection sooner than this did not let them count, or has a limit of its own. */
export const CUT_WITHIN_MS = 120_000
/** So many in a row are no accident. */
export const CUTS_TOLD = 3

/** Connections through a proxy that were cut early, one after the other, until one holds. Times are monotonic ms. */
export class EarlyEnds {
  #cuts = 0
  /** When the present connection began; null: there is none. */
  #sinceMs: number | null = null

  begun(nowMs: number): void {
    this.#sinceMs = nowMs
  }

  /** @param lost neither end wanted it to end */
  ended(lost: boolean, nowMs: number): void {
    this.#cuts = lost && !this.#holds(nowMs) ? this.#cuts + 1 : 0
    this.#sinceMs = null
  }

  /** The proxy cuts what goes through it. */
  areMany(nowMs: number): boolean {
    return this.#cuts >= CUTS_TOLD && !this.#holds(nowMs)
  }

  #holds(nowMs: number): boolean {
    return this.#sinceMs !== null && nowMs - this.#sinceMs >= CUT_WITHIN_MS
  }
}
