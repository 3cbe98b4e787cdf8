import type { PeerId } from '../../contract/ids.ts'

/** As many as a large subnet has. */
const MAX_KNOWN = 1024

/** Members that have given or taken pieces in this run; whoever was of use last is forgotten last. */
export class KnownMembers {
  readonly #ids = new Set<PeerId>()

  note(id: PeerId): void {
    this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > MAX_KNOWN) this.#ids.delete(this.#ids.values().next().value!)
  }

  has(id: PeerId): boolean {
    return this.#ids.has(id)
  }
}
