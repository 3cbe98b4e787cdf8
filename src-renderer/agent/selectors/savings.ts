import type { SourceSplit } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'

export type Period = 'sinceStart' | 'today' | 'days7' | 'days28'
export const periodLabels: Record<Period, string> = { today: 'Today', days7: '7 days', days28: '28 days', sinceStart: 'Since start' }

/** Unique verified bytes of a span of time, by where they came from. */
export interface PeriodSavings extends SourceSplit {
  /** Part that did not cross the WAN for this PC: 0 to 1; null when nothing was delivered. */
  readonly saved: number | null
  /** Bytes that did not have to come from the origin. */
  readonly savedBytes: number
}

/** Savings over longer times, where the agent keeps them. */
interface WithHistory {
  readonly savings?: Partial<Record<Exclude<Period, 'sinceStart'>, SourceSplit>>
}

/** The spans this agent can tell of, the shortest first. */
export function savingsByPeriod(snapshot: Pick<AgentSnapshot, 'totals'> & WithHistory): { readonly period: Period; readonly savings: PeriodSavings }[] {
  const kept = (['today', 'days7', 'days28'] as const).flatMap((period) => {
    const split = snapshot.savings?.[period]
    return split === undefined ? [] : [{ period, savings: savingsOf(split) }]
  })
  return kept.length > 0 ? kept : [{ period: 'sinceStart', savings: savingsOf(snapshot.totals) }]
}

export function savingsOf({ originBytes, peerBytes, cacheBytes }: SourceSplit): PeriodSavings {
  const savedBytes = peerBytes + cacheBytes
  const all = originBytes + savedBytes
  return { originBytes, peerBytes, cacheBytes, savedBytes, saved: all > 0 ? savedBytes / all : null }
}
