import type { Checked } from '../../cache/provenance.ts'
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { tooSmall } from '../../cache/disk-room.ts'
import { effectiveLimits, type CacheLimits, type EffectiveLimits } from '../../cache/cache-limits.ts'
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
} from '../../cache/cache.ts'
import { chooseEvictions, evictionOrder } from '../../cache/eviction.ts'
import { ContentUsers } from '../../cache/content-users.ts'
import type { DayCounts, DayLedger } from '../../cache/savings-table.ts'
import { cachePriorities, type CachePriority } from '../../contract/cache-priority.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import type { ContentKind } from '../../contract/request.ts'
import type { CacheEntryView, CacheStats } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { digestMismatch } from '../../lib/digest-mismatch.ts'
import { LarderError } from '../../lib/errors.ts'
import { isSmall, pieceLength, pieceStart, planPieces, type PiecePlan } from '../../pieces/plan.ts'
import { fakeClock } from '../fake-clock.ts'
import { PartialDouble, type KeptPieces } from './partial-double.ts'

const DISK_BYTES = 500 * 2 ** 30
const COPY_BYTES = 2 ** 20

interface Kept {
  data: Buffer
  /** Of the bytes as they came. */
  readonly pieceDigests: Buffer
  readonly plan: PiecePlan
  readonly kind: ContentKind
  readonly createdAt: number
  lastUsedAt: number
  pinned: boolean
  pinnedUntil: number | null
  priority: CachePriority
  hits: number
  servedBytes: number
  readonly servedTo: Map<PeerId, { bytes: number; lastAt: number }>
}

