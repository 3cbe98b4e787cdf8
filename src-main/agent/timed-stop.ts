import type { Clock, Timer } from '../lib/clock.ts'

/** Something that is stopped for a while, or until further notice. */
export class TimedStop {
  readonly #clock: Clock
  readonly #elapsed: () => void
  #timer: Timer | null = null
  #state: { readonly until: number | null } | null = null

  /** @param elapsed told when the time is over; whoever hears it calls {@link end} */
  constructor(clock: Clock, elapsed: () => void) {
    this.#clock = clock
    this.#elapsed = elapsed
  }

  /** Null: not stopped. `until`: wall clock, ms since 1970; null: until further notice. */
  get state(): { until: number | null } | null {
    return this.#state
  }

  /** Stops, or changes until when. */
  begin(untilWallMs: number | null): void {
    this.#timer?.cancel()
    this.#state = { until: untilWallMs }
    this.#timer =
      untilWallMs === null ? null : this.#clock.after(Math.max(0, untilWallMs - this.#clock.wallMs()), this.#elapsed)
  }

  /** @returns false when it was not stopped */
  end(): boolean {
    this.#timer?.cancel()
    const stopped = this.#state !== null
    this.#state = null
    return stopped
  }
}
