import { EventEmitter } from 'node:events'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { CachePriority } from '../contract/cache-priority.ts'
import type { CacheStats } from '../contract/snapshot.ts'
import { sleep } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { orAborted } from '../lib/or-aborted.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import { assembleCache, type CacheInside, type DiskCacheParts } from './assemble-cache.ts'
import type {
  Cache,
  CacheEvents,
  CachedContent,
  ClearReport,
  ContentReader,
  KeyProvenance,
  PartialContent,
  StoredVersion,
  StreamContent,
  VerifyReport
} from './cache.ts'
import { effectiveLimits, type CacheLimits, type EffectiveLimits } from './cache-limits.ts'
import { clearCache } from './clear-cache.ts'
import { ContentStore } from './content-store.ts'
import { deliverFile, type DeliveryOptions } from './deliver.ts'
import { tooSmall } from './disk-room.ts'
import { lookAt } from './file-stamp.ts'
import type { IndexDb } from './index-db.ts'
import { toCached } from './index-rows.ts'
import { openReader } from './open-reader.ts'
import { reconcile } from './recover.ts'
import type { Checked } from './provenance.ts'
import type { MemberMemory } from './members-table.ts'
import type { DayLedger } from './savings-table.ts'
import { replaceFile } from './safe-files.ts'
import { withVersion } from './sidecar.ts'
import { verifyCache, type VerifyOptions } from './verify.ts'

const PAGE_LIMIT = 1000
/** A start waits this long for index and files to be brought in line; with very many contents the rest is done while it works. */
const IN_LINE_MS = 1000

/** The cache of a folder, made by `openCache`: the parts joined to the one interface. */
export class DiskCache extends EventEmitter<CacheEvents> implements Cache {
  readonly dir: string
  readonly store: ContentStore
  readonly #parts: DiskCacheParts
  readonly #inside: CacheInside
  readonly #ending = new AbortController()
  #limits: EffectiveLimits
  #verifying = false
  #bringing: Promise<void> = Promise.resolve()
  /** Index and files agree as far as is known. */
  #inLine = true
  #closing: Promise<void> | undefined

