import type { CacheStats } from '../contract/snapshot.ts'
import { takeIn, type TakeInParts } from './take-in.ts'

export interface TakingsInHooks {
  /** {@link TakingsIn.moving} is another one. */
  readonly changed: () => void
  /** A folder is empty. The next waits for what follows from it. */
  readonly tookIn: (what: { readonly from: string; readonly contents: number; readonly bytes: number }) => Promise<void>
}

/** Cache folders whose contents are moved into this one, one folder after the other. */
export class TakingsIn {
  readonly #parts: () => TakeInParts
  readonly #ending: AbortSignal
  readonly #hooks: TakingsInHooks
  #last: Promise<void> = Promise.resolve()
  #moving: CacheStats['moving'] = null

  /** @param parts throws once the cache is closed */
  constructor(parts: () => TakeInParts, ending: AbortSignal, hooks: TakingsInHooks) {
    this.#parts = parts
    this.#ending = ending
    this.#hooks = hooks
  }

  /** How far the running one is, or what kept the last from its end; null: nothing is to be moved. */
  get moving(): CacheStats['moving'] {
    return this.#moving
  }

  /** @throws the codes of {@link takeIn} */
  add(from: string): Promise<void> {
    const result = this.#last.then(() => this.#takeIn(from))
    this.#last = result.catch(() => {})
    return result
  }

  /** Waits for those that were begun. */
  idle(): Promise<void> {
    return this.#last
  }

  async #takeIn(from: string): Promise<void> {
    let last = { done: 0, total: 0, bytes: 0 }
    try {
      await takeIn(this.#parts(), from, {
        signal: this.#ending,
        onProgress: (progress) => this.#show({ from, ...(last = progress), problem: null })
      })
      this.#show(null)
      await this.#hooks.tookIn({ from, contents: last.total, bytes: last.bytes })
    } catch (error) {
      this.#show({ from, ...last, problem: (error as Error).message })
      throw error
    }
  }

  #show(moving: CacheStats['moving']): void {
    this.#moving = moving
    this.#hooks.changed()
  }
}
