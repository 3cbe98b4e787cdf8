import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { EffectiveLimits } from './cache-limits.ts'
import type { ContentStore } from './content-store.ts'
import type { DiskRoom } from './disk-room.ts'
import { chooseEvictions, evictionOrder, mergeInOrder, type Eviction, type EvictionEntry } from './eviction.ts'
import { EvictionPressure } from './eviction-pressure.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import type { PartialShelf } from './partial-shelf.ts'
import { sweepQuarantine } from './recover.ts'
import { randomName, removeFile } from './safe-files.ts'
import type { UseCounts } from './use-counts.ts'

const DAY_MS = 24 * 3600_000
const ROUND_MS = 60_000
const DELETED_AT_ONCE = 16
/** A partial nobody resumed for this long is given up. */
const PARTIAL_AGE_MS = 7 * DAY_MS
const QUARANTINE_AGE_MS = 7 * DAY_MS
/** How long the version of an evicted content is remembered after the origin last confirmed it. */
const VERSION_AGE_MS = 90 * DAY_MS

export interface UpkeepParts {
  readonly layout: Layout
  readonly clock: Clock
  readonly index: IndexDb
  readonly store: ContentStore
  readonly shelf: PartialShelf
  readonly room: DiskRoom
  readonly uses: UseCounts
  readonly limits: () => EffectiveLimits
  onEvicted(sha256: Sha256Hex, eviction: Eviction): void
}

/** Keeps a cache within its limits: evicts when asked and in rounds, and gives up what has become too old. */
export class Upkeep {
  readonly #parts: UpkeepParts
  readonly #timer: { cancel(): void }
  /** One thing at a time; the next one sees what the last one left. */
  #tail: Promise<unknown> = Promise.resolve()
  #ended = false
  #evictions = 0
  readonly pressure: EvictionPressure

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.pressure = new EvictionPressure(parts.clock)
    this.#timer = parts.clock.every(ROUND_MS, () => void this.#goRound().catch(() => {}))
  }

  /** Contents evicted in this run. */
  get evictions(): number {
    return this.#evictions
  }

  /** Deletes what can go so that `neededBytes` more fit; with `refused`, whatever the free space is said to be. */
  evict(neededBytes: number, options = { refused: false }): Promise<void> {
    return this.#alone(() => this.#evictNow(neededBytes, options))
  }

  /** Waits for what is going on; nothing is begun any more. */
  async end(): Promise<void> {
    this.#ended = true
    this.#timer.cancel()
    await this.#tail
  }

  async #evictNow(neededBytes: number, { refused }: { refused: boolean }): Promise<void> {
    const { index, shelf, room, uses, clock, layout } = this.#parts
    const { maxBytes, minFreeBytes, maxAgeMs } = this.#parts.limits()
    const now = clock.wallMs()
    // A system that has just refused a write is believed more than what it says is free.
    const freeBytes = refused ? minFreeBytes : await room.refresh()
    const short = freeBytes !== null && freeBytes - neededBytes < minFreeBytes
    const aged = maxAgeMs !== null && index.anyUsedBefore(now - maxAgeMs)
    if (!short && !aged && index.totals.bytes + shelf.bytes + neededBytes <= maxBytes) return
    uses.flush()
    const freed = short ? await sweepQuarantine(layout, Infinity) : 0
    const limits = {
      maxBytes,
      minFreeBytes,
      freeBytes: freeBytes === null ? null : freeBytes + freed,
      neededBytes,
      maxAgeMs
    }
    const partials = [...shelf.evictable()].sort(evictionOrder)
    const entries = { [Symbol.iterator]: () => mergeInOrder(this.#contents(), partials) }
    const chosen = chooseEvictions(entries, index.totals.bytes + shelf.bytes, limits, now)
    for (let first = 0; first < chosen.length; first += DELETED_AT_ONCE) {
      const some = chosen.slice(first, first + DELETED_AT_ONCE)
      const gone = await Promise.all(some.map(({ id }) => this.#delete(id)))
      for (const [i, eviction] of some.entries()) {
        if (!gone[i]) continue
        this.#evictions++
        this.pressure.note(eviction.bytes)
        this.#parts.onEvicted(eviction.id as Sha256Hex, eviction)
      }
    }
  }

  /** @returns true when a content is gone; unfinished downloads go without a word */
  async #delete(id: string): Promise<boolean> {
    const { shelf, store, index } = this.#parts
    if (await shelf.remove(id)) return false
    const sha256 = id as Sha256Hex
    if (store.users.spared(sha256) || !index.find(sha256)) return false
    // What cannot be deleted must not keep the rest from being deleted.
    return store.remove(sha256, { versionsToo: false }).then(
      () => true,
      () => false
    )
  }

  *#contents(): Generator<EvictionEntry> {
    const { index, store } = this.#parts
    for (const entry of index.evictable()) yield { ...entry, inUse: store.users.spared(entry.id) }
  }

  async #goRound(): Promise<void> {
    const { layout, clock, index, store, shelf, room, uses } = this.#parts
    for (const sha256 of index.endPins(clock.wallMs()))
      store.noteInSidecar(sha256, (sidecar) => ({ ...sidecar, pinned: false, pinnedUntil: null }))
    await this.evict(0)
    await this.#alone(async () => {
      const now = clock.wallMs()
      uses.flush()
      store.users.sweep()
      for (const [name, { lastUsedAt }] of shelf.resting())
        if (now - lastUsedAt > PARTIAL_AGE_MS) await shelf.remove(name)
      await sweepQuarantine(layout, now - QUARANTINE_AGE_MS)
      index.forgetVersions(now - VERSION_AGE_MS)
    })
    if (room.full && !this.#ended) await this.#tryWriting()
  }

  /** A disk that was full may have room again while nobody dares to write: a small file finds out. */
  async #tryWriting(): Promise<void> {
    const { layout, room } = this.#parts
    const path = join(layout.tmp, randomName())
    const probe = Buffer.alloc(64 * 1024)
    await room.run(probe.length, () => writeFile(path, probe)).catch(() => {})
    await removeFile(path, layout.dir).catch(() => 0)
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const result = this.#tail.then(() => (this.#ended ? undefined : work()))
    this.#tail = result.catch(() => {})
    return result
  }
}
