import type { Priority } from '../contract/request.ts'
import { SMALL_PER_SLOT } from '../pieces/plan.ts'

/** A small content takes a part of a slot: what counts is how much is under way, not how many. */
export type SlotSize = 'small' | 'large'

/** In parts of a slot. */
const costs: Readonly<Record<SlotSize, number>> = { small: 1, large: SMALL_PER_SLOT }

/** A place in the line for a download from an origin. */
export interface SlotTicket {
  /** How many are to get a slot before this one; null once it has a slot. */
  readonly ahead: number | null
  /** From now on it is as urgent as this; it keeps its place among its equals. */
  prioritise(priority: Priority): void
  /** Gives the slot, or the place in the line, to others. Idempotent. */
  leave(): void
}

interface Place {
  readonly arrival: number
  readonly granted: () => void
  readonly cost: number
  priority: Priority
  running: boolean
}

/**
 * Slots for downloads from origins: foreground first, then in order of arrival. Background never takes the last of several
 * slots, so that somebody who waits in front of a screen finds one.
 */
export class OriginSlots {
  readonly #running = new Set<Place>()
  readonly #moved: () => void
  #waiting: Place[] = []
  #arrivals = 0
  #count: number

  /** @param moved places in the line have changed */
  constructor(count: number, moved: () => void = () => {}) {
    this.#count = count
    this.#moved = moved
  }

  get count(): number {
    return this.#count
  }

  /** Slots that nobody has, while nobody waits for one. */
  get spare(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#count - Math.ceil(this.#taken() / costs.large))
  }

  /** Fewer slots take none away from a download that has one. */
  set count(count: number) {
    this.#count = count
    this.#grant()
  }

  /** @param granted it has a slot now; may be called before this returns */
  enter(priority: Priority, granted: () => void, size: SlotSize = 'large'): SlotTicket {
    const place: Place = { arrival: this.#arrivals++, granted, cost: costs[size], priority, running: false }
    this.#insert(place)
    this.#grant()
    const { ahead, prioritise, leave } = this.#acts(place)
    return {
      get ahead() {
        return ahead()
      },
      prioritise,
      leave
    }
  }

  #acts(place: Place) {
    return {
      ahead: () => (place.running ? null : Math.max(0, this.#waiting.indexOf(place))),
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
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoomFor(next); next = this.#waiting[0]) {
      this.#waiting.shift()
      next.running = true
      this.#running.add(next)
      next.granted()
    }
    this.#moved()
  }

  #hasRoomFor({ priority, cost }: Place): boolean {
    if (this.#taken() + cost > this.#count * costs.large) return false
    if (priority === 'foreground') return true
    return this.#taken('background') + cost <= Math.max(1, this.#count - 1) * costs.large
  }

  /** Parts of slots that are in use. */
  #taken(by?: Priority): number {
    let taken = 0
    for (const { priority, cost } of this.#running) if (by === undefined || priority === by) taken += cost
    return taken
  }
}

function isBefore(a: Place, b: Place): boolean {
  if (a.priority !== b.priority) return a.priority === 'foreground'
  return a.arrival < b.arrival
}
