import type { ContentKey } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { isSmall, type PiecePlan } from '../pieces/plan.ts'
import type { EvictionEntry } from './eviction.ts'
import { partialName } from './layout.ts'
import type { PartialContent } from './cache.ts'
import { openDiskPartial } from './open-partial.ts'
import type { PartialParts } from './partial-parts.ts'
import { removePartialFiles } from './partial-files.ts'
import { lookAtPartial, type RestingPartial } from './recover.ts'
import { SmallPartial } from './small-partial.ts'

/** Small contents assembled in memory at the same time; more of them go to the disk as large ones do. */
const MOST_IN_MEMORY = 512

/** A content being assembled, and how many bytes of it are here. */
type OpenPartial = PartialContent & { readonly haveBytes: number }

/** As that of an ordinary content. */
const PARTIAL_PRIORITY = 1

/** All partials of a cache: those being assembled, and those that rest on disk until somebody resumes them. */
export class PartialShelf {
  readonly #parts: Omit<PartialParts, 'onEnd'>
  readonly #resting: Map<string, RestingPartial>
  readonly #opening = new Map<string, Promise<OpenPartial>>()
  readonly #open = new Map<string, OpenPartial>()

  constructor(resting: Map<string, RestingPartial>, parts: Omit<PartialParts, 'onEnd'>) {
    this.#resting = resting
    this.#parts = parts
  }

  /** How many are being assembled. */
  get openCount(): number {
    return this.#opening.size
  }

  /** Bytes of verified pieces in all of them. */
  get bytes(): number {
    let bytes = 0
    for (const { haveBytes } of this.#open.values()) bytes += haveBytes
    for (const resting of this.#resting.values()) bytes += resting.bytes
    return bytes
  }

  /** @throws CACHE_BUSY when it is open, DISK_FULL, CACHE_UNUSABLE */
  async open(key: ContentKey, plan: PiecePlan): Promise<OpenPartial> {
    const name = partialName(key)
    if (this.#opening.has(name)) throw new LarderError('CACHE_BUSY', 'This content is being assembled already', { key })
    const opening = this.#begin(name, key, plan)
    this.#opening.set(name, opening)
    return opening
  }

  /** Names of those that rest. */
  resting(): [string, RestingPartial][] {
    return [...this.#resting].filter(([name]) => !this.#opening.has(name))
  }

  *evictable(): Generator<EvictionEntry> {
    for (const [id, { bytes, lastUsedAt }] of this.#resting)
      yield { id, bytes, lastUsedAt, priority: PARTIAL_PRIORITY, pinned: false, inUse: this.#opening.has(id) }
    for (const [id, { haveBytes }] of this.#open)
      yield { id, bytes: haveBytes, lastUsedAt: 0, priority: PARTIAL_PRIORITY, pinned: false, inUse: true }
  }

  /** Deletes one that rests. @returns false when there is none of this name */
  async remove(name: string): Promise<boolean> {
    if (this.#opening.has(name) || !this.#resting.delete(name)) return false
    await removePartialFiles(this.#parts.layout.partial(name), this.#parts.layout)
    return true
  }

  /** Closes all that are open. @returns false when what they have could not be saved for sure */
  async close(): Promise<boolean> {
    const opened = await Promise.allSettled(this.#opening.values())
    const closed = await Promise.allSettled(
      opened.flatMap((open) => (open.status === 'fulfilled' ? [open.value.close()] : []))
    )
    return closed.every(({ status }) => status === 'fulfilled')
  }

  async #begin(name: string, key: ContentKey, plan: PiecePlan): Promise<OpenPartial> {
    const { layout, clock } = this.#parts
    const onEnd = (pieces: number) => {
      const bytes = this.#open.get(name)?.haveBytes ?? 0
      this.#opening.delete(name)
      this.#open.delete(name)
      if (pieces > 0) this.#resting.set(name, { pieces, bytes, lastUsedAt: clock.wallMs() })
    }
    try {
      const parts = { ...this.#parts, onEnd }
      const inMemory =
        plan.count === 1 && isSmall(plan) && !this.#resting.has(name) && this.#opening.size < MOST_IN_MEMORY
      const partial = inMemory
        ? new SmallPartial(key, plan, parts)
        : await openDiskPartial(key, plan, layout.partial(name), parts)
      this.#resting.delete(name)
      this.#open.set(name, partial)
      return partial
    } catch (error) {
      const left = await lookAtPartial(name, layout).catch(() => undefined)
      if (left && left.pieces > 0) this.#resting.set(name, left)
      else this.#resting.delete(name)
      this.#opening.delete(name)
      throw error instanceof LarderError
        ? error
        : new LarderError('CACHE_UNUSABLE', `The cache cannot be written: ${(error as Error).message}`, {
            cause: error
          })
    }
  }
}
