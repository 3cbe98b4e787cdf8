import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { IndexDb } from './index-db.ts'

const GATHER_MS = 5000

/** Uses of contents, gathered for some seconds before they go to the index: one is noted for every piece served. */
export class UseCounts {
  readonly #clock: Clock
  readonly #index: IndexDb
  readonly #uses = new Map<Sha256Hex, { at: number; hits: number; servedTo: Map<PeerId | null, number> }>()
  #timer: Timer | undefined

  constructor(clock: Clock, index: IndexDb) {
    this.#clock = clock
    this.#index = index
  }

  noteHit(sha256: Sha256Hex): void {
    this.#useOf(sha256).hits++
  }

  /** @param peer null: nobody knows to whom */
  noteServed(sha256: Sha256Hex, bytes: number, peer: PeerId | null): void {
    const { servedTo } = this.#useOf(sha256)
    servedTo.set(peer, (servedTo.get(peer) ?? 0) + bytes)
  }

  #useOf(sha256: Sha256Hex) {
    const use = this.#uses.get(sha256) ?? { at: 0, hits: 0, servedTo: new Map() }
    use.at = this.#clock.wallMs()
    this.#uses.set(sha256, use)
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.flush())
    return use
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#uses.size === 0) return
    try {
      this.#index.noteUses([...this.#uses])
    } catch {
      // The disk is full or fails: they go to the index with the next use.
      return
    }
    this.#uses.clear()
  }
}
