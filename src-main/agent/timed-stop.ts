import type { Clock } from '../lib/clock.ts'
import { WallAlarm } from '../lib/wall-alarm.ts'

/** Something that is stopped for a while, or until further notice. */
export class TimedStop {
  readonly #alarm: WallAlarm
  #state: { readonly until: number | null } | null = null

  /** @param elapsed told when the time is over; whoever hears it calls {@link end} */
  constructor(clock: Clock, elapsed: () => void) {
    this.#alarm = new WallAlarm(clock, elapsed)
  }

  /** Null: not stopped. `until`: wall clock, ms since 1970; null: until further notice. */
  get state(): { until: number | null } | null {
    return this.#state
  }

  /** Stops, or changes until when. */
  begin(untilWallMs: number | null): void {
    this.#state = { until: untilWallMs }
    this.#alarm.set(untilWallMs)
  }

  /** @returns false when it was not stopped */
  end(): boolean {
    this.#alarm.set(null)
    const stopped = this.#state !== null
    this.#state = null
    return stopped
  }
}
