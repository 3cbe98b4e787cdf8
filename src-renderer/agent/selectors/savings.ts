import type { SourceSplit } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'

export type Period = 'today' | 'days7' | 'days28'
export const periodLabels: Record<Period, string> = { today: 'Today', days7: '7 days', days28: '28 days' }

/** Unique verified bytes of a span of time, by where they came from. */
export interface PeriodSavings extends SourceSplit {
  /** Part that did not cross the WAN for this PC: 0 to 1; null when nothing was delivered. */
  readonly saved: number | null
  /** Bytes that did not have to come from the origin. */
  readonly savedBytes: number
}

/** The spans an agent tells of, the shortest first. */
export function savingsByPeriod({
  savings
}: Pick<AgentSnapshot, 'savings'>): { readonly period: Period; readonly savings: PeriodSavings }[] {
  return (['today', 'days7', 'days28'] as const).map((period) => ({ period, savings: savingsOf(savings[period]) }))
}

export function savingsOf({ originBytes, peerBytes, cacheBytes }: SourceSplit): PeriodSavings {
  const savedBytes = peerBytes + cacheBytes
  const all = originBytes + savedBytes
  return { originBytes, peerBytes, cacheBytes, savedBytes, saved: all > 0 ? savedBytes / all : null }
}
