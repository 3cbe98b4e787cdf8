import type { Bitmap } from '../lib/bitmap.ts'

interface Ask {
  readonly from: string
  readonly sinceMs: number
}

/**
 * Which pieces are being fetched, and from whom; together with what is had it says what is still wanted. A piece may be
 * asked for twice (hedge); whichever comes first counts.
 */
export class InFlight {
  readonly #asks = new Map<number, Ask[]>()
  /** Pieces neither had nor asked for. */
  readonly wanted: Bitmap

  constructor(have: Bitmap, empty: Bitmap) {
    this.wanted = empty
    for (let i = 0; i < have.size; i++) if (!have.has(i)) this.wanted.add(i)
  }

  get size(): number {
    return this.#asks.size
  }

  has(index: number): boolean {
    return this.#asks.has(index)
  }

  start(index: number, from: string, nowMs: number): void {
    this.wanted.delete(index)
    const asks = this.#asks.get(index)
    if (asks) asks.push({ from, sinceMs: nowMs })
    else this.#asks.set(index, [{ from, sinceMs: nowMs }])
  }

  /** The ask ended without the piece: it is wanted again unless somebody else is on it. */
  giveBack(index: number, from: string, had: boolean): void {
    const left = (this.#asks.get(index) ?? []).filter((a) => a.from !== from)
    if (left.length > 0) this.#asks.set(index, left)
    else {
      this.#asks.delete(index)
      if (!had) this.wanted.add(index)
    }
  }

  /** The piece is here. @returns false when it had come already: asked for twice, it counts once */
  arrived(index: number): boolean {
    this.wanted.delete(index)
    return this.#asks.delete(index)
  }

  /** A piece that was had is wanted again. */
  lost(index: number): void {
    if (!this.#asks.has(index)) this.wanted.add(index)
  }

  /** Oldest piece asked for before `beforeMs` from somebody else than `notFrom`, and only once so far, that `offered` has. */
  slowest(offered: Bitmap, notFrom: string, beforeMs: number): number | null {
    let best: number | null = null
    let bestSince = beforeMs
    for (const [index, asks] of this.#asks) {
      const ask = asks[0]!
      if (asks.length === 1 && ask.from !== notFrom && ask.sinceMs < bestSince && offered.has(index)) {
        best = index
        bestSince = ask.sinceMs
      }
    }
    return best
  }
}
