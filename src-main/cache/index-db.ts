import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import { cachePriorities, type CachePriority } from '../contract/cache-priority.ts'
import type { CacheEntryView } from '../contract/snapshot.ts'
import type { KeyProvenance, StoredVersion } from './cache.ts'
import type { FileStamp } from './file-stamp.ts'
import { toContent, toProvenance, toVersion, toView, type ContentRow, type ContentUse, type Row } from './index-rows.ts'
import { newDatabase, openDatabase } from './index-file.ts'
import { FOUND, SQL } from './index-sql.ts'
import { MembersTable } from './members-table.ts'
import { SavingsTable, type DayCounts } from './savings-table.ts'
import { isSigned, type Checked, type Provenance } from './provenance.ts'
import { storable } from './sidecar.ts'

/** Characters of a search that count. */
const MAX_SEARCH = 512

const sortColumns = { lastUsed: 'last_used_at', size: 'length', created: 'created_at' } as const
export type SortOrder = keyof typeof sortColumns

interface DiskTotals {
  entries: number
  bytes: number
  /** Pinned contents, and their bytes. */
  pinned: number
  pinnedBytes: number
}

/**
 * The index over the files: fast answers, rebuilt from the sidecars whenever it is missing, damaged or of another schema.
 * Its statements are in `index-sql.ts`.
 */
export class IndexDb {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #totals: DiskTotals = { entries: 0, bytes: 0, pinned: 0, pinnedBytes: 0 }
  readonly savings: SavingsTable
  readonly members: MembersTable

  private constructor(db: DatabaseSync, savings: readonly DayCounts[] = []) {
    this.#db = db
    this.savings = new SavingsTable(db, savings)
    this.members = new MembersTable(db)
    this.#countAll()
  }

  /**
   * Opens the index; `fresh` says that it had to be made again and knows nothing. `trusted`: nobody has touched the file since
   * it was closed, so it is not checked.
   */
  static open(path: string, { trusted }: { trusted: boolean }): { index: IndexDb; fresh: boolean } {
    const known = openDatabase(path, trusted)
    if (known) return { index: new IndexDb(known), fresh: false }
    const savings = SavingsTable.rescue(path)
    return { index: new IndexDb(newDatabase(path), savings), fresh: true }
  }

  get totals(): Readonly<DiskTotals> {
    return this.#totals
  }

