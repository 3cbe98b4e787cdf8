import { z } from 'zod'
import { Weekday } from './settings-parts/marks.ts'
import { RateCaps, rateKinds } from './settings-parts/rate-caps.ts'

/** Bytes per second of each kind of traffic; null: no limit. */
export const CapsView = z.record(z.enum(rateKinds), z.number().nullable())

/** What holds transfers back right now. */
export const RatesView = z.object({
  caps: CapsView,
  /** What the hub leaves to this PC of the budget of its site, bytes per second; null: no limit. */
  siteShare: z.number().nullable().optional(),
  /** Some hours have other caps. */
  scheduled: z.boolean(),
  adaptive: z.object({
    enabled: z.boolean(),
    targetMs: z.number(),
    /** Origins with adaptive downloads under way. `windowBytes` null: the delay cannot be measured, the plain cap rules. */
    origins: z.array(
      z.object({
        origin: z.string(),
        windowBytes: z.number().nullable(),
        queueingDelayMs: z.number(),
        downloads: z.number().int()
      })
    )
  }),
  /** Served to peers in this calendar month, `YYYY-MM`. */
  uploads: z.object({ month: z.string(), bytes: z.number(), limitBytes: z.number().nullable(), allowed: z.boolean() })
})
export type RatesView = z.infer<typeof RatesView>

/** The caps of each hour of the week, by local time, and which hour it is. */
export const RateTableView = z.object({
  now: z.object({ day: Weekday, hour: z.number().int() }),
  days: z.array(z.object({ day: Weekday, hours: z.array(CapsView) }))
})
export type RateTableView = z.infer<typeof RateTableView>

export const RatesAnswer = RatesView.extend({ table: RateTableView })
export type RatesAnswer = z.infer<typeof RatesAnswer>

/** Rates from now on, until the agent next reads its settings; what is not named stays as it is. */
export const RatesSpec = RateCaps.extend({ adaptive: z.boolean().optional() })
export type RatesSpec = z.infer<typeof RatesSpec>
