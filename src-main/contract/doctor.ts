import { z } from 'zod'

/** `ok`: as it should be. `note`: worth knowing. `warn`: works, but not as well as it could. `fail`: does not work. `skipped`: could not be found out. */
export const CheckVerdict = z.enum(['ok', 'note', 'warn', 'fail', 'skipped'])
export type CheckVerdict = z.infer<typeof CheckVerdict>

/** One thing that was looked at. */
export const Check = z.object({
  /** Stable name, e.g. `multicast.eth0`. */
  id: z.string().max(100),
  title: z.string().max(200),
  tried: z.string().max(2000),
  seen: z.string().max(4000),
  verdict: CheckVerdict,
  /** What to do; null where there is nothing to do. */
  next: z.string().max(2000).nullable()
})
export type Check = z.infer<typeof Check>

export const DoctorReport = z.object({
  /** Wall clock, ms since 1970. */
  at: z.number(),
  version: z.string(),
  checks: z.array(Check),
  counts: z.record(CheckVerdict, z.number().int())
})
export type DoctorReport = z.infer<typeof DoctorReport>

export function reportOf(at: number, version: string, checks: readonly Check[]): DoctorReport {
  const counts = { ok: 0, note: 0, warn: 0, fail: 0, skipped: 0 }
  for (const { verdict } of checks) counts[verdict]++
  return { at, version, checks: [...checks], counts }
}
