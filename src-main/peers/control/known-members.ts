// Why it is like this: docs/decisions/0072-who-was-of-use-is-known-after-a-restart.md
import type { PeerId } from '../../contract/ids.ts'

/** As many as a large subnet has. */
const MAX_KNOWN = 1024

/** Where known members are kept over a restart. */
export interface KnownMembersStore {
  /** Whoever was of use last comes last. */
  all(): readonly PeerId[]
  /** It is of use for the first time in this run. */
  note(id: PeerId): void
}

/** Members that have given or taken pieces, in this run and before; whoever was of use last is forgotten last. */
export class KnownMembers {
  readonly #store: KnownMembersStore | undefined
  readonly #ids: Set<PeerId>
  readonly #noted = new Set<PeerId>()

  constructor(store?: KnownMembersStore) {
    this.#store = store
    this.#ids = new Set(store?.all().slice(-MAX_KNOWN))
  }

  note(id: PeerId): void {
    this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size > MAX_KNOWN) this.#forgetFirst()
    if (this.#noted.has(id)) return
    this.#noted.add(id)
    this.#store?.note(id)
  }

  has(id: PeerId): boolean {
    return this.#ids.has(id)
  }

  #forgetFirst(): void {
    const first = this.#ids.values().next().value!
    this.#ids.delete(first)
    this.#noted.delete(first)
  }
}
