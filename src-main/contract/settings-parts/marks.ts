// What the sections of the settings are made of.
import { z } from 'zod'

export const port = z.number().int().min(0).max(65535)
export const ms = (min: number, max: number) => z.number().int().min(min).max(max)

/** A change counts at once; what has no such mark counts from the agent's next start on. */
export const live = { live: true }
/** Live too, and a name that does not end with its unit. */
export const liveRate = { ...live, unit: 'bytes per second' }
/** Never shown, only whether there is one. */
export const secret = { secret: true }

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const Weekday = z.enum(weekdays)
export type Weekday = z.infer<typeof Weekday>