  constructor(parts: DiskCacheParts) {
    super()
    this.#limits = effectiveLimits(parts.limits, 0)
    this.dir = parts.layout.dir
    this.#parts = parts
    this.#inside = assembleCache(parts, {
      events: this,
      ending: this.#ending.signal,
      limits: () => this.#limits,
      mostBytes: () => this.#mostBytes(),
      index: () => this.#index()
    })
    this.store = this.#inside.store
  }

  /** Index and files agree as far as is known; false while they are looked at after an end that was none. */
  get inLine(): boolean {
    return this.#inLine
  }

  get members(): MemberMemory {
    return this.#index().members
  }

  get savings(): DayLedger {
    return this.#index().savings
  }

  /** Learns about the disk and keeps the limits before the first use. */
  async begin(): Promise<void> {
    await this.setLimits(this.#parts.limits)
  }

  /**
   * Reconciles index and files after an unclean shutdown. What is not found in the index meanwhile is downloaded again at worst; what is
   * found there is checked at its first use as always.
   */
  async bringInLine(): Promise<void> {
    const { layout, index, clock } = this.#parts
    this.#inLine = false
    const bringing = reconcile(index, this.store, layout, this.#ending.signal).then(() => void (this.#inLine = true))
    this.#bringing = bringing.catch(() => {})
    await Promise.race([bringing, sleep(clock, IN_LINE_MS, this.#ending.signal)])
  }

  async setLimits(limits: CacheLimits): Promise<void> {
    this.#limits = effectiveLimits(limits, await this.#parts.diskBytes())
    await this.#inside.room.refresh()
    await this.#inside.upkeep.evict(0)
  }

  version(url: string): StoredVersion | undefined {
    return this.#closing ? undefined : this.#parts.index.version(url)
  }

  confirm(url: string, policy: unknown): void {
    this.#index().confirm(url, policy, this.#parts.clock.wallMs())
  }

  link(version: StoredVersion, sha256: Sha256Hex): void {
    const index = this.#index()
    if (!index.find(sha256)) throw missing(sha256)
    index.transaction(() => index.putVersion(version, sha256))
    this.store.noteInSidecar(sha256, (sidecar) => ({ ...sidecar, versions: withVersion(sidecar.versions, version) }))
  }

  findByKey(key: ContentKey): CachedContent | undefined {
    const row = this.#closing ? undefined : this.#parts.index.findByKey(key)
    return row && toCached(row)
  }

  versionOfKey(key: ContentKey): StoredVersion | undefined {
    return this.#closing ? undefined : this.#parts.index.versionOfKey(key)
  }

  provenance(key: ContentKey): KeyProvenance | undefined {
    return this.#closing ? undefined : this.#parts.index.provenance(key)
  }

  noteChecked(key: ContentKey, checked: Checked): void {
    const content = this.findByKey(key)
    if (!content) return
    this.#index().noteChecked(key, checked)
    this.store.noteInSidecar(content.sha256, (sidecar) => ({
      ...sidecar,
      provenances: sidecar.provenances.map((one) => (one.key === key ? { ...one, ...checked } : one))
    }))
  }

  urlsAfter(url: string, most: number): string[] {
    return this.#closing ? [] : this.#parts.index.urlsAfter(url, most)
  }

  versionOf(key: ContentKey): StoredVersion | undefined {
    return this.#closing ? undefined : this.#parts.index.versionOf(key)
  }

  signedBy(signer: PeerId): { key: ContentKey; sha256: Sha256Hex }[] {
    return this.#closing ? [] : this.#parts.index.signedBy(signer)
  }

  find(sha256: Sha256Hex): CachedContent | undefined {
    const row = this.#closing ? undefined : this.#parts.index.find(sha256)
    return row && toCached(row)
  }

  async open(sha256: Sha256Hex): Promise<ContentReader | undefined> {
    this.#index()
    return openReader(this.store, sha256)
  }

  noteHit(sha256: Sha256Hex): void {
    if (!this.#closing) this.#inside.uses.noteHit(sha256)
  }

  noteServed(sha256: Sha256Hex, bytes: number, to?: PeerId): void {
    if (!this.#closing) this.#inside.uses.noteServed(sha256, bytes, to ?? null)
  }

  async openPartial(key: ContentKey, plan: PiecePlan): Promise<PartialContent> {
    this.#index()
    if (!this.fits(plan.lengthBytes)) throw tooSmall(plan.lengthBytes)
    return this.#inside.shelf.open(key, plan)
  }

  fits(lengthBytes: number): boolean {
    return lengthBytes <= this.#mostBytes()
  }

  async openStream(): Promise<StreamContent> {
    this.#index()
    return this.#inside.openStream()
  }

  async deliver(sha256: Sha256Hex, destination: string, options: DeliveryOptions): Promise<void> {
    const { clock, hashes, layout } = this.#parts
    const evict = (bytes: number) => this.#inside.upkeep.evict(bytes, { refused: true })
    const parts = { cacheDir: layout.dir, files: this.#inside.files, hashes, clock, evict }
    try {
      if (!this.#index().find(sha256)) throw missing(sha256)
      await this.store.users.using(sha256, async () => {
        // Somebody else may be hashing all of it and must not be interrupted.
        const sidecar = await orAborted(this.store.sound(sha256, options.signal), options.signal)
        if (!sidecar) throw new LarderError('CACHE_DAMAGED', 'The content in the cache was damaged or gone', { sha256 })
        await deliverFile(sidecar, layout.content(sha256), destination, options, parts).catch(async (error) => {
          throw await this.store.damaged(sha256, error)
        })
      })
    } finally {
      await options.copy?.discard()
    }
  }

  list(query: Parameters<Cache['list']>[0] = {}): ReturnType<Cache['list']> {
    if (this.#closing) return { entries: [], total: 0 }
    this.#inside.uses.flush()
    const limit = Math.min(Math.max(0, Math.trunc(query.limit ?? 100)), PAGE_LIMIT)
    return this.#parts.index.page({
      limit,
      offset: Math.max(0, Math.trunc(query.offset ?? 0)),
      search: query.search ?? '',
      sort: query.sort ?? 'lastUsed'
    })
  }

  async remove(sha256: Sha256Hex): Promise<number> {
    const row = this.#index().find(sha256)
    if (!row) throw missing(sha256)
    await this.store.remove(sha256, { versionsToo: true })
    this.emit('removed', { sha256, bytes: row.lengthBytes })
    return row.lengthBytes
  }

  async clear(options: { pinnedToo: boolean; dryRun: boolean }): Promise<ClearReport> {
    const { layout } = this.#parts
    const remove = (sha256: Sha256Hex) => this.remove(sha256)
    return clearCache(
      { layout, index: this.#index(), shelf: this.#inside.shelf, users: this.store.users, remove },
      options
    )
  }

  pin(sha256: Sha256Hex, pinned: boolean, until: number | null = null): void {
    if (!this.#index().pin(sha256, pinned, until)) throw missing(sha256)
    this.store.noteInSidecar(sha256, (sidecar) => ({ ...sidecar, pinned, pinnedUntil: pinned ? until : null }))
  }

  setPriority(sha256: Sha256Hex, priority: CachePriority): void {
    if (!this.#index().setPriority(sha256, priority)) throw missing(sha256)
    this.store.noteInSidecar(sha256, (sidecar) => ({ ...sidecar, priority }))
  }

  detail(sha256: Sha256Hex): ReturnType<Cache['detail']> {
    if (this.#closing) return undefined
    this.#inside.uses.flush()
    return this.#parts.index.detail(sha256)
  }

  async verify({ signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
    const index = this.#index()
    if (this.#verifying) throw new LarderError('BUSY', 'The cache is being verified already')
    const show = (done: number, total: number) => {
      this.emit('verifying', { done, total })
      onProgress?.(done, total)
    }
    this.#verifying = true
    this.emit('verifying', { done: 0, total: index.totals.entries })
    try {
      return await verifyCache(
        { index, store: this.store, layout: this.#parts.layout },
        { ...(signal && { signal }), onProgress: show }
      )
    } finally {
      this.#verifying = false
      this.emit('verifying', null)
    }
  }

  takeIn(from: string): Promise<void> {
    return this.#inside.takings.add(from)
  }

  stats(): CacheStats {
    const { entries, bytes, pinned } = this.#parts.index.totals
    return {
      dir: this.dir,
      entries,
      bytes,
      partialBytes: this.#inside.shelf.bytes,
      ...this.#limits,
      freeBytes: this.#inside.room.freeBytes,
      pinned,
      evictions: this.#inside.upkeep.evictions,
      evictedLastHour: this.#inside.upkeep.pressure.lastHour,
      moving: this.#inside.takings.moving,
      diskFull: this.#inside.room.full
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close({ clean: true }))
  }

  /** Lets go of the folder without saving anything or saying that all is well. */
  abandon(): Promise<void> {
    return (this.#closing ??= this.#close({ clean: false }))
  }

  async #close({ clean }: { clean: boolean }): Promise<void> {
    const { layout, index, lock } = this.#parts
    this.#ending.abort(new LarderError('SHUTTING_DOWN', 'The cache is closed'))
    await Promise.all([this.#inside.takings.idle(), this.#bringing])
    const saved = clean && (await this.#inside.shelf.close())
    await Promise.allSettled([...this.#inside.streams].map((stream) => stream.discard()))
    await this.#inside.upkeep.end()
    await this.store.idle()
    await this.#inside.files.close()
    try {
      this.#inside.uses.flush()
      index.close()
      const indexFile = await lookAt(layout.index)
      if (saved && this.#inLine && typeof indexFile === 'object')
        await replaceFile(layout.clean, indexFile.stamp, layout.tmp, { durable: true, clock: this.#parts.clock })
    } finally {
      lock.release()
    }
  }

  /** What is pinned stays whatever comes. */
  #mostBytes(): number {
    return this.#limits.maxBytes - this.#parts.index.totals.pinnedBytes
  }

  #index(): IndexDb {
    if (this.#closing) throw new LarderError('SHUTTING_DOWN', 'The cache is closed')
    return this.#parts.index
  }
}

function missing(sha256: Sha256Hex): LarderError {
  return new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
}
