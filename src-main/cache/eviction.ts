/** Something on disk that can be downloaded again: a complete content, or a partial nobody has open. */
export interface EvictionEntry {
  readonly id: string
  readonly bytes: number
  /** Wall clock, ms. */
  readonly lastUsedAt: number
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
}

export type EvictionReason = 'size' | 'free-space'
export interface Eviction {
  readonly id: string
  readonly bytes: number
  readonly reason: EvictionReason
}

/**
 * Chooses what to delete: the least recently used first, until the size limit and the minimum of free space are kept. Pinned
 * entries and those in use never; so the limits may stay exceeded. Nothing more than needed goes.
 * @param now wall clock, ms; a use in the future (the clock was set back) counts as now
 */
export function chooseEvictions(entries: Iterable<EvictionEntry>, limits: EvictionLimits, now: number): Eviction[] {
  const all = [...entries]
  let over = all.reduce((sum, entry) => sum + entry.bytes, 0) + limits.neededBytes - limits.maxBytes
  let short = limits.freeBytes === null ? 0 : limits.minFreeBytes + limits.neededBytes - limits.freeBytes
  const chosen: Eviction[] = []
  if (over <= 0 && short <= 0) return chosen
  const candidates = all.filter((entry) => !entry.pinned && !entry.inUse)
  const used = (entry: EvictionEntry) => Math.min(entry.lastUsedAt, now)
  candidates.sort((a, b) => used(a) - used(b) || b.bytes - a.bytes)
  for (const { id, bytes } of candidates) {
    if (over <= 0 && short <= 0) break
    // An empty content frees nothing.
    if (bytes === 0) continue
    chosen.push({ id, bytes, reason: over > 0 ? 'size' : 'free-space' })
    over -= bytes
    short -= bytes
  }
  return chosen
}
