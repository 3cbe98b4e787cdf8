import type { Clock } from '../lib/clock.ts'
import { hostOf } from '../origin/url.ts'
import { ReasonCode } from '../contract/request.ts'
import type { EventLog } from './event-log.ts'

/** The same reason at the same host is told once in this time; every one is counted. */
const TELL_EVERY_MS = 60_000
const MOST_KEPT = 1000

/** What the gateway passed on to origins past cache and peers. */
export class Bypasses {
  readonly #clock: Clock
  readonly #events: Pick<EventLog, 'add'>
  readonly #toldMs = new Map<string, number>()
  #count = 0

  constructor(clock: Clock, events: Pick<EventLog, 'add'>) {
    this.#clock = clock
    this.#events = events
  }

  /** Of this run. */
  get count(): number {
    return this.#count
  }

  /** @param field of the request that makes it private */
  note(url: string, why: string, field?: string): void {
    this.#count++
    const now = this.#clock.monotonicMs()
    const same = `${why} ${hostOf(url)}`
    if (now - (this.#toldMs.get(same) ?? -Infinity) < TELL_EVERY_MS) return
    if (this.#toldMs.size >= MOST_KEPT) this.#toldMs.clear()
    this.#toldMs.set(same, now)
    const reason = ReasonCode.safeParse(why).data
    this.#events.add(
      'bypassed',
      `The gateway passed it on to ${hostOf(url)}, unshared: ${why}${field === undefined ? '' : ` (field ${field})`}`,
      {
        url,
        ...(reason && { reason })
      }
    )
  }
}
