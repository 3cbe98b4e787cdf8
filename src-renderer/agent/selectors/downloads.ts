import type { RequestView } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot, MasterView, TransferView } from '../../../src-main/contract/snapshot.ts'
import { fileNameOf } from '../../format/url.ts'

/** The heaps people sort downloads into. */
export type DownloadGroup = 'active' | 'waiting' | 'done' | 'failed'
export const downloadGroups: readonly DownloadGroup[] = ['active', 'waiting', 'done', 'failed']

export function groupOf({ state }: Pick<RequestView, 'state'>): DownloadGroup {
  switch (state) {
    case 'checking':
    case 'active':
    case 'delivering':
      return 'active'
    case 'waiting':
    case 'paused':
      return 'waiting'
    case 'done':
      return 'done'
    case 'failed':
    case 'cancelled':
      return 'failed'
  }
}

export function groupCounts(requests: readonly RequestView[]): Record<DownloadGroup, number> {
  const counts = { active: 0, waiting: 0, done: 0, failed: 0 }
  for (const request of requests) counts[groupOf(request)]++
  return counts
}

/** `when`: the newest first, ended ones by their end. */
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
  return requests
    .filter((r) => groupOf(r) === group && (wanted === '' || readable(r.url).includes(wanted)))
    .toSorted((a, b) => sign * order(a, b) || moment(b) - moment(a) || (a.id < b.id ? -1 : 1))
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

/** Time until everything is there at the present rate, ms; null when that cannot be known. */
export function timeLeftMs({
  state,
  lengthBytes,
  haveBytes,
  rateBytesPerSecond
}: Pick<RequestView, 'state' | 'lengthBytes' | 'haveBytes' | 'rateBytesPerSecond'>): number | null {
  if (state !== 'active' || lengthBytes === null || rateBytesPerSecond < 1) return null
  return (Math.max(0, lengthBytes - haveBytes) / rateBytesPerSecond) * 1000
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
