import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import type { Clock } from '../lib/clock.ts'
import { KeyedBuckets } from '../lib/token-bucket.ts'
import { shownText, shownUrl } from '../lib/shown-text.ts'

const KEEP = 1000
/** Of these others decide how many there are: by coming and going, by being refused. */
const passing: ReadonlySet<AgentEventType> = new Set<AgentEventType>([
  'peerConnected',
  'peerLost',
  'peerRefused',
  'masterElected',
  'masterLost'
])
/** How many short-lived events are kept; the rest is room for what people must find later. */
const KEEP_PASSING = 400
/** Events of one kind about one peer: then one in this many seconds, and it says how many came meanwhile. */
const PER_PEER = { burst: 6, perSecond: 1 / 60 }
/** Passing events of one kind, whomever they are about. */
const PER_KIND = { burst: 200, perSecond: 1 }
const MAX_PEERS = 1024

/** The newest events, numbered; the numbers go on over runs. */
export class EventLog {
  readonly #clock: Clock
  readonly #told: (event: AgentEvent) => void
  /** Of the whole run, also of events no longer kept. */
  readonly #counts = new Map<AgentEventType, number>()
  readonly #perPeer: KeyedBuckets
  readonly #perKind: KeyedBuckets
  /** Left out since the last one of its kind that was taken, in order of age. */
  readonly #leftOut = new Map<string, number>()
  #events: AgentEvent[] = []
  #passing = 0
  #seq = 0

  constructor(clock: Clock, told: (event: AgentEvent) => void) {
    this.#clock = clock
    this.#told = told
    this.#perPeer = new KeyedBuckets(clock, PER_PEER, MAX_PEERS)
    this.#perKind = new KeyedBuckets(clock, PER_KIND, passing.size)
  }

  /** Events of earlier runs, oldest first; to be called before the first one of this run. They count in no count. */
  restore(former: readonly AgentEvent[]): void {
    this.#events = [...former]
    this.#seq = former.at(-1)?.seq ?? 0
    this.#passing = former.filter(({ type }) => passing.has(type)).length
  }

  /**
   * Events are shown, exported and logged: one line each, and URLs without what is secret in them. What others can cause without end
   * is told now and then, and can push out only its like.
   */
  add(type: AgentEventType, text: string, facts: Omit<AgentEvent, 'seq' | 'at' | 'type' | 'text'> = {}): void {
    this.#counts.set(type, this.count(type) + 1)
    const isPassing = passing.has(type)
    const about = `${type} ${facts.peer ?? facts.peerName ?? ''}`
    if (isPassing && !this.#mayTell(type, about)) return
    const before = this.#leftOut.get(about) ?? 0
    this.#leftOut.delete(about)
    if (before > 0) text = `${text} (${before} more of these since the last)`
    const event: AgentEvent = {
      seq: ++this.#seq,
      at: this.#clock.wallMs(),
      type,
      text: shownText(text).slice(0, 1000),
      ...facts,
      ...(facts.url !== undefined && { url: shownUrl(facts.url) })
    }
    this.#events.push(event)
    if (isPassing) this.#passing++
    // Cut rarely, so that adding stays cheap.
    if (this.#passing > KEEP_PASSING * 2) this.#dropPassing()
    if (this.#events.length - this.#passing > (KEEP - KEEP_PASSING) * 2) this.#dropOther()
    this.#told(event)
  }

  /** Events after number `since`, oldest first. */
  since(since: number, most = KEEP): AgentEvent[] {
    const newer = this.#events.filter((e) => e.seq > since)
    return newer.slice(-Math.min(most, KEEP))
  }

  #mayTell(type: AgentEventType, about: string): boolean {
    const may = this.#perPeer.of(about).take() && this.#perKind.of(type).take()
    if (may) return true
    const count = (this.#leftOut.get(about) ?? 0) + 1
    this.#leftOut.delete(about)
    this.#leftOut.set(about, count)
    if (this.#leftOut.size > MAX_PEERS) this.#leftOut.delete(this.#leftOut.keys().next().value!)
    return false
  }

  #dropPassing(): void {
    let excess = this.#passing - KEEP_PASSING
    this.#events = this.#events.filter(({ type }) => !passing.has(type) || excess-- <= 0)
    this.#passing = KEEP_PASSING
  }

  #dropOther(): void {
    let excess = this.#events.length - this.#passing - (KEEP - KEEP_PASSING)
    this.#events = this.#events.filter(({ type }) => passing.has(type) || excess-- <= 0)
  }

  /** How many there have been in this run. */
  count(type: AgentEventType): number {
    return this.#counts.get(type) ?? 0
  }
}
