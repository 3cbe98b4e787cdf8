import { TRAFFIC_SECONDS, type TrafficCounters, type TrafficPoint } from '../../src-main/contract/traffic.ts'

/** Time between two points of the chart, ms. */
export const STEP_MS = 1000
/** How far the chart looks back: points kept. */
export const POINTS_KEPT = TRAFFIC_SECONDS

export interface ThroughputHistory {
  /** Run of the agent the counters belong to. */
  readonly bootId: string
  readonly at: number
  readonly counters: TrafficCounters
  /** Oldest first, at most {@link POINTS_KEPT}. */
  readonly points: readonly TrafficPoint[]
}

/** Adds what was counted until `at`. Another run, a clock set back or a long pause begins a new history. */
export function addReading(
  history: ThroughputHistory | null,
  bootId: string,
  counters: TrafficCounters,
  at: number
): ThroughputHistory {
  if (history === null || history.bootId !== bootId || at < history.at || at - history.at > POINTS_KEPT * STEP_MS)
    return { bootId, at, counters, points: [] }
  const seconds = (at - history.at) / 1000
  if (seconds < STEP_MS / 2000) return history
  const rate = (name: keyof TrafficCounters) => Math.max(0, counters[name] - history.counters[name]) / seconds
  const point = { at, origin: rate('originBytes'), peersIn: rate('peerBytes'), peersOut: rate('servedBytes') }
  return { bootId, at, counters, points: [...history.points, point].slice(-POINTS_KEPT) }
}

/** Puts what the agent remembers before what this window has seen of the same run. */
export function withFormer(
  history: ThroughputHistory | null,
  former: readonly TrafficPoint[]
): ThroughputHistory | null {
  if (history === null) return null
  const seenFrom = history.points[0]?.at ?? history.at
  // A point that ends within the first one seen here tells of the same second.
  const before = former.filter(({ at }) => at <= seenFrom - STEP_MS / 2)
  return { ...history, points: [...before, ...history.points].slice(-POINTS_KEPT) }
}
