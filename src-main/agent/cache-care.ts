import type { Cache } from '../cache/cache.ts'
import type { CacheEntryDetail } from '../contract/snapshot.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { shortId } from '../lib/short-id.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { CachePlace } from './cache-place.ts'
import type { EventLog } from './event-log.ts'

/** Says what happens in the cache. */
export function tellCacheEvents(cache: Cache, events: EventLog): void {
  cache.on('added', (content) =>
    events.add('contentCached', `${shortId(content.sha256)} is in the cache.`, { bytes: content.plan.lengthBytes })
  )
  cache.on('evicted', ({ sha256, bytes, reason }) =>
    events.add('contentEvicted', `${shortId(sha256)} left the cache (${reason}).`, { bytes })
  )
  cache.on('removed', ({ sha256, bytes }) =>
    events.add('contentRemoved', `${shortId(sha256)} was removed from the cache.`, { bytes })
  )
  cache.on('quarantined', ({ sha256, reason }) =>
    events.add('contentQuarantined', `${shortId(sha256)} is damaged and was quarantined: ${reason}`)
  )
  cache.on('diskFull', () => events.add('diskFull', 'The disk of the cache is full.', { code: 'DISK_FULL' }))
  cache.on('diskRecovered', () => events.add('diskRecovered', 'The disk of the cache has space again.'))
  cache.on('tookIn', ({ from, contents, bytes }) =>
    events.add('cacheMoved', `The cache has moved out of ${from}: ${contents} contents.`, { bytes })
  )
}

/** Moves what lies in former folders of the cache into it, one folder after the other, while the agent works. */
export async function moveIn(cache: Cache, place: CachePlace, events: EventLog): Promise<void> {
  for (const from of place.leaving) {
    try {
      await cache.takeIn(from)
      await place.left(from)
    } catch (thrown) {
      const error = LarderError.from(thrown)
      if (error.code !== 'SHUTTING_DOWN')
        events.add(
          'warning',
          `The cache could not be moved out of ${from}; it goes on at the next start: ${error.message}`,
          { code: error.code }
        )
    }
  }
}

/** @throws NOT_FOUND */
export function contentDetail(cache: Cache, network: PeerNetwork, sha256: Sha256Hex): CacheEntryDetail {
  const detail = cache.detail(sha256)
  if (!detail) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
  return { ...detail.entry, servedTo: detail.servedTo.map((one) => ({ ...one, name: network.nameOf(one.peer) })) }
}
