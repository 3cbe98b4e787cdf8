import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { KeyedBuckets, TokenBucket } from '../lib/token-bucket.ts'

/** Tables that one member's claims may have opened here. */
export const MAX_OPENED = 2500
/** Tables that one member may open: each costs an election, and another one when nobody renews its lease. */
const OPENINGS = { burst: MAX_OPENED, perSecond: 200 }
/** A table costs this agent a hash for each member; these are the hashes for the tables of all members together, a tenth of a second of CPU each second. */
const OPENINGS_FOR_ALL = { burst: 300_000, perSecond: 100_000 }
/** Tables that a member may open whatever all others do. */
const SURE_OPENINGS = { burst: 20, perSecond: 0.2 }
/** Questions that the new contents of one member may cause: one to each member of the subnet per content. */
const QUESTIONS_FOR_ONE = { burst: 10_000, perSecond: 2000 }
/** Those of all members together. */
const QUESTIONS_FOR_ALL = { burst: 40_000, perSecond: 3000 }
/** What a member may cause whatever all others do, in contents; in a large fleet each is a message to a thousand. */
const SURE = { burst: 3, perSecond: 1 / 30 }
const MAX_MEMBERS = 1024

/**
 * How much of this coordinator one member can use up. What it asks for opens tables here and questions to everybody: without a limit
 * a member that names keys makes an honest coordinator flood all others.
 */
export class FloodGuard {
  readonly #openings: KeyedBuckets
  readonly #openingsForAll: TokenBucket
  readonly #sureOpenings: KeyedBuckets
  readonly #forOne: KeyedBuckets
  readonly #forAll: TokenBucket
  readonly #sure: KeyedBuckets
  /** By who opened them, oldest first. */
  readonly #opened = new Map<PeerId, Set<ContentKey>>()

  constructor(clock: Clock) {
    this.#openings = new KeyedBuckets(clock, OPENINGS, MAX_MEMBERS)
    this.#openingsForAll = new TokenBucket(clock, OPENINGS_FOR_ALL)
    this.#sureOpenings = new KeyedBuckets(clock, SURE_OPENINGS, MAX_MEMBERS)
    this.#forOne = new KeyedBuckets(clock, QUESTIONS_FOR_ONE, MAX_MEMBERS)
    this.#forAll = new TokenBucket(clock, QUESTIONS_FOR_ALL)
    this.#sure = new KeyedBuckets(clock, SURE, MAX_MEMBERS)
  }

  /** May everybody be asked about a content because of this member? Without it the table decides by what it is told. */
  mayAsk(because: PeerId, members: number): boolean {
    if (this.#forOne.of(because).take(members) && this.#forAll.take(members)) return true
    return this.#sure.of(because).take()
  }

  /** May this member open one more table now? @param members that a coordinator is chosen of */
  mayOpen(by: PeerId, members: number): boolean {
    if (!this.#openings.of(by).take()) return false
    return this.#openingsForAll.take(members) || this.#sureOpenings.of(by).take()
  }

  opened(by: PeerId, key: ContentKey): void {
    const keys = this.#opened.get(by) ?? new Set()
    this.#opened.set(by, keys.add(key))
  }

  closed(by: PeerId, key: ContentKey): void {
    const keys = this.#opened.get(by)
    if (keys?.delete(key) && keys.size === 0) this.#opened.delete(by)
  }

  isFull(by: PeerId): boolean {
    return (this.#opened.get(by)?.size ?? 0) >= MAX_OPENED
  }

  /** Whose tables give way when all places are taken: the member that opened most, unless that is who wants one. */
  greediest(wanting: PeerId): PeerId | null {
    let most = this.#opened.get(wanting)?.size ?? 0
    let greediest: PeerId | null = null
    for (const [id, { size }] of this.#opened)
      if (size > most) {
        most = size
        greediest = id
      }
    return greediest
  }

  /** Oldest first. */
  openedBy(id: PeerId): Iterable<ContentKey> {
    return this.#opened.get(id) ?? []
  }
}
