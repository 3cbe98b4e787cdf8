import type { EventEmitter } from 'node:events'
import type { Clock } from '../lib/clock.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { CacheEvents, CachedContent } from './cache.ts'
import type { CacheLimits, EffectiveLimits } from './cache-limits.ts'
import { ContentStore } from './content-store.ts'
import { DiskRoom } from './disk-room.ts'
import type { FolderLock } from './folder-lock.ts'
import type { IndexDb } from './index-db.ts'
import type { Layout } from './layout.ts'
import { OpenFiles } from './open-files.ts'
import { PartialShelf } from './partial-shelf.ts'
import type { RestingPartial } from './recover.ts'
import { DiskStream, type StreamParts } from './stream.ts'
import { TakingsIn } from './takings-in.ts'
import { Upkeep } from './upkeep.ts'
import { UseCounts } from './use-counts.ts'

/** What a cache is given. */
export interface DiskCacheParts {
  readonly layout: Layout
  readonly lock: FolderLock
  readonly index: IndexDb
  readonly clock: Clock
  readonly hashes: HashPool
  readonly limits: CacheLimits
  readonly partials: Map<string, RestingPartial>
  freeBytes(): Promise<number>
  /** Size of the disk, bytes. */
  diskBytes(): Promise<number>
}

/** The cache they belong to. */
export interface CacheAround {
  readonly events: EventEmitter<CacheEvents>
  /** Aborted when it closes. */
  readonly ending: AbortSignal
  limits(): EffectiveLimits
  /** Bytes one content may have at most. */
  mostBytes(): number
  /** @throws SHUTTING_DOWN */
  index(): IndexDb
}

/** What a cache consists of. */
export interface CacheInside {
  readonly files: OpenFiles
  readonly uses: UseCounts
  readonly room: DiskRoom
  readonly store: ContentStore
  readonly shelf: PartialShelf
  readonly upkeep: Upkeep
  readonly takings: TakingsIn
  /** Contents of unknown length that are coming in. */
  readonly streams: ReadonlySet<DiskStream>
  openStream(): Promise<DiskStream>
}

/** Makes the parts of a cache and joins them to each other; none of them does anything yet. */
export function assembleCache(
  { layout, index, clock, hashes, partials, freeBytes }: DiskCacheParts,
  { events, ending, limits, mostBytes, index: openIndex }: CacheAround
): CacheInside {
  const files = new OpenFiles(clock)
  const uses = new UseCounts(clock, index)
  const room = new DiskRoom({
    clock,
    minFreeBytes: () => limits().minFreeBytes,
    freeBytes,
    evict: (neededBytes, options) => upkeep.evict(neededBytes, options),
    onFull: () => events.emit('diskFull'),
    onRecovered: () => events.emit('diskRecovered')
  })
  const store = new ContentStore({
    layout,
    index,
    files,
    hashes,
    room,
    clock,
    ending,
    onQuarantined: (sha256, reason) => events.emit('quarantined', { sha256, reason })
  })
  const onComplete = (content: CachedContent) => {
    events.emit('added', content)
    void upkeep.evict(0).catch(() => {})
  }
  const shelf = new PartialShelf(partials, { layout, clock, hashes, files, room, store, onComplete })
  const upkeep = new Upkeep({
    layout,
    clock,
    index,
    store,
    shelf,
    room,
    uses,
    limits,
    onEvicted: (sha256, { bytes, reason }) => events.emit('evicted', { sha256, bytes, reason })
  })
  const takings = new TakingsIn(() => ({ layout, store, index: openIndex(), room, clock }), ending, {
    changed: () => events.emit('changed'),
    tookIn: async (what) => {
      events.emit('tookIn', what)
      await upkeep.evict(0)
    }
  })
  const streams = new Set<DiskStream>()
  const onEnd = (stream: DiskStream) => streams.delete(stream)
  const streamParts: StreamParts = { layout, hashes, files, room, store, mostBytes, onComplete, onEnd }
  const openStream = async () => {
    const stream = await DiskStream.open(streamParts)
    streams.add(stream)
    return stream
  }
  return { files, uses, room, store, shelf, upkeep, takings, streams, openStream }
}
