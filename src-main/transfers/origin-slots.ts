// Why it is like this: docs/decisions/0089-a-slot-is-for-bytes-that-come.md
import type { Priority } from '../contract/request.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { SMALL_PER_SLOT } from '../pieces/plan.ts'

/** A small content takes a part of a slot: what counts is how much is under way, not how many. */
export type SlotSize = 'small' | 'large'

/** In parts of a slot. */
const costs: Readonly<Record<SlotSize, number>> = { small: 1, large: SMALL_PER_SLOT }

/** A download to which nothing comes for this long lends its slot to the next. */
export const LENT_AFTER_MS = 3000
/** One slot in this many is denied to any single host and left to the others. */
const SLOTS_PER_RESERVE = 4

/** What it is that wants a slot. */
export interface SlotUse {
  readonly size?: SlotSize
  /** `host:port` it downloads from. */
  readonly host?: string
}

/** A place in the line for a download from an origin. */
export interface SlotTicket {
  /** How many are to get a slot before this one; null once it has a slot. */
  readonly ahead: number | null
  /** Bytes have come. */
  received(): void
  /** From now on it is as urgent as this; it keeps its place among its equals. */
  prioritise(priority: Priority): void
  /** Gives the slot, or the place in the line, to others. Idempotent. */
  leave(): void
}

interface Place {
  readonly arrival: number
  readonly granted: () => void
  readonly cost: number
  readonly host: string | null
  priority: Priority
  running: boolean
  receivedMs: number
  /** Looks whether it still receives. */
  watch: Timer | null
  /** Its slot is lent: it counts again as soon as bytes come. */
  lent: boolean
}

/** How much is under way, in parts of a slot. */
export interface SlotsTaken {
  readonly all: number
  readonly background: number
  /** For the host in question. */
  readonly host: number
}

/** As many as one host may have. */
const slotsOfHost = (slots: number): number => slots - Math.floor(slots / SLOTS_PER_RESERVE)

/**
 * Whether one more may begin. Background never takes the last of several slots, so that somebody who waits in front of a screen finds one.
 * Nor does one host take all of many, and its background leaves one of its own.
 * @param slots of which each has {@link SMALL_PER_SLOT} parts
 */
export function hasRoom(
  { priority, cost, host }: Pick<Place, 'priority' | 'cost' | 'host'>,
  taken: SlotsTaken,
  slots: number
): boolean {
  const parts = (count: number) => Math.max(1, count) * costs.large
  if (taken.all + cost > parts(slots)) return false
  const mine = slotsOfHost(slots)
  const ofHost = priority === 'background' && mine < slots ? mine - 1 : mine
  if (host !== null && taken.host + cost > parts(ofHost)) return false
  return priority === 'foreground' || taken.background + cost <= parts(slots - 1)
}

/**
 * Slots for downloads from origins: foreground first, then in order of arrival; whoever may not begin lets pass who may. A slot is for
 * bytes that come: a download that only waits lends it, so that servers that do not answer keep nobody from those that do.
 */
export class OriginSlots {
  readonly #running = new Set<Place>()
  readonly #moved: () => void
  readonly #clock: Clock
  #waiting: Place[] = []
  #arrivals = 0
  #count: number

  /** @param moved places in the line have changed */
  constructor(count: number, clock: Clock, moved: () => void = () => {}) {
    this.#count = count
    this.#clock = clock
    this.#moved = moved
  }

  get count(): number {
    return this.#count
  }

