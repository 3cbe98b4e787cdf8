import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { IndexDb } from './index-db.ts'

const GATHER_MS = 5000

/** Uses of contents, gathered for some seconds before they go to the index: one is noted for every piece served. */
export class UseCounts {
  readonly #clock: Clock
  readonly #index: IndexDb
  readonly #uses = new Map<Sha256Hex, { at: number; hits: number; servedBytes: number }>()
  #timer: Timer | undefined

  constructor(clock: Clock, index: IndexDb) {
    this.#clock = clock
    this.#index = index
  }

  note(sha256: Sha256Hex, hits: number, servedBytes: number): void {
    const use = this.#uses.get(sha256) ?? { at: 0, hits: 0, servedBytes: 0 }
    use.at = this.#clock.wallMs()
    use.hits += hits
    use.servedBytes += servedBytes
    this.#uses.set(sha256, use)
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.flush())
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#uses.size === 0) return
    const uses = [...this.#uses]
    this.#uses.clear()
    this.#index.noteUses(uses)
  }
}
