/** Time between two points of the chart, ms. */
export const STEP_MS = 1000
/** How far the chart looks back: points kept. */
export const POINTS_KEPT = 300

/** Bytes so far, by where they came from and where they went; they only grow during a run of the agent. */
export interface ByteCounters {
  readonly originBytes: number
  readonly peerBytes: number
  readonly servedBytes: number
}

/** Rates over one step, bytes per second. */
export interface ThroughputPoint {
  /** End of the step; wall clock, ms since 1970. */
  readonly at: number
  readonly origin: number
  readonly peersIn: number
  readonly peersOut: number
}

export interface ThroughputHistory {
  /** Run of the agent the counters belong to. */
  readonly bootId: string
  readonly at: number
  readonly counters: ByteCounters
  /** Oldest first, at most {@link POINTS_KEPT}. */
  readonly points: readonly ThroughputPoint[]
}

/** Adds what was counted until `at`. Another run, a clock set back or a long pause begins a new history. */
export function addReading(
  history: ThroughputHistory | null,
  bootId: string,
  counters: ByteCounters,
  at: number
): ThroughputHistory {
  if (history === null || history.bootId !== bootId || at < history.at || at - history.at > POINTS_KEPT * STEP_MS)
    return { bootId, at, counters, points: [] }
  const seconds = (at - history.at) / 1000
  if (seconds < STEP_MS / 2000) return history
  const rate = (name: keyof ByteCounters) => Math.max(0, counters[name] - history.counters[name]) / seconds
  const point = { at, origin: rate('originBytes'), peersIn: rate('peerBytes'), peersOut: rate('servedBytes') }
  return { bootId, at, counters, points: [...history.points, point].slice(-POINTS_KEPT) }
}
