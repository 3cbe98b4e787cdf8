import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import type { Clock } from '../lib/clock.ts'
import { shownText, shownUrl } from '../lib/shown-text.ts'

const KEEP = 1000

/** The newest events, numbered; the numbers go on over runs. */
export class EventLog {
  readonly #clock: Clock
  readonly #told: (event: AgentEvent) => void
  /** Of the whole run, also of events no longer kept. */
  readonly #counts = new Map<AgentEventType, number>()
  #events: AgentEvent[] = []
  #seq = 0

  constructor(clock: Clock, told: (event: AgentEvent) => void) {
    this.#clock = clock
    this.#told = told
  }

  /** Events of earlier runs, oldest first; to be called before the first one of this run. They count in no count. */
  restore(former: readonly AgentEvent[]): void {
    this.#events = [...former]
    this.#seq = former.at(-1)?.seq ?? 0
  }

  /** Events are shown, exported and logged: one line each, and URLs without what is secret in them. */
  add(type: AgentEventType, text: string, facts: Omit<AgentEvent, 'seq' | 'at' | 'type' | 'text'> = {}): void {
    const event: AgentEvent = {
      seq: ++this.#seq,
      at: this.#clock.wallMs(),
      type,
      text: shownText(text).slice(0, 1000),
      ...facts,
      ...(facts.url !== undefined && { url: shownUrl(facts.url) })
    }
    this.#events.push(event)
    this.#counts.set(type, this.count(type) + 1)
    // Cut rarely, so that adding stays cheap.
    if (this.#events.length > KEEP * 2) this.#events = this.#events.slice(-KEEP)
    this.#told(event)
  }

  /** Events after number `since`, oldest first. */
  since(since: number, most = KEEP): AgentEvent[] {
    const newer = this.#events.filter((e) => e.seq > since)
    return newer.slice(-Math.min(most, KEEP))
  }

  /** How many there have been in this run. */
  count(type: AgentEventType): number {
    return this.#counts.get(type) ?? 0
  }
}
