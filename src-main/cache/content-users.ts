import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'

/** Bytes just written are spared by the eviction for this long: whoever asked for them has yet to take them. */
const GRACE_MS = 60_000

/** Which contents somebody is using, so that they are neither evicted nor removed. */
export class ContentUsers {
  readonly #clock: Clock
  readonly #users = new Map<Sha256Hex, number>()
  readonly #addedAt = new Map<Sha256Hex, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async using<T>(sha256: Sha256Hex, work: () => Promise<T>): Promise<T> {
    this.hold(sha256)
    try {
      return await work()
    } finally {
      this.letGo(sha256)
    }
  }

  hold(sha256: Sha256Hex): void {
    this.#users.set(sha256, (this.#users.get(sha256) ?? 0) + 1)
  }

  letGo(sha256: Sha256Hex): void {
    const users = (this.#users.get(sha256) ?? 0) - 1
    if (users > 0) this.#users.set(sha256, users)
    else this.#users.delete(sha256)
  }

  inUse(sha256: Sha256Hex): boolean {
    return this.#users.has(sha256)
  }

  noteAdded(sha256: Sha256Hex): void {
    this.#addedAt.set(sha256, this.#clock.monotonicMs())
  }

  /** In use, or so new that its requester may not have taken it yet. */
  spared(sha256: Sha256Hex): boolean {
    const addedAt = this.#addedAt.get(sha256)
    if (addedAt !== undefined && this.#clock.monotonicMs() - addedAt >= GRACE_MS) this.#addedAt.delete(sha256)
    return this.#users.has(sha256) || this.#addedAt.has(sha256)
  }

  /** Forgets who is no longer new. */
  sweep(): void {
    for (const sha256 of this.#addedAt.keys()) this.spared(sha256)
  }
}
