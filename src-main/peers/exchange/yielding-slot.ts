/** Nobody is interrupted earlier. */
export const UNDISTURBED_MS = 3000
/** After that a slot is anybody's, however fast it was: a run of pieces is over long before. */
export const TURN_MS = 10_000
/** A peer that takes less is slow, unless this PC's own link gives no more to anybody. */
export const SLOW_BYTES_PER_SECOND = 1024 * 1024

/** An answer under way, as far as it matters for who has to yield. */
export interface RunningAnswer {
  readonly forMs: number
  /** Taken by the reader of late. */
  readonly bytesPerSecond: number
}

/**
 * All slots are taken and a peer without any waits: which one has to yield?
 *
 * @param linkBytesPerSecond most that all slots together gave of late: half of an equal share of it is not slow
 * @returns the index of one that is slow, else of one whose turn is over, else null
 */
export function yieldingSlot(running: readonly RunningAnswer[], linkBytesPerSecond: number): number | null {
  const slow = slowBelow(linkBytesPerSecond, running.length)
  const slowest = least(running, (one) =>
    one.forMs >= UNDISTURBED_MS && one.bytesPerSecond <= slow ? one.bytesPerSecond : null
  )
  return slowest ?? least(running, (one) => (one.forMs >= TURN_MS ? -one.forMs : null))
}

/** Bytes per second up to which an answer counts as slow. */
export function slowBelow(linkBytesPerSecond: number, slots: number): number {
  return Math.min(SLOW_BYTES_PER_SECOND, linkBytesPerSecond / slots / 2)
}

function least(running: readonly RunningAnswer[], valueOf: (one: RunningAnswer) => number | null): number | null {
  let found: number | null = null
  let smallest = Infinity
  for (const [index, one] of running.entries()) {
    const value = valueOf(one)
    if (value === null || value >= smallest) continue
    found = index
    smallest = value
  }
  return found
}
