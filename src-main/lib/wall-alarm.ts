import type { Clock, Timer } from './clock.ts'

/** A timer does not count the time a PC sleeps, so the wall clock is looked at this often, ms. */
const LOOK_EVERY_MS = 20_000

/** Rings when the wall clock has reached a time, also when the PC slept or the clock was set meanwhile. */
export class WallAlarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Timer | null = null

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings once at `wallMs`, never within this call; null: not at all. Only the newest time counts. */
  set(wallMs: number | null): void {
    this.#timer?.cancel()
    this.#timer = null
    if (wallMs === null) return
    const ms = Math.min(Math.max(0, wallMs - this.#clock.wallMs()), LOOK_EVERY_MS)
    this.#timer = this.#clock.after(ms, () => {
      if (this.#clock.wallMs() < wallMs) this.set(wallMs)
      else this.#ring()
    })
  }
}
