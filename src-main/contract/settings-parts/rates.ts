// How fast.
import { z } from 'zod'
import { ms, live, liveRate, Weekday, weekdays } from './marks.ts'
import { wanRate, lanRate, uploadRate, RateCaps } from './rate-caps.ts'

/** Other caps for some hours of some days, by local time. */
export const RateRule = RateCaps.extend({
  days: z
    .array(Weekday)
    .min(1)
    .max(7)
    .default([...weekdays]),
  /** Hour it begins, and hour it ends at; over midnight when `to` is not after `from`. */
  from: z.number().int().min(0).max(23),
  to: z.number().int().min(1).max(24)
})
export type RateRule = z.infer<typeof RateRule>

export const rates = z
  .object({
    wanForeground: wanRate
      .default(null)
      .describe('Cap for downloads from origins that somebody waits for, bytes per second; null: no limit.')
      .meta(liveRate),
    wanBackground: wanRate
      .default(null)
      .describe('Cap for background downloads from origins, bytes per second; null: no limit.')
      .meta(liveRate),
    wanSite: wanRate
      .default(null)
      .describe(
        'At a hub: what those of each site that download from origins for it share, bytes per second, divided by what they use; the same at hubs that share a store; null: no limit.'
      )
      .meta(liveRate),
    lanForeground: lanRate
      .default(null)
      .describe('Cap for pieces from peers that somebody waits for, bytes per second; null: no limit.')
      .meta(liveRate),
    lanBackground: lanRate
      .default(null)
      .describe('Cap for pieces from peers in the background, bytes per second; null: no limit.')
      .meta(liveRate),
    upload: uploadRate
      .default(null)
      .describe('Cap for pieces served to peers, bytes per second; null: no limit.')
      .meta(liveRate),
    schedule: z
      .array(RateRule)
      .max(64)
      .default([])
      .describe(
        'Other caps by hour and weekday, local time: [{ "days": ["mon"], "from": 8, "to": 18, "wanBackground": 250000 }]; a later rule wins.'
      )
      .meta(live),
    adaptive: z
      .boolean()
      .default(false)
      .describe('Background downloads from origins yield to other traffic on the WAN link.')
      .meta(live),
    adaptiveTargetMs: ms(10, 1000)
      .default(60)
      .describe('Queueing delay that adaptive downloads may cause, ms.')
      .meta(live),
    adaptiveFloor: z
      .number()
      .int()
      .min(8192)
      .max(2 ** 30)
      .default(32 * 1024)
      .describe('Adaptive downloads never slow down below about this rate, bytes per second.')
      .meta(liveRate),
    adaptiveCeilingBytes: z
      .number()
      .int()
      .min(64 * 1024)
      .max(64 * 2 ** 20)
      .default(8 * 2 ** 20)
      .describe('Most bytes an adaptive download may have asked for and not yet received.')
      .meta(live),
    monthlyUploadBytes: z
      .number()
      .int()
      .min(0)
      .nullable()
      .default(null)
      .describe('Most bytes served to peers in a calendar month; null: no limit.')
      .meta(live)
  })
  .prefault({})
