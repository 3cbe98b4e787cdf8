import { errorTable } from '../../../src-main/contract/errors.ts'
import { isTrouble, type AgentEvent, type AgentEventType } from '../../../src-main/contract/events.ts'
import { exactTime } from '../../format/time.ts'
import { fileNameOf } from '../../format/url.ts'

export type EventFilter = 'problems' | 'all' | 'fallbacks' | 'downloads' | 'masters' | 'peers' | 'cache' | 'agent'
export const eventFilters: Record<EventFilter, string> = {
  problems: 'What went wrong',
  fallbacks: 'Fallbacks only',
  downloads: 'Downloads',
  masters: 'Elections',
  peers: 'Peers',
  cache: 'Cache',
  agent: 'Agent and switches',
  all: 'Everything'
}

const kinds: Record<Exclude<EventFilter, 'problems' | 'all'>, readonly AgentEventType[]> = {
  fallbacks: ['fallback'],
  downloads: [
    'requestAccepted',
    'requestDone',
    'requestFailed',
    'requestCancelled',
    'requestInterrupted',
    'fallback',
    'bypassed',
    'originChanged'
  ],
  masters: ['masterElected', 'masterLost', 'wanLease'],
  peers: [
    'peerConnected',
    'peerLost',
    'peerRefused',
    'peerBanned',
    'peerDistrusted',
    'peerLeftOut',
    'hubConnected',
    'hubLost',
    'hubStore'
  ],
  cache: [
    'contentCached',
    'contentEvicted',
    'contentRemoved',
    'contentRecalled',
    'contentQuarantined',
    'cacheCleared',
    'cacheMoved',
    'precacheDone',
    'diskFull',
    'diskRecovered'
  ],
  agent: [
    'agentStarted',
    'agentStopping',
    'integrationChanged',
    'settingsChanged',
    'settingsRefused',
    'transfersPaused',
    'transfersResumed',
    'servingStopped',
    'servingResumed',
    'updateFound',
    'updateRefused',
    'updateInstalled',
    'updateRolledBack',
    'updateStuck',
    'weightChanged',
    'warning'
  ]
}

/** Events of a sort that have `search` in their words; the newest first. */
export function eventsMatching(events: readonly AgentEvent[], filter: EventFilter, search = ''): AgentEvent[] {
  const wanted = search.trim().toLowerCase()
  return events
    .filter(
      (e) =>
        fits(e, filter) &&
        (wanted === '' ||
          `${e.text} ${e.url ?? ''} ${e.peerName ?? ''} ${e.code ?? ''} ${e.reason ?? ''} ${e.type}`
            .toLowerCase()
            .includes(wanted))
    )
    .toSorted((a, b) => b.seq - a.seq)
}

function fits(event: AgentEvent, filter: EventFilter): boolean {
  if (filter === 'all') return true
  return filter === 'problems' ? isTrouble(event) : kinds[filter].includes(event.type)
}

/** Older and newer pages of one run's events in one list without doubles, oldest first. */
export function joinEvents(older: readonly AgentEvent[], newer: readonly AgentEvent[]): readonly AgentEvent[] {
  const first = newer[0]
  if (first === undefined) return older
  const before = older.filter((e) => e.seq < first.seq)
  return before.length === 0 ? newer : [...before, ...newer]
}

/** What the reader can do about an error; null for anything else. */
export function adviceFor({ code }: Pick<AgentEvent, 'code'>): string | null {
  return code === undefined ? null : errorTable[code].next
}

/** The sentence of an event with the name of its file in place of its whole address, which stands in the details, and times as this PC's clock shows them. */
export function sentenceOf({ text, url }: Pick<AgentEvent, 'text' | 'url'>): string {
  const named = url === undefined ? text : text.replace(url, fileNameOf(url))
  return named.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (instant) => exactTime(Date.parse(instant)))
}

/** The file an event is about, when its sentence does not name it. */
export function fileOf(event: Pick<AgentEvent, 'text' | 'url'>): string | null {
  if (event.url === undefined) return null
  const name = fileNameOf(event.url)
  return sentenceOf(event).includes(name) ? null : name
}