  /** Slots that the foreground of a host could have at once, while nobody waits for one. */
  spareFor(host: string): number {
    if (this.#waiting.length > 0) return 0
    const free = (slots: number, taken: number) => slots - Math.ceil(taken / costs.large)
    const ofHost = free(
      slotsOfHost(this.#count),
      this.#taken((place) => place.host === host)
    )
    return Math.max(0, Math.min(free(this.#count, this.#taken()), ofHost))
  }

  /** Fewer slots take none away from a download that has one. */
  set count(count: number) {
    this.#count = count
    this.#grant()
  }

  /** @param granted it has a slot now; may be called before this returns */
  enter(priority: Priority, granted: () => void, { size = 'large', host }: SlotUse = {}): SlotTicket {
    const place: Place = {
      arrival: this.#arrivals++,
      granted,
      cost: costs[size],
      host: host ?? null,
      priority,
      running: false,
      receivedMs: 0,
      watch: null,
      lent: false
    }
    this.#insert(place)
    this.#grant()
    const { ahead, received, prioritise, leave } = this.#acts(place)
    return {
      get ahead() {
        return ahead()
      },
      received,
      prioritise,
      leave
    }
  }

  #acts(place: Place) {
    return {
      ahead: () => (place.running ? null : Math.max(0, this.#waiting.indexOf(place))),
      received: () => {
        place.receivedMs = this.#clock.monotonicMs()
        // It may be one too many for a while: nobody is stopped for it.
        if (!place.lent) return
        place.lent = false
        this.#watch(place, LENT_AFTER_MS)
      },
      prioritise: (priority: Priority) => {
        if (place.priority === priority) return
        place.priority = priority
        if (this.#waiting.includes(place)) {
          this.#waiting = this.#waiting.filter((p) => p !== place)
          this.#insert(place)
        }
        this.#grant()
      },
      leave: () => {
        place.watch?.cancel()
        // What still comes to it counts for nothing.
        place.lent = false
        if (this.#running.delete(place)) return this.#grant()
        const before = this.#waiting.length
        this.#waiting = this.#waiting.filter((p) => p !== place)
        if (this.#waiting.length < before) this.#grant()
      }
    }
  }

  #insert(place: Place): void {
    const after = this.#waiting.findIndex((other) => isBefore(place, other))
    this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, place)
  }

  #grant(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const place = next
      this.#waiting = this.#waiting.filter((p) => p !== place)
      place.running = true
      this.#running.add(place)
      place.receivedMs = this.#clock.monotonicMs()
      this.#watch(place, LENT_AFTER_MS)
      place.granted()
    }
    this.#moved()
  }

  /** The first in the line that may begin. Nobody passes one who waits for nothing but room. */
  #next(): Place | undefined {
    for (const place of this.#waiting) {
      if (this.#hasRoomFor(place)) return place
      if (this.#hasRoomFor({ ...place, host: null })) continue
      return undefined
    }
    return undefined
  }

  /** Lends its slot when nothing has come for long enough. As many may be lent as there are slots. */
  #watch(place: Place, inMs: number): void {
    place.watch?.cancel()
    place.watch = this.#clock.after(inMs, () => {
      const left = place.receivedMs + LENT_AFTER_MS - this.#clock.monotonicMs()
      if (left > 0) return this.#watch(place, left)
      if (this.#lent() + place.cost > this.#count * costs.large) return this.#watch(place, LENT_AFTER_MS)
      place.lent = true
      this.#grant()
    })
  }

  #hasRoomFor(place: Pick<Place, 'priority' | 'cost' | 'host'>): boolean {
    const taken = {
      all: this.#taken(),
      background: this.#taken(({ priority }) => priority === 'background'),
      host: this.#taken(({ host }) => host === place.host)
    }
    return hasRoom(place, taken, this.#count)
  }

  /** Parts of slots that are in use. */
  #taken(counts: (place: Place) => boolean = () => true): number {
    let taken = 0
    for (const place of this.#running) if (!place.lent && counts(place)) taken += place.cost
    return taken
  }

  #lent(): number {
    let lent = 0
    for (const place of this.#running) if (place.lent) lent += place.cost
    return lent
  }
}

function isBefore(a: Place, b: Place): boolean {
  if (a.priority !== b.priority) return a.priority === 'foreground'
  return a.arrival < b.arrival
}
