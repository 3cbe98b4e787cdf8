import { z } from 'zod'

/** Bytes of contents that came in and went out in this run, verified or not; bytes that came twice count twice. */
export const TrafficCounters = z.object({
  originBytes: z.number().nonnegative(),
  peerBytes: z.number().nonnegative(),
  servedBytes: z.number().nonnegative()
})
export type TrafficCounters = z.infer<typeof TrafficCounters>

/** How far back traffic is remembered, in seconds. */
export const TRAFFIC_SECONDS = 300

/** Bytes per second over one second that ended at `at` (wall clock, ms since 1970). */
export const TrafficPoint = z.object({
  at: z.number(),
  origin: z.number().nonnegative(),
  peersIn: z.number().nonnegative(),
  peersOut: z.number().nonnegative()
})
export type TrafficPoint = z.infer<typeof TrafficPoint>

/** The last minutes, a point per second, oldest first. */
export const TrafficHistory = z.object({ points: z.array(TrafficPoint).max(TRAFFIC_SECONDS) })
export type TrafficHistory = z.infer<typeof TrafficHistory>