  find(sha256: Sha256Hex): ContentRow | undefined {
    return toContent(this.#prepared(SQL.find).get(sha256))
  }

  findByKey(key: ContentKey): ContentRow | undefined {
    const row = toContent(this.#prepared(SQL.findByKey).get(key))
    return row ?? (key.startsWith('sha256:') ? this.find(key.slice('sha256:'.length) as Sha256Hex) : undefined)
  }

  /** Lengths of the contents whose digests begin so. */
  lengths(beginning: string): Map<Sha256Hex, number> {
    const lengths = new Map<Sha256Hex, number>()
    for (const { sha256, length } of this.#prepared(SQL.lengths).all(beginning) as Row[])
      lengths.set(sha256 as Sha256Hex, length as number)
    return lengths
  }

  /** All contents, in the order in which they would be evicted. Nothing may be changed before the last one was taken. */
  *evictable(): Generator<{ id: Sha256Hex; bytes: number; lastUsedAt: number; pinned: boolean; priority: number }> {
    // Row by row: all of a large cache at once would cost much memory for a moment.
    for (const row of this.#prepared(SQL.evictable).iterate() as Iterable<Row>) {
      yield {
        id: row.sha256 as Sha256Hex,
        bytes: row.length as number,
        lastUsedAt: row.last_used_at as number,
        pinned: row.pinned === 1,
        priority: row.priority as number
      }
    }
  }

  /** Something that is not pinned was last used before then. */
  anyUsedBefore(wallMs: number): boolean {
    return this.#prepared(SQL.usedBefore).get(wallMs) !== undefined
  }

  /** Takes in a content with what is known of its versions; one known already keeps its counts. */
  add(
    content: ContentRow,
    lastUsedAt: number,
    versions: readonly StoredVersion[],
    from: 'origin' | 'found',
    provenances: readonly Provenance[] = []
  ): void {
    this.transaction(() => {
      const { sha256, lengthBytes, pieceBytes, kind, pinned, pinnedUntil, priority, createdAt, stamp } = content
      const known = this.find(sha256) !== undefined
      this.#prepared(SQL.add).run(
        sha256,
        lengthBytes,
        pieceBytes,
        kind,
        pinned ? 1 : 0,
        pinnedUntil,
        cachePriorities.indexOf(priority),
        createdAt,
        lastUsedAt,
        stamp
      )
      for (const version of versions) this.putVersion(version, sha256, from)
      for (const one of provenances) this.#putProvenance(one, sha256)
      if (!known) this.#count(1, lengthBytes, pinned)
    })
  }

  /** Forgets a content and its keys; its versions only when asked, so that an evicted one can still be asked for by validator. */
  remove(sha256: Sha256Hex, options: { versionsToo: boolean }): void {
    const known = this.find(sha256)
    if (!known) return
    this.transaction(() => {
      this.#prepared(SQL.remove).run(sha256)
      this.#prepared(SQL.removeKeys).run(sha256)
      this.#prepared(SQL.removeServed).run(sha256)
      if (options.versionsToo) this.#prepared(SQL.removeVersions).run(sha256)
    })
    this.#count(-1, -known.lengthBytes, known.pinned)
  }

  setStamp(sha256: Sha256Hex, stamp: FileStamp): void {
    this.#prepared(SQL.stamp).run(stamp, sha256)
  }

  /** @param until wall clock, ms; null: for good. @returns false when the content is not there */
  pin(sha256: Sha256Hex, pinned: boolean, until: number | null = null): boolean {
    const known = this.find(sha256)
    if (!known) return false
    this.#prepared(SQL.pin).run(pinned ? 1 : 0, pinned ? until : null, sha256)
    const change = Number(pinned) - Number(known.pinned)
    this.#totals.pinned += change
    this.#totals.pinnedBytes += change * known.lengthBytes
    return true
  }

  /** Unpins what was pinned until now or before. */
  endPins(now: number): Sha256Hex[] {
    const ended = (this.#prepared(SQL.endedPins).all(now) as Row[]).map(({ sha256 }) => sha256 as Sha256Hex)
    for (const sha256 of ended) this.pin(sha256, false)
    return ended
  }

  /** @returns false when the content is not there */
  setPriority(sha256: Sha256Hex, priority: CachePriority): boolean {
    return this.#prepared(SQL.priority).run(cachePriorities.indexOf(priority), sha256).changes === 1
  }

  noteUses(uses: Iterable<[Sha256Hex, ContentUse]>): void {
    this.transaction(() => {
      for (const [sha256, { at, hits, servedTo }] of uses) {
        let servedBytes = 0
        for (const [peer, bytes] of servedTo) {
          servedBytes += bytes
          if (peer !== null) this.#prepared(SQL.serve).run(sha256, peer, bytes, at)
        }
        this.#prepared(SQL.use).run(at, hits, servedBytes, sha256)
      }
    })
  }

  /** One content as people see it, with whom it was served to, most bytes first. */
  detail(
    sha256: Sha256Hex
  ): { entry: CacheEntryView; servedTo: { peer: PeerId; bytes: number; lastAt: number }[] } | undefined {
    const row = this.#prepared(SQL.row).get(sha256) as Row | undefined
    if (!row) return undefined
    const served = this.#prepared(SQL.servedTo).all(sha256) as Row[]
    return {
      entry: this.#toView(row),
      servedTo: served.map(({ peer, bytes, last_at }) => ({
        peer: peer as PeerId,
        bytes: bytes as number,
        lastAt: last_at as number
      }))
    }
  }

  /** Puts the counts of a former index in place of those of a content just taken in. */
  restoreUse(
    sha256: Sha256Hex,
    { lastUsedAt, hits, servedBytes }: Pick<CacheEntryView, 'lastUsedAt' | 'hits' | 'servedBytes'>
  ): void {
    this.#prepared(SQL.use).run(lastUsedAt, hits, servedBytes, sha256)
  }

  version(url: string): StoredVersion | undefined {
    const row = this.#prepared(SQL.version).get(url) as Row | undefined
    return row && toVersion(row)
  }

  urlsAfter(url: string, most: number): string[] {
    return (this.#prepared(SQL.urlsAfter).all(url, most) as Row[]).map((row) => row['url'] as string)
  }

  versionOfKey(key: ContentKey): StoredVersion | undefined {
    const row = this.#prepared(SQL.versionOfKey).get(key) as Row | undefined
    return row && toVersion(row)
  }

  versionOf(key: ContentKey): StoredVersion | undefined {
    const row = this.#prepared(SQL.versionOf).get(key) as Row | undefined
    return row && toVersion(row)
  }

  /** Versions that point to a content. */
  versionsOf(sha256: Sha256Hex): StoredVersion[] {
    return (this.#prepared(SQL.versionsOf).all(sha256) as Row[]).map(toVersion)
  }

  /** Points a URL and a key at a content. `found` in a file, it gives way to a newer version of the URL. */
  putVersion(version: StoredVersion, sha256: Sha256Hex, from: 'origin' | 'found' = 'origin'): void {
    const { url, key, etag, lastModified, lengthBytes, policy, confirmedAt } = storable(version)
    this.#prepared(SQL.putVersion).run(
      url,
      key,
      sha256,
      etag,
      lastModified,
      lengthBytes,
      JSON.stringify(policy ?? null),
      confirmedAt,
      from === 'origin' ? 1 : 0
    )
    this.#prepared(SQL.putKey).run(key, sha256)
  }

  provenance(key: ContentKey): KeyProvenance | undefined {
    const row = this.#prepared(SQL.provenance).get(key) as Row | undefined
    return row && toProvenance(row)
  }

  noteChecked(key: ContentKey, { verifiedBy, source }: Checked): void {
    this.#prepared(SQL.noteChecked).run(verifiedBy, source && JSON.stringify(source), key)
  }

  /** The sidecar that held the signatures is gone. */
  forgetSignatures(sha256: Sha256Hex): void {
    this.#prepared(SQL.forgetSignatures).run(sha256)
  }

  signedBy(signer: PeerId): { key: ContentKey; sha256: Sha256Hex }[] {
    return (this.#prepared(SQL.signedBy).all(signer) as Row[]).map(({ key, sha256 }) => ({
      key: key as ContentKey,
      sha256: sha256 as Sha256Hex
    }))
  }

  confirm(url: string, policy: unknown, at: number): void {
    const version = this.version(url)
    if (version)
      this.#prepared(SQL.confirm).run(JSON.stringify(storable({ ...version, policy }).policy ?? null), at, url)
  }

  /** Forgets versions without content that nobody confirmed since `before`. */
  forgetVersions(before: number): void {
    this.#prepared(SQL.forgetOld).run(before)
  }

  /** One page, greatest first. `search`: part of a URL, or the beginning of a digest. */
  page(query: { limit: number; offset: number; search: string; sort: SortOrder }): {
    entries: CacheEntryView[]
    total: number
  } {
    const { limit, offset } = query
    const order = `ORDER BY ${sortColumns[query.sort]} DESC`
    // The page is cut from the index alone; whole rows are read only for what is on it.
    const page = (digests: string) => `SELECT * FROM contents WHERE sha256 IN (${digests}) ${order}`
    if (query.search === '') {
      const rows = this.#prepared(page(`SELECT sha256 FROM contents ${order} LIMIT ? OFFSET ?`)).all(limit, offset)
      return { entries: (rows as Row[]).map((row) => this.#toView(row)), total: this.#totals.entries }
    }
    const search = query.search.slice(0, MAX_SEARCH).replace(/[\\%_]/g, '\\$&')
    const found = this.#prepared(`SELECT sha256 FROM contents WHERE sha256 IN (${FOUND}) ${order}`).all(search) as {
      sha256: string
    }[]
    const wanted = JSON.stringify(found.slice(offset, offset + limit).map(({ sha256 }) => sha256))
    const rows = this.#prepared(page('SELECT value FROM json_each(?)')).all(wanted) as Row[]
    return { entries: rows.map((row) => this.#toView(row)), total: found.length }
  }

  transaction(work: () => void): void {
    if (this.#db.isTransaction) return work()
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      this.#countAll()
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  #putProvenance(provenance: Provenance, sha256: Sha256Hex): void {
    const { key, verifiedBy, source, signers } = provenance
    this.#prepared(SQL.putProvenance).run(
      key,
      sha256,
      verifiedBy,
      source && JSON.stringify(source),
      isSigned(provenance) ? JSON.stringify(signers) : null
    )
  }

  #toView(row: Row): CacheEntryView {
    const urls = this.#prepared(SQL.urls).all(row.sha256!) as { url: string }[]
    return toView(
      row,
      urls.map(({ url }) => url),
      (this.#prepared(SQL.provenancesOf).all(row.sha256!) as Row[]).map(toProvenance)
    )
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }

  #count(entries: number, bytes: number, pinned: boolean): void {
    this.#totals.entries += entries
    this.#totals.bytes += bytes
    if (!pinned) return
    this.#totals.pinned += entries
    this.#totals.pinnedBytes += bytes
  }

  #countAll(): void {
    this.#totals = { ...(this.#prepared(SQL.totals).get() as unknown as DiskTotals) }
  }
}
