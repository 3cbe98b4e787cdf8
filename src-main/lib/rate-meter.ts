import type { Clock } from './clock.ts'

/** What comes in a shorter time is one arrival: the memory stays small however fast it comes. */
const MERGE_MS = 100
/** Over this time the rate is taken … */
const WINDOW_MS = 5000
/** … and over the last arrivals however far apart they are, so that a line that delivers in lumps has one rate. */
const LEAST_ARRIVALS = 3
const OLDEST_MS = 60_000
/** A rate over less than this is a guess. */
const SHORTEST_MS = 250
/** Bytes that keep coming for this long after a silence are no lump. */
const LUMP_MS = 2000

interface Arrival {
  readonly atMs: number
  /** All that had come by then. */
  readonly total: number
}

/**
 * Bytes per second over the last seconds.
 *
 * It is taken between arrivals, not over a fixed span: a span would hold one chunk more or less by chance, which on a thin line is
 * a quarter of the rate. After the last arrival the rate holds for as long as a pause between arrivals usually takes, and falls
 * from then on.
 */
export class RateMeter {
  readonly #clock: Clock
  /** At most one in {@link MERGE_MS}. */
  #arrivals: Arrival[] = []
  /** Until then what comes belongs to the last one. */
  #openUntilMs = -Infinity
  /** First byte after the last long silence. */
  #resumedMs: number | null = null
  #total = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(bytes: number): void {
    if (bytes <= 0) return
    const atMs = this.#clock.monotonicMs()
    this.#noteSilence(atMs)
    this.#total += bytes
    if (this.#arrivals.length > 0 && atMs < this.#openUntilMs) this.#arrivals.pop()
    else this.#openUntilMs = atMs + MERGE_MS
    this.#arrivals.push({ atMs, total: this.#total })
    if (this.#resumedMs !== null && atMs - this.#resumedMs > LUMP_MS) {
      const resumedMs = this.#resumedMs
      this.#arrivals = this.#arrivals.filter((a) => a.atMs >= resumedMs)
      this.#resumedMs = null
    }
    this.#forget(atMs)
  }

  get bytesPerSecond(): number {
    const now = this.#clock.monotonicMs()
    const first = this.#arrivals[0]
    const last = this.#arrivals.at(-1)
    if (first === undefined || last === undefined || last.atMs - first.atMs < SHORTEST_MS) return 0
    const silentMs = now - last.atMs
    if (silentMs > this.#longestSilenceMs) return 0
    const overdueMs = Math.max(0, silentMs - this.#usualPauseMs)
    return ((last.total - first.total) * 1000) / (last.atMs - first.atMs + overdueMs)
  }

  /** What came before a silence and belongs together becomes one arrival; what came steadily does not outlive a long one. */
  #noteSilence(atMs: number): void {
    const last = this.#arrivals.at(-1)
    if (last === undefined) return
    const silentMs = atMs - last.atMs
    const isLong = silentMs > this.#longestSilenceMs
    let from = this.#arrivals.length - 1
    while (from > 0 && this.#arrivals[from]!.atMs - this.#arrivals[from - 1]!.atMs < silentMs / 4) from--
    const isLump = last.atMs - this.#arrivals[from]!.atMs <= LUMP_MS
    if (isLump) this.#arrivals.splice(from, this.#arrivals.length - 1 - from)
    if (!isLong) return
    this.#arrivals = isLump ? [last] : []
    this.#resumedMs = atMs
    this.#openUntilMs = -Infinity
  }

  /** The longest pause there was: lumps are far apart, whatever they consist of. */
  get #usualPauseMs(): number {
    return this.#arrivals.reduce((most, { atMs }, i) => Math.max(most, atMs - (this.#arrivals[i - 1]?.atMs ?? atMs)), 0)
  }

  /** After a longer one nothing moves any more. */
  get #longestSilenceMs(): number {
    return Math.max(WINDOW_MS, 2 * this.#usualPauseMs)
  }

  #forget(lastMs: number): void {
    while (
      (this.#arrivals.length > LEAST_ARRIVALS && lastMs - this.#arrivals[1]!.atMs > WINDOW_MS) ||
      lastMs - this.#arrivals[0]!.atMs > OLDEST_MS
    )
      this.#arrivals.shift()
  }
}
