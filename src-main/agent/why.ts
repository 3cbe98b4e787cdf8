import type { AgentEvent } from '../contract/events.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { reasonAdvice, type WhyDownload, type WhyView } from '../contract/why.ts'
import { LarderError } from '../lib/errors.ts'
import { quirkTexts, type Quirk } from '../origin/quirks.ts'
import { diagnose } from './diagnose.ts'

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
  'peerLeftOut',
  'integrationChanged',
  'transfersPaused',
  'transfersResumed',
  'diskFull',
  'diskRecovered'
])

/**
 * Why downloads came from where they did.
 * @param about id of a request, content key, digest or the beginning of one, URL or a part of it
 * @throws NOT_FOUND when no download it remembers is meant; BAD_REQUEST for less than three characters
 */
export function explain(
  about: string,
  snapshot: Pick<AgentSnapshot, 'requests' | 'transfers' | 'integration'>,
  events: readonly AgentEvent[],
  quirksOf: (url: string) => readonly Quirk[] = () => []
): WhyView {
  const text = about.trim()
  if (text.length < LEAST_CHARACTERS)
    throw new LarderError('BAD_REQUEST', `Give at least ${LEAST_CHARACTERS} characters of what it is about`)
  const meant = chosen(text, snapshot.requests)
  if (meant.length === 0) throw notFound(text, snapshot.integration)
  const newest = [...meant].sort((a, b) => b.createdAt - a.createdAt).slice(0, MOST_DOWNLOADS)
  return {
    about: text,
    downloads: newest.map((request) => explainOne(request, snapshot.transfers, events, quirksOf(request.url)))
  }
}

function notFound(text: string, { enabled, by }: AgentSnapshot['integration']): LarderError {
  return new LarderError(
    'NOT_FOUND',
    `No download this PC remembers is about ${text.slice(0, 200)}${
      enabled
        ? ''
        : `. The integration is off (by ${by}): programs download by themselves, and Larder does not hear of it`
    }`
  )
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
  events: readonly AgentEvent[],
  quirks: readonly Quirk[]
): WhyDownload {
  const transfer = transfers.find((t) => t.key === request.key)
  const peers = transfer?.peers.map(({ name, bytes }) => ({ name, bytes })) ?? []
  const {
    id,
    url,
    askedBy,
    state,
    key,
    sha256,
    verifiedBy,
    lengthBytes,
    createdAt,
    finishedAt,
    split,
    masterName,
    error
  } = request
  return {
    requestId: id,
    url,
    askedBy,
    state,
    key,
    sha256,
    verifiedBy,
    lengthBytes,
    createdAt,
    finishedAt,
    split,
    peers,
    masterName,
    error,
    ...diagnose(request, peers, transfer?.site?.from ?? null),
    originQuirks: quirks.map((quirk) => quirkTexts[quirk]),
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
