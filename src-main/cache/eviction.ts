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
  /** What was not used for this long goes in any case; null: nothing goes for its age. */
  readonly maxAgeMs: number | null
}

export type EvictionReason = 'age' | 'size' | 'free-space'
export interface Eviction {
  readonly id: string
  readonly bytes: number
  readonly reason: EvictionReason
}

/** Which of two goes first: that of the lower priority, then the one not used for longer, then the larger one. */
export function evictionOrder(a: EvictionEntry, b: EvictionEntry): number {
  return a.priority - b.priority || a.lastUsedAt - b.lastUsedAt || b.bytes - a.bytes
}

/**
 * Chooses what to delete: first whatever is too old; then, until the size limit and the minimum of free space are kept, in
 * {@link evictionOrder}. Pinned entries and those in use never; so the limits may stay exceeded. Nothing more than needed goes, and nothing
 * but the old when all of it would not make room for what is about to be written.
 * @param entries in {@link evictionOrder}; taken only as far as needed, and twice where there is a limit of age
 * @param totalBytes of all entries together
 * @param now wall clock, ms
 */
export function chooseEvictions(
  entries: Iterable<EvictionEntry>,
  totalBytes: number,
  limits: EvictionLimits,
  now: number
): Eviction[] {
  const oldest = limits.maxAgeMs === null ? -Infinity : now - limits.maxAgeMs
  const chosen: Eviction[] = []
  let over = totalBytes + limits.neededBytes - limits.maxBytes
  let short = limits.freeBytes === null ? 0 : limits.minFreeBytes + limits.neededBytes - limits.freeBytes
  const choose = ({ id, bytes }: EvictionEntry, reason: EvictionReason) => {
    chosen.push({ id, bytes, reason })
    over -= bytes
    short -= bytes
  }
  const canGo = ({ pinned, inUse }: EvictionEntry) => !pinned && !inUse
  if (limits.maxAgeMs !== null) {
    for (const entry of entries) if (canGo(entry) && entry.lastUsedAt < oldest) choose(entry, 'age')
  }
  if (over <= 0 && short <= 0) return chosen
  for (const entry of entries) {
    // An empty content frees nothing.
    if (!canGo(entry) || entry.lastUsedAt < oldest || entry.bytes === 0) continue
    choose(entry, over > 0 ? 'size' : 'free-space')
    if (over <= 0 && short <= 0) break
  }
  if (limits.neededBytes > 0 && short > 0) return chosen.filter(({ reason }) => reason === 'age')
  return chosen
}

/** Two sequences in {@link evictionOrder} as one. */
export function* mergeInOrder(one: Iterable<EvictionEntry>, other: readonly EvictionEntry[]): Generator<EvictionEntry> {
  let next = 0
  for (const entry of one) {
    while (next < other.length && evictionOrder(other[next]!, entry) < 0) yield other[next++]!
    yield entry
  }
  yield* other.slice(next)
}
