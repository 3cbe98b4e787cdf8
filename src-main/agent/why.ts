import type { AgentEvent } from '../contract/events.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { reasonAdvice, type WhyDownload, type WhyView } from '../contract/why.ts'
import { LarderError } from '../lib/errors.ts'

/** Downloads told about at once. */
const MOST_DOWNLOADS = 20
/** Events told per download. */
const MOST_EVENTS = 200
/** Events just before and after a download belong to it. */
const MARGIN_MS = 2000
const LEAST_CHARACTERS = 3

/** What happens to peers explains downloads that are not about them by name. */
const peerEvents = new Set<AgentEvent['type']>([
  'peerConnected',
  'peerLost',
  'peerRefused',
  'integrationChanged',
  'transfersPaused',
  'transfersResumed',
  'diskFull',
  'diskRecovered'
])

/**
 * Why downloads came from where they did.
 * @param about id of a request, content key, digest or the beginning of one, URL or a part of it
 * @throws NOT_FOUND when no download of this run is meant; BAD_REQUEST for less than three characters
 */
export function explain(
  about: string,
  snapshot: Pick<AgentSnapshot, 'requests' | 'transfers' | 'integration'>,
  events: readonly AgentEvent[]
): WhyView {
  const text = about.trim()
  if (text.length < LEAST_CHARACTERS)
    throw new LarderError('BAD_REQUEST', `Give at least ${LEAST_CHARACTERS} characters of what it is about`)
  const meant = chosen(text, snapshot.requests)
  if (meant.length === 0)
    throw new LarderError('NOT_FOUND', `No download of the last hour is about ${text.slice(0, 200)}`)
  const newest = [...meant].sort((a, b) => b.createdAt - a.createdAt).slice(0, MOST_DOWNLOADS)
  return { about: text, downloads: newest.map((request) => explainOne(request, snapshot.transfers, events)) }
}

/** The most exact reading that fits anything. */
function chosen(text: string, requests: readonly RequestView[]): RequestView[] {
  const lower = text.toLowerCase()
  const readings: ((r: RequestView) => boolean)[] = [
    (r) => r.id === text || r.key === lower || r.url === text,
    (r) =>
      r.id.startsWith(lower) ||
      (r.sha256?.startsWith(lower) ?? false) ||
      (r.key?.slice(r.key.indexOf(':') + 1).startsWith(lower) ?? false),
    (r) => r.url.toLowerCase().includes(lower)
  ]
  for (const fits of readings) {
    const found = requests.filter(fits)
    if (found.length > 0) return found
  }
  return []
}

function explainOne(
  request: RequestView,
  transfers: AgentSnapshot['transfers'],
  events: readonly AgentEvent[]
): WhyDownload {
  const peers = transfers.find((t) => t.key === request.key)?.peers.map(({ name, bytes }) => ({ name, bytes })) ?? []
  const { id, url, state, key, sha256, lengthBytes, createdAt, finishedAt, split, masterName, error } = request
  return {
    requestId: id,
    url,
    state,
    key,
    sha256,
    lengthBytes,
    createdAt,
    finishedAt,
    split,
    peers,
    masterName,
    error,
    verdict: sentence(verdictOf(request, peers)),
    causes: request.reasons.map(({ code, at, text }) => ({ code, at, text, next: reasonAdvice[code] })),
    history: historyOf(request, events)
  }
}

function historyOf({ id, key, url, createdAt, finishedAt }: RequestView, events: readonly AgentEvent[]): AgentEvent[] {
  const until = (finishedAt ?? Infinity) + MARGIN_MS
  const own = events.filter((event) => {
    if (event.requestId !== undefined) return event.requestId === id
    if (event.at < createdAt - MARGIN_MS || event.at > until) return false
    return (event.key !== undefined && event.key === key) || event.url === url || peerEvents.has(event.type)
  })
  return own.slice(-MOST_EVENTS)
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function verdictOf(request: RequestView, peers: readonly { name: string }[]): string {
  const { state, split, error, stale, reasons } = request
  const { originBytes, peerBytes, cacheBytes } = split
  const all = originBytes + peerBytes + cacheBytes
  if (state === 'failed') return `It failed: ${error?.message ?? 'for an unknown reason'}`
  if (state === 'cancelled' && all === 0) return 'It was cancelled before a byte had come.'
  if (all === 0) return state === 'done' ? 'There was nothing to download.' : 'No byte has come yet.'
  const so = state === 'done' ? '' : state === 'cancelled' ? 'Until it was cancelled: ' : 'So far: '
  if (cacheBytes === all)
    return `${so}all of it was in this PC’s cache already${stale ? '; the origin could not be asked whether it is the latest version' : ''}.`
  if (peerBytes === all)
    return `${so}all of it came from peers${
      peers.length > 0
        ? ` (${peers
            .map(({ name }) => name)
            .slice(0, 5)
            .join(', ')})`
        : ''
    }.`
  const last = reasons.findLast(({ code }) => code !== 'paused' && code !== 'cached')
  const because = last === undefined ? '' : ` ${last.text}`
  if (originBytes === all) return `${so}none of it came from peers.${because}`
  const percent = (bytes: number) => `${Math.round((bytes / all) * 100)} %`
  const parts = [
    [peerBytes, 'from peers'],
    [originBytes, 'from the origin'],
    [cacheBytes, 'from what was here before']
  ] as const
  return `${so}${parts
    .filter(([bytes]) => bytes > 0)
    .map(([bytes, from]) => `${percent(bytes)} came ${from}`)
    .join(', ')}.${because}`
}
