import type { PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { APART_MS } from '../peers/far/far-peers.ts'

/** So many different PCs have to say so: one alone may be the one that is cut off, or lie. */
const SAID_BY = 2
const MAX_PAIRS = 1024

interface Apart {
  readonly by: Set<PeerId>
  readonly untilMs: number
}

/** Subnets whose PCs cannot connect to those of another one, by what they say; each PC would find it out for itself, at a price. */
export class ApartSubnets {
  readonly #clock: Clock
  readonly #pairs = new Map<string, Apart>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A PC tried in vain. What was said first ends when it is old, however often it is said again: then it is tried. */
  said(by: PeerId, from: string | null, to: string | null): void {
    if (from === null || to === null || from === to) return
    const known = this.#of(from, to)
    if (known) known.by.add(by)
    else
      keepLatest(
        this.#pairs,
        pair(from, to),
        { by: new Set([by]), untilMs: this.#clock.monotonicMs() + APART_MS },
        MAX_PAIRS
      )
  }

  /** Nobody is apart of whom nothing was said. */
  get isEmpty(): boolean {
    return this.#pairs.size === 0
  }

  /** A word of each side is enough; of one side two, because a firewall may let connections pass the other way. */
  are(from: string | null, to: string | null): boolean {
    if (from === null || to === null) return false
    const words = this.#of(from, to)?.by.size ?? 0
    return words >= SAID_BY || (words > 0 && this.#of(to, from) !== undefined)
  }

  #of(from: string, to: string): Apart | undefined {
    const known = this.#pairs.get(pair(from, to))
    if (known && known.untilMs > this.#clock.monotonicMs()) return known
    this.#pairs.delete(pair(from, to))
    return undefined
  }
}

const pair = (from: string, to: string): string => `${from} ${to}`