/** A cache in memory. `cache-compliance.ts` says what it does as a real one. */
export class CacheDouble extends EventEmitter<CacheEvents> implements Cache {
  readonly #checked = new Map<ContentKey, Checked>()
  readonly dir = '/nowhere/cache'
  readonly savings: DayLedger = new LedgerDouble()
  readonly #members = new Set<PeerId>()
  readonly members = {
    all: () => [...this.#members],
    note: (peer: PeerId) => void (this.#members.delete(peer), this.#members.add(peer))
  }
  readonly #clock: Clock
  readonly #users: ContentUsers
  readonly #kept = new Map<Sha256Hex, Kept>()
  readonly #versions = new Map<string, { version: StoredVersion; sha256: Sha256Hex }>()
  readonly #keys = new Map<ContentKey, Sha256Hex>()
  readonly #assembling = new Map<ContentKey, PartialDouble>()
  readonly #resting = new Map<ContentKey, KeptPieces>()
  #limits: EffectiveLimits
  #evictions = 0
  #verifying = false
  #closed = false
  /** Readers opened and not closed again. */
  openReaders = 0
  /** Called by `verify` after each content; a test can hold it up. */
  onVerify: (signal: AbortSignal | undefined) => Promise<void> = async () => {}

  constructor(clock: Clock = fakeClock()) {
    super()
    this.#clock = clock
    this.#users = new ContentUsers(clock)
    this.#limits = effectiveLimits(
      { maxBytes: null, maxDiskPercent: null, minFreeBytes: 0, maxAgeDays: null },
      DISK_BYTES
    )
  }

  /** Puts a content in at once. */
  keep(data: Buffer, url = 'http://origin.test/file'): Sha256Hex {
    const sha256 = sha256Of(data)
    const key = `version:${sha256Of(Buffer.from(url + sha256))}` as ContentKey
    return this.#commit(data, versionOf(url, key, data.length, this.#clock.wallMs()), 'resource').sha256
  }

  /** Damages a kept content as a disk would: a byte changes, and nobody is told. */
  damage(sha256: Sha256Hex, at: number): void {
    const kept = this.#get(sha256)
    kept.data = Buffer.from(kept.data)
    kept.data[at]! ^= 0xff
  }

  version(url: string): StoredVersion | undefined {
    return this.#closed ? undefined : this.#versions.get(url)?.version
  }

  urlsAfter(url: string, most: number): string[] {
    return [...this.#versions.keys()]
      .filter((other) => other > url)
      .toSorted()
      .slice(0, most)
  }

  provenance(key: ContentKey): KeyProvenance | undefined {
    return (
      this.findByKey(key) && { ...(this.#checked.get(key) ?? { verifiedBy: 'origin', source: null }), signers: null }
    )
  }

  noteChecked(key: ContentKey, checked: Checked): void {
    if (this.findByKey(key)) this.#checked.set(key, checked)
  }

  versionOf(key: ContentKey): StoredVersion | undefined {
    return this.versionOfKey(key)
  }

  signedBy(): { key: ContentKey; sha256: Sha256Hex }[] {
    return []
  }

  versionOfKey(key: ContentKey): StoredVersion | undefined {
    if (this.#closed) return undefined
    return [...this.#versions.values()].find(({ version }) => version.key === key)?.version
  }

  confirm(url: string, policy: unknown): void {
    this.#assertOpen()
    const known = this.#versions.get(url)
    if (known) known.version = { ...known.version, policy, confirmedAt: this.#clock.wallMs() }
  }

  link(version: StoredVersion, sha256: Sha256Hex): void {
    this.#assertOpen()
    this.#get(sha256)
    this.#versions.set(version.url, { version, sha256 })
    this.#keys.set(version.key, sha256)
  }

  findByKey(key: ContentKey): CachedContent | undefined {
    const named = key.startsWith('sha256:') ? (key.slice('sha256:'.length) as Sha256Hex) : undefined
    const sha256 = this.#keys.get(key) ?? named
    return sha256 && this.find(sha256)
  }

  find(sha256: Sha256Hex): CachedContent | undefined {
    const kept = this.#closed ? undefined : this.#kept.get(sha256)
    return kept && { sha256, plan: kept.plan, createdAt: kept.createdAt }
  }

  async open(sha256: Sha256Hex): Promise<ContentReader | undefined> {
    this.#assertOpen()
    const kept = this.#kept.get(sha256)
    if (!kept) return undefined
    const { plan, pieceDigests } = kept
    let closed = false
    this.#users.hold(sha256)
    this.openReaders++
    return {
      sha256,
      plan,
      pieceDigests,
      provenances: [],
      read: async (start, length, into) => {
        if (closed) throw new LarderError('CANCELLED', 'This content is closed', { sha256 })
        if (start < 0 || length < 0 || start + length > plan.lengthBytes)
          throw new RangeError(`bytes ${start}+${length} of ${plan.lengthBytes}`)
        const bytes = kept.data.subarray(start, start + length)
        if (!into) return Buffer.from(bytes)
        bytes.copy(into)
        return into
      },
      close: async () => {
        if (closed) return
        closed = true
        this.openReaders--
        this.#users.letGo(sha256)
      }
    }
  }

  noteHit(sha256: Sha256Hex): void {
    const kept = this.#kept.get(sha256)
    if (!kept) return
    kept.hits++
    kept.lastUsedAt = this.#clock.wallMs()
  }

  noteServed(sha256: Sha256Hex, bytes: number, to?: PeerId): void {
    const kept = this.#kept.get(sha256)
    if (!kept) return
    const lastAt = this.#clock.wallMs()
    kept.servedBytes += bytes
    kept.lastUsedAt = lastAt
    if (to !== undefined) kept.servedTo.set(to, { bytes: (kept.servedTo.get(to)?.bytes ?? 0) + bytes, lastAt })
  }

  fits(lengthBytes: number): boolean {
    const pinned = [...this.#kept.values()].filter((kept) => kept.pinned)
    return lengthBytes <= this.#limits.maxBytes - pinned.reduce((sum, kept) => sum + kept.data.length, 0)
  }

  async openPartial(key: ContentKey, plan: PiecePlan): Promise<PartialContent> {
    this.#assertOpen()
    if (!this.fits(plan.lengthBytes)) throw tooSmall(plan.lengthBytes)
    if (this.#assembling.has(key))
      throw new LarderError('CACHE_BUSY', 'This content is being assembled already', { key })
    const partial = new PartialDouble(key, plan, {
      pieces: this.#resting.get(key) ?? new Map(),
      commit: (bytes, version, kind) => this.#commit(bytes, version, kind),
      ended: (pieces) => {
        this.#assembling.delete(key)
        // Fetching one small piece again is quicker than searching for it.
        if (pieces.size > 0 && !isSmall(plan)) this.#resting.set(key, pieces)
      }
    })
    this.#resting.delete(key)
    this.#assembling.set(key, partial)
    return partial
  }

  async openStream(): Promise<StreamContent> {
    this.#assertOpen()
    const chunks: Buffer[] = []
    let ended = false
    const assertOpen = () => {
      if (ended) throw new LarderError('CANCELLED', 'This content is closed')
    }
    const written = () => chunks.reduce((sum, { length }) => sum + length, 0)
    return {
      write: async (chunk) => {
        assertOpen()
        chunks.push(Buffer.from(chunk))
      },
      get writtenBytes() {
        return written()
      },
      complete: async (expected, version, kind) => {
        assertOpen()
        ended = true
        const data = Buffer.concat(chunks)
        const actual = sha256Of(data)
        if (expected !== null && actual !== expected) throw digestMismatch(expected, actual)
        return this.#commit(data, version, kind)
      },
      discard: async () => void (ended = true)
    }
  }

  async deliver(
    sha256: Sha256Hex,
    destination: string,
    { overwrite, signal }: { overwrite: boolean; signal?: AbortSignal }
  ): Promise<void> {
    this.#assertOpen()
    const { data } = this.#get(sha256)
    const fail = (code: 'DESTINATION_INVALID' | 'DESTINATION_EXISTS', why: string) =>
      new LarderError(code, `${destination}: ${why}`, { destination })
    if (!isAbsolute(destination)) throw fail('DESTINATION_INVALID', 'not an absolute path')
    const folder = statSync(dirname(destination), { throwIfNoEntry: false })
    if (!folder?.isDirectory()) throw fail('DESTINATION_INVALID', 'its folder does not exist')
    const there = statSync(destination, { throwIfNoEntry: false })
    if (there && !there.isFile()) throw fail('DESTINATION_INVALID', 'is not a file')
    if (there && !overwrite) throw fail('DESTINATION_EXISTS', 'there is a file already')
    const beside = `${destination}.double`
    const file = await open(beside, 'w')
    try {
      for (let at = 0; at < data.length; at += COPY_BYTES) {
        signal?.throwIfAborted()
        await file.write(data.subarray(at, at + COPY_BYTES))
      }
      signal?.throwIfAborted()
      await rename(beside, destination)
    } finally {
      await file.close()
      await rm(beside, { force: true })
    }
  }

  list(query: Parameters<Cache['list']>[0] = {}): ReturnType<Cache['list']> {
    if (this.#closed) return { entries: [], total: 0 }
    const { limit = 100, offset = 0, search = '', sort = 'lastUsed' } = query
    const by = { lastUsed: 'lastUsedAt', size: 'lengthBytes', created: 'createdAt' } as const
    const all = [...this.#kept.keys()]
      .map((sha256) => this.#view(sha256))
      .filter(({ sha256, urls }) => {
        const wanted = search.toLowerCase()
        return sha256.startsWith(wanted) || urls.some((url) => url.toLowerCase().includes(wanted))
      })
      .toSorted((a, b) => b[by[sort]] - a[by[sort]])
    return { entries: all.slice(offset, offset + limit), total: all.length }
  }

  async remove(sha256: Sha256Hex): Promise<number> {
    this.#assertOpen()
    const { data } = this.#get(sha256)
    if (this.#users.inUse(sha256)) throw new LarderError('CACHE_BUSY', 'This content is in use', { sha256 })
    this.#forget(sha256)
    for (const [url, known] of this.#versions) if (known.sha256 === sha256) this.#versions.delete(url)
    this.emit('removed', { sha256, bytes: data.length })
    return data.length
  }

  async clear({ pinnedToo, dryRun }: { pinnedToo: boolean; dryRun: boolean }): Promise<ClearReport> {
    this.#assertOpen()
    const report = { removed: 0, unfinished: 0, unfinishedBytes: 0, bytes: 0, kept: this.#assembling.size }
    for (const [sha256, { data }] of [...this.#kept]) {
      if ((this.#view(sha256).pinned && !pinnedToo) || this.#users.inUse(sha256)) {
        report.kept++
        continue
      }
      if (!dryRun) await this.remove(sha256)
      report.removed++
      report.bytes += data.length
    }
    for (const pieces of this.#resting.values()) {
      report.unfinished++
      report.unfinishedBytes += bytesOf(pieces)
      report.bytes += bytesOf(pieces)
    }
    if (!dryRun) this.#resting.clear()
    return report
  }

  pin(sha256: Sha256Hex, pinned: boolean, until: number | null = null): void {
    this.#assertOpen()
    Object.assign(this.#get(sha256), { pinned, pinnedUntil: pinned ? until : null })
  }

  setPriority(sha256: Sha256Hex, priority: CachePriority): void {
    this.#assertOpen()
    this.#get(sha256).priority = priority
  }

  detail(sha256: Sha256Hex): ReturnType<Cache['detail']> {
    const kept = this.#closed ? undefined : this.#kept.get(sha256)
    return (
      kept && {
        entry: this.#view(sha256),
        servedTo: [...kept.servedTo]
          .map(([peer, served]) => ({ peer, ...served }))
          .toSorted((a, b) => b.bytes - a.bytes)
      }
    )
  }

  async setLimits(limits: CacheLimits): Promise<void> {
    this.#limits = effectiveLimits(limits, DISK_BYTES)
    this.#evict()
  }

  async verify({
    signal,
    onProgress
  }: {
    signal?: AbortSignal
    onProgress?: (done: number, total: number) => void
  }): Promise<VerifyReport> {
    this.#assertOpen()
    if (this.#verifying) throw new LarderError('BUSY', 'The cache is being verified already')
    this.#verifying = true
    const report: VerifyReport = { checked: 0, ok: 0, damaged: [], missing: [], adopted: [], strays: 0 }
    const total = this.#kept.size
    this.emit('verifying', { done: 0, total })
    try {
      for (const [sha256, { data }] of [...this.#kept]) {
        await this.onVerify(signal)
        signal?.throwIfAborted()
        if (sha256Of(data) === sha256) report.ok++
        else {
          this.#forget(sha256)
          report.damaged.push(sha256)
          this.emit('quarantined', { sha256, reason: 'its bytes do not match its digest' })
        }
        report.checked++
        this.emit('verifying', { done: report.checked, total })
        onProgress?.(report.checked, total)
      }
    } finally {
      this.#verifying = false
      this.emit('verifying', null)
    }
    return report
  }

  async takeIn(from: string): Promise<void> {
    this.#assertOpen()
    this.emit('tookIn', { from, contents: 0, bytes: 0 })
  }

  stats(): CacheStats {
    const all = [...this.#kept.keys()].map((sha256) => this.#view(sha256))
    const partial = [...this.#assembling.values()].reduce((sum, { haveBytes }) => sum + haveBytes, 0)
    return {
      dir: this.dir,
      entries: all.length,
      bytes: all.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
      partialBytes: [...this.#resting.values()].reduce((sum, pieces) => sum + bytesOf(pieces), partial),
      ...this.#limits,
      freeBytes: null,
      pinned: all.filter(({ pinned }) => pinned).length,
      evictions: this.#evictions,
      evictedLastHour: { contents: 0, bytes: 0 },
      moving: null,
      diskFull: false
    }
  }

  async close(): Promise<void> {
    for (const partial of this.#assembling.values()) await partial.close()
    this.#closed = true
  }

  #commit(data: Buffer, version: StoredVersion | null, kind: ContentKind): CachedContent {
    const sha256 = sha256Of(data)
    const plan = planPieces(data.length)
    const at = this.#clock.wallMs()
    if (!this.#kept.has(sha256))
      this.#kept.set(sha256, {
        data,
        plan,
        kind,
        pieceDigests: Buffer.concat(
          Array.from({ length: plan.count }, (_, index) => {
            const start = pieceStart(plan, index)
            return createHash('sha256')
              .update(data.subarray(start, start + pieceLength(plan, index)))
              .digest()
          })
        ),
        createdAt: at,
        lastUsedAt: at,
        pinned: false,
        pinnedUntil: null,
        priority: 'normal',
        hits: 0,
        servedBytes: 0,
        servedTo: new Map()
      })
    this.#users.noteAdded(sha256)
    if (version) this.link(version, sha256)
    const content = this.find(sha256)!
    this.emit('added', content)
    this.#evict()
    return content
  }

  #evict(): void {
    const entries = [...this.#kept].map(([id, kept]) => ({
      id,
      bytes: kept.data.length,
      lastUsedAt: kept.lastUsedAt,
      priority: cachePriorities.indexOf(kept.priority),
      pinned: this.#view(id).pinned,
      inUse: this.#users.spared(id)
    }))
    const chosen = chooseEvictions(
      entries.toSorted(evictionOrder),
      this.stats().bytes + this.stats().partialBytes,
      { ...this.#limits, freeBytes: null, neededBytes: 0 },
      this.#clock.wallMs()
    )
    for (const { id, bytes, reason } of chosen) {
      this.#forget(id as Sha256Hex)
      this.#evictions++
      this.emit('evicted', { sha256: id as Sha256Hex, bytes, reason })
    }
  }

  /** Its versions stay, so that it can still be asked for by validator. */
  #forget(sha256: Sha256Hex): void {
    this.#kept.delete(sha256)
    for (const [key, named] of this.#keys) if (named === sha256) this.#keys.delete(key)
  }

  #view(sha256: Sha256Hex): CacheEntryView {
    const kept = this.#get(sha256)
    const over = kept.pinnedUntil !== null && kept.pinnedUntil <= this.#clock.wallMs()
    return {
      verifiedBy: 'origin',
      provenances: [],
      sha256,
      lengthBytes: kept.data.length,
      urls: [...this.#versions].filter(([, known]) => known.sha256 === sha256).map(([url]) => url),
      kind: kept.kind,
      pinned: kept.pinned && !over,
      pinnedUntil: over ? null : kept.pinnedUntil,
      priority: kept.priority,
      createdAt: kept.createdAt,
      lastUsedAt: kept.lastUsedAt,
      hits: kept.hits,
      servedBytes: kept.servedBytes
    }
  }

  #get(sha256: Sha256Hex): Kept {
    const kept = this.#kept.get(sha256)
    if (!kept) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
    return kept
  }

  #assertOpen(): void {
    if (this.#closed) throw new LarderError('SHUTTING_DOWN', 'The cache is closed')
  }
}

class LedgerDouble implements DayLedger {
  readonly #days = new Map<string, DayCounts>()

  add(day: string, counts: Omit<DayCounts, 'day'>): void {
    const known = this.#days.get(day)
    const sum = (of: keyof Omit<DayCounts, 'day'>) => Math.max(0, (known?.[of] ?? 0) + counts[of])
    this.#days.set(day, {
      day,
      originBytes: sum('originBytes'),
      peerBytes: sum('peerBytes'),
      cacheBytes: sum('cacheBytes'),
      servedBytes: sum('servedBytes')
    })
  }

  since(day: string): DayCounts[] {
    return [...this.#days.values()].filter((one) => one.day >= day).toSorted((a, b) => (a.day < b.day ? -1 : 1))
  }
}

const sha256Of = (data: Uint8Array): Sha256Hex => createHash('sha256').update(data).digest('hex') as Sha256Hex
const bytesOf = (pieces: KeptPieces): number => [...pieces.values()].reduce((sum, { data }) => sum + data.length, 0)

function versionOf(url: string, key: ContentKey, lengthBytes: number, confirmedAt: number): StoredVersion {
  return { url, key, etag: '"1"', lastModified: null, lengthBytes, policy: {}, confirmedAt }
}
