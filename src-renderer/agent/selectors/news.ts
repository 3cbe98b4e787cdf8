import type { RequestView } from '../../../src-main/contract/request.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'
import { fileNameOf } from '../../format/url.ts'
import type { MirrorState } from '../mirror.ts'

/** More at once is noise: the rest is counted. */
const MOST_SENTENCES = 3

type Known = Pick<MirrorState, 'link' | 'snapshot'>

/**
 * What a person who does not see the window is told when its state changes, as sentences; a download's bytes are no news. Another run of
 * the agent is news itself, not what it has to tell.
 */
export function newsBetween(last: Known, next: Known): string[] {
  const all = [...linkNews(last, next), ...snapshotNews(last.snapshot, next.snapshot)]
  const more = all.length - MOST_SENTENCES
  return more > 0 ? [...all.slice(0, MOST_SENTENCES), `And ${more} more.`] : all
}

function linkNews(last: Known, next: Known): string[] {
  if (last.link === next.link || last.link === 'connecting') return []
  switch (next.link) {
    case 'stale':
      return ['The agent is silent; what is shown may be out of date.']
    case 'disconnected':
      return ['The agent does not answer.']
    case 'otherVersion':
      return ['The agent and this window have different versions.']
    case 'signedOut':
      return ['This window is no longer signed in.']
    case 'live':
      return ['The agent answers again.']
    case 'connecting':
      return []
  }
}

function snapshotNews(last: AgentSnapshot | null, next: AgentSnapshot | null): string[] {
  if (last === null || next === null || last === next || last.bootId !== next.bootId) return []
  return [...switchNews(last, next), ...downloadNews(last.requests, next.requests)]
}

function switchNews(last: AgentSnapshot, next: AgentSnapshot): string[] {
  const connected = (s: AgentSnapshot) => s.peers.some((p) => p.state === 'connected')
  const switches: readonly (readonly [before: boolean, after: boolean, on: string, off: string])[] = [
    [
      last.integration.enabled,
      next.integration.enabled,
      `${next.integration.by} turned the integration on.`,
      `${next.integration.by} turned the integration off.`
    ],
    [last.paused !== null, next.paused !== null, 'All transfers are paused.', 'Transfers continue.'],
    [
      last.servingStopped !== null,
      next.servingStopped !== null,
      'This PC serves nobody.',
      'This PC serves its peers again.'
    ],
    [
      last.cache.diskFull,
      next.cache.diskFull,
      'The disk is full; downloads that need room fail.',
      'The disk has space again.'
    ],
    [connected(last), connected(next), 'Peers are connected.', 'No peer is connected any more.']
  ]
  return switches.flatMap(([before, after, on, off]) => (before === after ? [] : [after ? on : off]))
}

function downloadNews(last: readonly RequestView[], next: readonly RequestView[]): string[] {
  if (last === next) return []
  const before = new Map(last.map((r) => [r.id, r]))
  return next.flatMap((request) => {
    const earlier = before.get(request.id)
    return earlier === undefined || earlier === request ? [] : requestNews(earlier, request)
  })
}

function requestNews(last: RequestView, next: RequestView): string[] {
  const name = fileNameOf(next.url)
  if (last.state !== next.state) {
    if (next.state === 'done') return [`${name} is here.`]
    if (next.state === 'failed') return [`${name} failed: ${next.error?.message ?? 'no reason was given'}`]
  }
  const reason = next.reasons.at(-1)
  const isNew = reason !== undefined && reason.at !== last.reasons.at(-1)?.at
  return isNew && next.role === 'direct' ? [`${name} comes directly from the origin: ${reason.text}`] : []
}
