import { byProgress, groupOf } from '../../../src-main/contract/progress.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'
import { countOf, formatRate } from '../../../src-main/contract/sizes.ts'

/** Requests whose bytes move, or are being delivered; the fastest first. */
export function runningRequests(requests: readonly RequestView[]): RequestView[] {
  return requests.filter((r) => groupOf(r) === 'active').toSorted(byProgress)
}

/** Those that wait, in the order of their turn; paused ones last. */
export function waitingRequests(requests: readonly RequestView[]): RequestView[] {
  return requests.filter((r) => groupOf(r) === 'waiting').toSorted(byProgress)
}

export function totalRate(requests: readonly RequestView[]): number {
  return requests.reduce((sum, r) => sum + (groupOf(r) === 'active' ? r.rateBytesPerSecond : 0), 0)
}

/** How many PCs are being served at this moment. */
export function servedPeers(snapshot: Pick<AgentSnapshot, 'uploads'>): number {
  return new Set(snapshot.uploads.map((u) => u.peer)).size
}

/** What happens now, in one sentence. */
export function nowSentence(snapshot: Pick<AgentSnapshot, 'requests' | 'uploads' | 'paused'>): string {
  const running = runningRequests(snapshot.requests)
  const served = servedPeers(snapshot)
  const serving = served > 0 ? `serving ${countOf(served, 'PC')}` : ''
  if (snapshot.paused !== null) return serving === '' ? 'Transfers are paused' : `Transfers are paused, ${serving}`
  const waits = waitingRequests(snapshot.requests).length
  if (running.length === 0) {
    const waiting = waits === 0 ? '' : `${countOf(waits, 'download')} waiting`
    return capital([waiting, serving].filter((part) => part !== '').join(', ')) || 'Nothing to do right now'
  }
  const rate = totalRate(running)
  const downloading = `Downloading ${countOf(running.length, 'file')}${rate >= 1 ? ` at ${formatRate(rate)}` : ''}`
  return [downloading, waits === 0 ? '' : `${waits.toLocaleString('en')} waiting`, serving]
    .filter((part) => part !== '')
    .join(', ')
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export type FleetTone = 'good' | 'alone' | 'none'

/** Where this PC stands in its fleet. */
export function fleetState(snapshot: Pick<AgentSnapshot, 'fleet' | 'peers'>): {
  readonly tone: FleetTone
  readonly connected: number
  readonly refused: number
  readonly label: string
} {
  const connected = snapshot.peers.filter((p) => p.state === 'connected').length
  const refused = snapshot.peers.filter((p) => p.state === 'refused').length
  if (!snapshot.fleet.member) return { tone: 'none', connected, refused, label: 'No fleet' }
  return connected === 0
    ? { tone: 'alone', connected, refused, label: 'No peers' }
    : { tone: 'good', connected, refused, label: countOf(connected, 'peer') }
}
