/** Something on disk that can be downloaded again: a complete content, or a partial nobody has open. */
export interface EvictionEntry {
  readonly id: string
  readonly bytes: number
  /** Wall clock, ms. */
  readonly lastUsedAt: number
  /** Of a higher one goes later, whenever it was used. */
  readonly priority: number
  readonly pinned: boolean
  readonly inUse: boolean
}

export interface EvictionLimits {
  /** Most bytes the entries may have together. */
  readonly maxBytes: number
  /** Free space the cache leaves to others, bytes. */
  readonly minFreeBytes: number
  /** Free space there is; null when it cannot be known. */
  readonly freeBytes: number | null
  /** Bytes about to be written, beyond the entries. */
  readonly neededBytes: number
  /** What was not used for so long goes in any case; null: nothing goes for its age. */
  readonly maxAgeMs: number | null
}

export type EvictionReason = 'age' | 'size' | 'free-space'
export interface Eviction {
  readonly id: string
  readonly bytes: number
  readonly reason: EvictionReason
}

/**
 * Chooses what to delete: first whatever is too old; then, until the size limit and the minimum of free space are kept, the lowest
 * priority first and within it the least recently used. Pinned entries and those in use never; so the limits may stay exceeded.
 * Nothing more than needed goes.
 * @param now wall clock, ms; a use in the future (the clock was set back) counts as now
 */
export function chooseEvictions(entries: Iterable<EvictionEntry>, limits: EvictionLimits, now: number): Eviction[] {
  const oldest = limits.maxAgeMs === null ? -Infinity : now - limits.maxAgeMs
  const chosen: Eviction[] = []
  const candidates: EvictionEntry[] = []
  let over = limits.neededBytes - limits.maxBytes
  let short = limits.freeBytes === null ? 0 : limits.minFreeBytes + limits.neededBytes - limits.freeBytes
  for (const entry of entries) {
    over += entry.bytes
    if (entry.pinned || entry.inUse) continue
    if (entry.lastUsedAt < oldest) {
      chosen.push({ id: entry.id, bytes: entry.bytes, reason: 'age' })
      over -= entry.bytes
      short -= entry.bytes
    } else if (entry.bytes > 0) {
      // An empty content frees nothing.
      candidates.push(entry)
    }
  }
  if (over <= 0 && short <= 0) return chosen
  const used = (entry: EvictionEntry) => Math.min(entry.lastUsedAt, now)
  candidates.sort((a, b) => a.priority - b.priority || used(a) - used(b) || b.bytes - a.bytes)
  for (const { id, bytes } of candidates) {
    if (over <= 0 && short <= 0) break
    chosen.push({ id, bytes, reason: over > 0 ? 'size' : 'free-space' })
    over -= bytes
    short -= bytes
  }
  return chosen
}
