import { byProgress, groupOf, type DownloadGroup } from '../../../src-main/contract/progress.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot, MasterView, TransferView } from '../../../src-main/contract/snapshot.ts'
import { fileNameOf } from '../../format/url.ts'

export function groupCounts(requests: readonly RequestView[]): Record<DownloadGroup, number> {
  const counts = { active: 0, waiting: 0, done: 0, failed: 0, cancelled: 0 }
  for (const request of requests) counts[groupOf(request)]++
  return counts
}

/** `when`: the newest first, ended ones by their end; those that wait in the order of their turn. */
export interface DownloadSort {
  readonly by: 'when' | 'name' | 'progress'
  readonly ascending: boolean
}
export const newestFirst: DownloadSort = { by: 'when', ascending: false }

/** The downloads of one heap whose URL has `search` in it. */
export function downloadsIn(
  requests: readonly RequestView[],
  group: DownloadGroup,
  search = '',
  sort: DownloadSort = newestFirst
): RequestView[] {
  const wanted = search.trim().toLowerCase()
  const order = orders[sort.by]
  const sign = sort.ascending ? 1 : -1
  const found = requests.filter((r) => groupOf(r) === group && (wanted === '' || readable(r.url).includes(wanted)))
  if (group === 'waiting' && sort.by === 'when' && !sort.ascending) return found.toSorted(byProgress)
  return found.toSorted((a, b) => sign * order(a, b) || moment(b) - moment(a) || (a.id < b.id ? -1 : 1))
}

/** A click on a column: first the way people look for it, then the other way round, then as it was. */
export function nextSort(last: DownloadSort, by: DownloadSort['by']): DownloadSort {
  const first = by === 'name'
  if (last.by !== by) return { by, ascending: first }
  return last.ascending === first ? { by, ascending: !first } : newestFirst
}

const moment = (r: RequestView): number => r.finishedAt ?? r.createdAt
const share = (r: RequestView): number => (r.lengthBytes === null ? 0 : r.haveBytes / Math.max(1, r.lengthBytes))
const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const orders: Record<DownloadSort['by'], (a: RequestView, b: RequestView) => number> = {
  when: (a, b) => moment(a) - moment(b),
  name: (a, b) => names.compare(fileNameOf(a.url), fileNameOf(b.url)),
  progress: (a, b) => share(a) - share(b)
}

function readable(url: string): string {
  try {
    return `${url} ${decodeURI(url)}`.toLowerCase()
  } catch {
    return url.toLowerCase()
  }
}

export function transferOf(snapshot: AgentSnapshot | null, request: Pick<RequestView, 'key'>): TransferView | null {
  return (request.key !== null && snapshot?.transfers.find((t) => t.key === request.key)) || null
}

export function masterOf(snapshot: AgentSnapshot | null, request: Pick<RequestView, 'key'>): MasterView | null {
  return (request.key !== null && snapshot?.masters.find((m) => m.key === request.key)) || null
}

export type DownloadAction = 'pause' | 'resume' | 'cancel' | 'retry' | 'open' | 'showInFolder'

/** What can be done with a download in its present state; the most likely first. */
export function actionsOf({ state, destination }: Pick<RequestView, 'state' | 'destination'>): DownloadAction[] {
  switch (state) {
    case 'checking':
    case 'delivering':
      return ['cancel']
    case 'waiting':
    case 'active':
      return ['pause', 'cancel']
    case 'paused':
      return ['resume', 'cancel']
    case 'done':
      return destination === null ? [] : ['open', 'showInFolder']
    case 'failed':
    case 'cancelled':
      return ['retry']
  }
}
