import { createHmac } from 'node:crypto'
import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import { ContentKey, type RequestId, type Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot, CacheEntryView } from '../contract/snapshot.ts'
import { shownUrl } from '../lib/shown-text.ts'

/** What one user has asked for, of all that an agent knows. */
export interface Own {
  readonly ids: ReadonlySet<RequestId>
  /** By key, the URL they named themselves: others may have got the same bytes by another one. */
  readonly urlOfKey: ReadonlyMap<ContentKey, string>
  /** As they named them, and as they are shown. */
  readonly urls: ReadonlySet<string>
  readonly sha256s: ReadonlySet<Sha256Hex>
}

export function ownOf(requests: readonly RequestView[], isOwn: (id: RequestId) => boolean): Own {
  const own = requests.filter(({ id }) => isOwn(id))
  return {
    ids: new Set(own.map(({ id }) => id)),
    urlOfKey: new Map(own.flatMap(({ key, url }) => (key === null ? [] : [[key, url] as const]))),
    urls: new Set(own.flatMap(({ url }) => [url, shownUrl(url)])),
    sha256s: new Set(own.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256])))
  }
}

/** Events that are about the PC and nobody's download, as long as they name none. */
const ofTheMachine: ReadonlySet<AgentEventType> = new Set<AgentEventType>([
  'agentStarted',
  'agentStopping',
  'peerConnected',
  'peerLost',
  'peerRefused',
  'peerDistrusted',
  'peerLeftOut',
  'hubConnected',
  'hubStore',
  'hubLost',
  'cacheCleared',
  'cacheMoved',
  'precacheDone',
  'diskFull',
  'diskRecovered',
  'integrationChanged',
  'settingsChanged',
  'settingsRefused',
  'transfersPaused',
  'transfersResumed',
  'weightChanged',
  'servingStopped',
  'servingResumed',
  'updateFound',
  'updateRefused',
  'updateInstalled',
  'updateRolledBack',
  'updateStuck'
])

/** Whether an event is told to anyone who has asked for `own`. What names another's download in any way is not. */
export function isTold({ type, requestId, key, url, text }: AgentEvent, own: Own): boolean {
  if (requestId !== undefined) return own.ids.has(requestId)
  if (url !== undefined && !own.urls.has(url)) return false
  if (key !== undefined && !own.urlOfKey.has(key)) return false
  const named = text.match(/https?:\/\/\S+/g) ?? []
  // A sentence may go on behind a URL.
  if (!named.every((one) => own.urls.has(one) || own.urls.has(one.replace(/[.,:;!)]+$/, '')))) return false
  return url !== undefined || key !== undefined || ofTheMachine.has(type)
}

/**
 * A snapshot without what others have asked for. Sums of the whole PC stay; what is served to peers keeps its size and
 * loses its name.
 * @param secret of this run: keys that are not theirs cannot be guessed from what stands in their place
 */
export function snapshotFor(snapshot: AgentSnapshot, own: Own, secret: Buffer): AgentSnapshot {
  const theirUrl = (key: ContentKey): string | undefined => own.urlOfKey.get(key)
  return {
    ...snapshot,
    requests: snapshot.requests.filter(({ id }) => own.ids.has(id)),
    transfers: snapshot.transfers.flatMap((transfer) => {
      const url = theirUrl(transfer.key)
      return url === undefined ? [] : [{ ...transfer, url, requests: ownCount(snapshot, own, transfer.key) }]
    }),
    masters: snapshot.masters.flatMap((master) => {
      const url = theirUrl(master.key)
      return url === undefined ? [] : [{ ...master, url }]
    }),
    uploads: snapshot.uploads.map((upload) =>
      own.urlOfKey.has(upload.key) ? upload : { ...upload, key: disguised(upload.key, secret) }
    ),
    events: snapshot.events.filter((event) => isTold(event, own))
  }
}

const ownCount = ({ requests }: AgentSnapshot, own: Own, key: ContentKey): number =>
  requests.filter((request) => request.key === key && own.ids.has(request.id) && request.finishedAt === null).length

/** A content of the cache as one user sees it: only by URLs they have named. */
export function entryFor<E extends CacheEntryView>(entry: E, own: Own): E {
  return {
    ...entry,
    urls: entry.urls.filter((url) => own.urls.has(url)),
    provenances: []
  }
}

function disguised(key: ContentKey, secret: Buffer): ContentKey {
  return ContentKey.parse(`version:${createHmac('sha256', secret).update(key).digest('hex')}`)
}
