import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../lib/clock.ts'
import type { ClockSkew } from './origin.ts'

const MOST_HOSTS = 8

/** Compares this PC's clock with the `Date` of answers. Dates have whole seconds, and an answer may have been under way for a while. */
export class ClockSkews {
  readonly #clock: Clock
  readonly #byHost = new Map<string, ClockSkew>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(host: string, headers: IncomingHttpHeaders): void {
    // With an age the date is that of an earlier answer, kept by some cache.
    const dateMs = headers.age === undefined ? Date.parse(headers.date ?? '') : NaN
    if (Number.isNaN(dateMs)) return
    const at = this.#clock.wallMs()
    this.#byHost.delete(host)
    this.#byHost.set(host, { host, aheadMs: at - dateMs - 500, at })
    if (this.#byHost.size > MOST_HOSTS) this.#byHost.delete(this.#byHost.keys().next().value!)
  }

  /** Newest first. */
  view(): readonly ClockSkew[] {
    return [...this.#byHost.values()].reverse()
  }
}
