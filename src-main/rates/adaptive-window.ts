import type { Clock, Timer } from '../lib/clock.ts'
import { firstState, queueingDelayMs, step, type LawLimits, type LawState } from './adaptive-law.ts'

/** How much a download may have asked for and not yet received. */
export interface TransferWindow {
  /** Bytes; null: the law cannot be trusted now, go on as without it. */
  readonly bytes: number | null
  /** Bytes have come in. */
  received(bytes: number): void
  /** The download is over. Idempotent. */
  release(): void
}

/** Measures the round trip to where a URL leads, ms; null when nobody answered in time, NaN when somebody did but this PC was too busy to tell when. */
export type DelayProbe = (url: string, signal: AbortSignal) => Promise<number | null>

export interface AdaptiveView {
  /** `scheme://host` of the origin. */
  readonly origin: string
  readonly windowBytes: number | null
  readonly queueingDelayMs: number
  readonly downloads: number
}

/** Time between two probes, or between the answer of one and the next when that takes longer. */
const PROBE_EVERY_MS = 200
/** Without an answer for this long the law is blind: back to the plain cap. */
const BLIND_AFTER_MS = 4000

/** The window of all adaptive downloads from one origin: probes while there is any, and steps the law with each answer. */
export class AdaptiveWindow {
  readonly origin: string
  readonly #clock: Clock
  readonly #probe: DelayProbe
  readonly #limits: () => LawLimits
  readonly #url: string
  #state: LawState
  #downloads = 0
  #received = 0
  #answeredMs = 0
  #probing: { timer: Timer | null; abort: AbortController } | null = null

  constructor(url: string, parts: { clock: Clock; probe: DelayProbe; limits: () => LawLimits }) {
    this.origin = new URL(url).origin
    this.#url = url
    this.#clock = parts.clock
    this.#probe = parts.probe
    this.#limits = parts.limits
    this.#state = firstState(parts.clock.monotonicMs())
  }

  get idle(): boolean {
    return this.#downloads === 0
  }

  view(): AdaptiveView {
    return {
      origin: this.origin,
      windowBytes: this.#bytes(1),
      queueingDelayMs: Math.round(queueingDelayMs(this.#state)),
      downloads: this.#downloads
    }
  }

  /** One more download shares the window. */
  open(): TransferWindow {
    if (this.#downloads++ === 0) this.#begin()
    let open = true
    const bytes = () => (open ? this.#bytes(this.#downloads) : null)
    return {
      get bytes() {
        return bytes()
      },
      received: (count) => void (this.#received += count),
      release: () => {
        if (!open) return
        open = false
        if (--this.#downloads === 0) this.#end()
      }
    }
  }

  #bytes(sharedBy: number): number | null {
    if (this.#probing === null || this.#clock.monotonicMs() - this.#answeredMs > BLIND_AFTER_MS) return null
    return this.#state.windowBytes / Math.max(1, sharedBy)
  }

  #begin(): void {
    const now = this.#clock.monotonicMs()
    this.#state = firstState(now)
    this.#answeredMs = now
    this.#received = 0
    this.#probing = { timer: null, abort: new AbortController() }
    void this.#look()
  }

  #end(): void {
    this.#probing?.timer?.cancel()
    this.#probing?.abort.abort()
    this.#probing = null
  }

  async #look(): Promise<void> {
    const mine = this.#probing
    if (!mine) return
    const startedMs = this.#clock.monotonicMs()
    const rttMs = await this.#probe(this.#url, mine.abort.signal).catch(() => null)
    if (mine !== this.#probing) return
    const atMs = this.#clock.monotonicMs()
    // What a busy PC measures is its own delay; a law that is told nothing for long goes blind.
    if (rttMs !== null && !Number.isNaN(rttMs)) {
      this.#answeredMs = atMs
      this.#state = step(this.#state, { atMs, rttMs, receivedBytes: this.#received }, this.#limits())
      this.#received = 0
    }
    mine.timer = this.#clock.after(
      Math.max(PROBE_EVERY_MS / 2, PROBE_EVERY_MS - (atMs - startedMs)),
      () => void this.#look()
    )
  }
}
