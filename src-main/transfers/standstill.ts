/** Later than this means that the process stood still (suspended, stopped), not that it was busy. */
const STOOD_STILL_MS = 2000

/** Tells by a regular tick how long this process did not run. Others could not deliver anything to it meanwhile. */
export class Standstill {
  readonly #everyMs: number
  #lastMs: number

  /** @param everyMs between two ticks @param nowMs monotonic */
  constructor(everyMs: number, nowMs: number) {
    this.#everyMs = everyMs
    this.#lastMs = nowMs
  }

  /** To be called at each tick. @returns ms that do not count as waiting; 0 as a rule */
  tick(nowMs: number): number {
    const lateMs = nowMs - this.#lastMs - this.#everyMs
    this.#lastMs = nowMs
    return lateMs >= STOOD_STILL_MS ? lateMs : 0
  }
}
