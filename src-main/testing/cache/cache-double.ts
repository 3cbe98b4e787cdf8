import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { CacheEvents, CachedContent, ContentReader, VerifyReport } from '../../cache/cache.ts'
import type { CachePriority } from '../../contract/cache-priority.ts'
import type { Sha256Hex } from '../../contract/ids.ts'
import type { CacheEntryView, CacheStats } from '../../contract/snapshot.ts'
import { LarderError } from '../../lib/errors.ts'
import { planPieces } from '../../pieces/plan.ts'

const digestOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex') as Sha256Hex

interface Kept {
  data: Buffer
  pinned: boolean
  pinnedUntil: number | null
  priority: CachePriority
  hits: number
  url: string
}

/** A cache in memory: the part of {@link Cache} that the local API uses; the rest throws. */
export class CacheDouble extends EventEmitter<CacheEvents> {
  readonly dir = '/nowhere/cache'
  readonly #kept = new Map<string, Kept>()
  #verifying = false
  /** Readers opened and not closed again. */
  openReaders = 0
  /** Called by `verify` after each content; a test can hold it up. */
  onVerify: (signal: AbortSignal | undefined) => Promise<void> = async () => {}

  keep(data: Buffer, url = 'http://origin.test/file'): Sha256Hex {
    const sha256 = digestOf(data)
    this.#kept.set(sha256, { data, pinned: false, pinnedUntil: null, priority: 'normal', hits: 0, url })
    return sha256
  }

  /** Damages a kept content: its digests stay, a byte changes. */
  damage(sha256: Sha256Hex, at: number): void {
    const kept = this.#kept.get(sha256)!
    kept.data = Buffer.from(kept.data)
    kept.data[at]! ^= 0xff
    this.#damaged.set(sha256, at)
  }
  readonly #damaged = new Map<string, number>()

  find(sha256: Sha256Hex): CachedContent | undefined {
    const kept = this.#kept.get(sha256)
    return kept && { sha256, plan: planPieces(kept.data.length), createdAt: 0 }
  }

  async open(sha256: Sha256Hex): Promise<ContentReader | undefined> {
    const kept = this.#kept.get(sha256)
    if (!kept) return undefined
    const plan = planPieces(kept.data.length)
    const original = Buffer.from(kept.data)
    const damaged = this.#damaged.get(sha256)
    if (damaged !== undefined) original[damaged]! ^= 0xff
    const pieceDigests = Buffer.concat(
      Array.from({ length: plan.count }, (_, index) =>
        createHash('sha256')
          .update(original.subarray(index * plan.pieceBytes, (index + 1) * plan.pieceBytes))
          .digest()
      )
    )
    this.openReaders++
    return {
      sha256,
      plan,
      pieceDigests,
      read: async (start, length) => kept.data.subarray(start, start + length),
      close: async () => {
        this.openReaders--
      }
    }
  }

  noteHit(sha256: Sha256Hex): void {
    const kept = this.#kept.get(sha256)
    if (kept) kept.hits++
  }

  list(query: { limit?: number; offset?: number; search?: string } = {}): { entries: CacheEntryView[]; total: number } {
    const all = [...this.#kept].filter(
      ([sha256, kept]) =>
        query.search === undefined || sha256.startsWith(query.search) || kept.url.includes(query.search)
    )
    const offset = query.offset ?? 0
    const entries = all.slice(offset, offset + (query.limit ?? 100)).map(([sha256, kept]): CacheEntryView => ({
      sha256: sha256 as Sha256Hex,
      lengthBytes: kept.data.length,
      urls: [kept.url],
      kind: 'resource',
      pinned: kept.pinned,
      pinnedUntil: kept.pinnedUntil,
      priority: kept.priority,
      createdAt: 1,
      lastUsedAt: 2,
      hits: kept.hits,
      servedBytes: 0
    }))
    return { entries, total: all.length }
  }

  async remove(sha256: Sha256Hex): Promise<number> {
    const kept = this.#kept.get(sha256)
    if (!kept) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
    this.#kept.delete(sha256)
    return kept.data.length
  }

  async clear({ pinnedToo, dryRun }: { pinnedToo: boolean; dryRun: boolean }) {
    const gone = [...this.#kept].filter(([, kept]) => pinnedToo || !kept.pinned)
    const kept = this.#kept.size - gone.length
    if (!dryRun) for (const [sha256] of gone) this.#kept.delete(sha256)
    return { removed: gone.length, bytes: gone.reduce((sum, [, { data }]) => sum + data.length, 0), kept }
  }

  pin(sha256: Sha256Hex, pinned: boolean, until: number | null = null): void {
    Object.assign(this.#get(sha256), { pinned, pinnedUntil: pinned ? until : null })
  }

  setPriority(sha256: Sha256Hex, priority: CachePriority): void {
    this.#get(sha256).priority = priority
  }

  #get(sha256: Sha256Hex): Kept {
    const kept = this.#kept.get(sha256)
    if (!kept) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
    return kept
  }

  async setLimits(): Promise<void> {}

  async verify({
    signal,
    onProgress
  }: {
    signal?: AbortSignal
    onProgress?: (done: number, total: number) => void
  }): Promise<VerifyReport> {
    if (this.#verifying) throw new LarderError('BUSY', 'The cache is being verified already')
    this.#verifying = true
    const damaged: Sha256Hex[] = []
    let done = 0
    this.emit('verifying', { done, total: this.#kept.size })
    try {
      for (const sha256 of this.#kept.keys()) {
        await this.onVerify(signal)
        signal?.throwIfAborted()
        if (this.#damaged.has(sha256)) damaged.push(sha256 as Sha256Hex)
        done++
        this.emit('verifying', { done, total: this.#kept.size })
        onProgress?.(done, this.#kept.size)
      }
    } finally {
      this.#verifying = false
      this.emit('verifying', null)
    }
    return { checked: done, ok: done - damaged.length, damaged, missing: [], adopted: [], strays: 0 }
  }

  stats(): CacheStats {
    const all = [...this.#kept.values()]
    return {
      dir: this.dir,
      entries: all.length,
      bytes: all.reduce((sum, { data }) => sum + data.length, 0),
      partialBytes: 0,
      maxBytes: 50 * 2 ** 30,
      freeBytes: null,
      pinned: all.filter(({ pinned }) => pinned).length,
      evictions: 0,
      minFreeBytes: 0,
      maxAgeMs: null,
      evictedLastHour: { contents: 0, bytes: 0 },
      moving: null,
      diskFull: false
    }
  }

  async close(): Promise<void> {}
}
