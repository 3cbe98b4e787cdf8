import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'

/** Holders of one content that are remembered; more are of no use to anybody. */
export const MAX_HOLDERS_KEPT = 16
/** So many different PCs have to say that a holder is of no use before it is forgotten. */
const FAILED_FOR = 2

interface Holding {
  untilMs: number
  readonly failedFor: Set<PeerId>
}

/**
 * Who has all of which content and serves it, by what they said themselves. It is in memory: after a restart it fills again as
 * contents are downloaded, and until then costs a download that would not have been needed.
 */
export class HolderRegistry {
  readonly #clock: Clock
  readonly #maxContents: number
  /** The least recently asked for first. */
  readonly #byKey = new Map<ContentKey, Map<PeerId, Holding>>()

  constructor(clock: Clock, maxContents: number) {
    this.#clock = clock
    this.#maxContents = maxContents
  }

  get contentCount(): number {
    return this.#byKey.size
  }

  hold(key: ContentKey, id: PeerId, hours: number): void {
    const holders = this.#byKey.get(key) ?? new Map<PeerId, Holding>()
    const untilMs = this.#clock.monotonicMs() + hours * 3_600_000
    keepLatest(holders, id, { untilMs, failedFor: new Set() }, MAX_HOLDERS_KEPT)
    this.#touch(key, holders)
  }

  drop(key: ContentKey, id: PeerId): void {
    const holders = this.#byKey.get(key)
    if (holders?.delete(id) && holders.size === 0) this.#byKey.delete(key)
  }

  /** One PC could not use this holder. One alone may be the one that is cut off, or lie. */
  failed(key: ContentKey, id: PeerId, by: PeerId): void {
    const holding = this.#byKey.get(key)?.get(id)
    if (!holding || by === id) return
    holding.failedFor.add(by)
    if (holding.failedFor.size >= FAILED_FOR) this.drop(key, id)
  }

  /** Newest first. */
  holders(key: ContentKey): PeerId[] {
    const holders = this.#byKey.get(key)
    if (!holders) return []
    const nowMs = this.#clock.monotonicMs()
    for (const [id, { untilMs }] of holders) if (untilMs <= nowMs) holders.delete(id)
    if (holders.size === 0) {
      this.#byKey.delete(key)
      return []
    }
    this.#touch(key, holders)
    return [...holders.keys()].reverse()
  }

  /** This PC could not use that holder: it is not named to it again. */
  isUseless(key: ContentKey, id: PeerId, to: PeerId): boolean {
    return this.#byKey.get(key)?.get(id)?.failedFor.has(to) ?? false
  }

  #touch(key: ContentKey, holders: Map<PeerId, Holding>): void {
    keepLatest(this.#byKey, key, holders, this.#maxContents)
  }
}
