import type { Clock } from '../lib/clock.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { CachedContent } from './cache.ts'
import type { ContentStore } from './content-store.ts'
import type { DiskRoom } from './disk-room.ts'
import type { Layout } from './layout.ts'
import type { OpenFiles } from './open-files.ts'

/** What a partial works with. */
export interface PartialParts {
  readonly layout: Layout
  readonly files: OpenFiles
  readonly hashes: HashPool
  readonly room: DiskRoom
  readonly clock: Clock
  readonly store: ContentStore
  /** It is no longer open; `pieces` lie on disk for the next time, 0: nothing does. */
  onEnd(pieces: number): void
  onComplete(content: CachedContent): void
}
