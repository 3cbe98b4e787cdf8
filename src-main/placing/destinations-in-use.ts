import { inUse } from './failure.ts'

/** The destinations that requests of this process are on their way to: one request each, from its start to its end. */
export class DestinationsInUse {
  readonly #paths = new Set<string>()

  /** @param path as {@link resolveDestination} gives it. @returns gives it back; idempotent. @throws DESTINATION_BUSY */
  claim(path: string): () => void {
    // Names that differ only by case are one file on these systems.
    const key = ['win32', 'darwin'].includes(process.platform) ? path.toLowerCase() : path
    if (this.#paths.has(key)) throw inUse(path)
    this.#paths.add(key)
    let held = true
    return () => {
      if (held) this.#paths.delete(key)
      held = false
    }
  }
}
