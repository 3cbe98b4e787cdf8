import type { HubTotalsView } from '../contract/hub-view.ts'

export const noTotals: HubTotalsView = { originBytes: 0, peerBytes: 0, cacheBytes: 0, failed: 0 }

/** What the members of each site got together; those count that have said it. */
export function totalsBySite(
  members: Iterable<{ readonly site: string | null; readonly totals: HubTotalsView | null }>
): Map<string, HubTotalsView> {
  const bySite = new Map<string, HubTotalsView>()
  for (const { site, totals } of members) {
    if (site === null || totals === null) continue
    const sum = bySite.get(site) ?? noTotals
    bySite.set(site, {
      originBytes: sum.originBytes + totals.originBytes,
      peerBytes: sum.peerBytes + totals.peerBytes,
      cacheBytes: sum.cacheBytes + totals.cacheBytes,
      failed: sum.failed + totals.failed
    })
  }
  return bySite
}
