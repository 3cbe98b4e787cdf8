import { rmSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import { cachePriorities, type CachePriority } from '../contract/cache-priority.ts'
import type { CacheEntryView } from '../contract/snapshot.ts'
import type { KeyProvenance, StoredVersion } from './cache.ts'
import { makePrivateSync } from '../lib/private-file.ts'
import type { FileStamp } from './file-stamp.ts'
import { toContent, toProvenance, toVersion, toView, type ContentRow, type Row } from './index-rows.ts'
import { MIGRATIONS, SCHEMA, SCHEMA_VERSION } from './index-schema.ts'
import { SavingsTable, type DayCounts } from './savings-table.ts'
import { isSigned, type Checked, type Provenance } from './provenance.ts'
import { storable } from './sidecar.ts'

const SQL = {
  find: 'SELECT sha256, length, piece_bytes, kind, pinned, pinned_until, priority, created_at, stamp FROM contents WHERE sha256 = ?',
  findByKey:
    'SELECT c.sha256, c.length, c.piece_bytes, c.kind, c.pinned, c.pinned_until, c.priority, c.created_at, c.stamp FROM keys k JOIN contents c ON c.sha256 = k.sha256 WHERE k.key = ?',
  lengths: "SELECT sha256, length FROM contents WHERE sha256 >= ?1 AND sha256 < ?1 || 'g'",
  evictable:
    'SELECT sha256, length, last_used_at, pinned, priority FROM contents ORDER BY priority, last_used_at, length DESC',
  usedBefore: 'SELECT 1 FROM contents WHERE last_used_at < ? AND pinned = 0 LIMIT 1',
  endedPins: 'SELECT sha256 FROM contents WHERE pinned = 1 AND pinned_until <= ?',
  totals:
    'SELECT count(*) AS entries, coalesce(sum(length), 0) AS bytes, coalesce(sum(pinned), 0) AS pinned, coalesce(sum(length * pinned), 0) AS pinnedBytes FROM contents',
  add: `INSERT INTO contents (sha256, length, piece_bytes, kind, pinned, pinned_until, priority, created_at, last_used_at, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (sha256) DO UPDATE SET kind = excluded.kind, last_used_at = max(last_used_at, excluded.last_used_at), stamp = excluded.stamp`,
  remove: 'DELETE FROM contents WHERE sha256 = ?',
  removeKeys: 'DELETE FROM keys WHERE sha256 = ?',
  removeVersions: 'DELETE FROM versions WHERE sha256 = ?',
  removeServed: 'DELETE FROM served WHERE sha256 = ?',
  stamp: 'UPDATE contents SET stamp = ? WHERE sha256 = ?',
  pin: 'UPDATE contents SET pinned = ?, pinned_until = ? WHERE sha256 = ?',
  priority: 'UPDATE contents SET priority = ? WHERE sha256 = ?',
  serve: `INSERT INTO served (sha256, peer, bytes, last_at) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM contents WHERE sha256 = ?1)
        ON CONFLICT (sha256, peer) DO UPDATE SET bytes = bytes + excluded.bytes, last_at = excluded.last_at`,
  servedTo: 'SELECT peer, bytes, last_at FROM served WHERE sha256 = ? ORDER BY bytes DESC LIMIT 100',
  row: 'SELECT * FROM contents WHERE sha256 = ?',
  use: 'UPDATE contents SET last_used_at = max(last_used_at, ?), hits = hits + ?, served_bytes = served_bytes + ? WHERE sha256 = ?',
  version: 'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE url = ?',
  versionOf:
    'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE key = ? ORDER BY confirmed_at DESC LIMIT 1',
  versionsOf: 'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE sha256 = ?',
  versionOfKey:
    'SELECT v.url, v.key, v.etag, v.last_modified, v.length, v.policy, v.confirmed_at FROM keys k JOIN versions v ON v.sha256 = k.sha256 AND v.key = k.key WHERE k.key = ? LIMIT 1',
  putVersion: `INSERT INTO versions (url, key, sha256, etag, last_modified, length, policy, confirmed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (url) DO UPDATE SET key = excluded.key, sha256 = excluded.sha256, etag = excluded.etag, last_modified = excluded.last_modified,
          length = excluded.length, policy = excluded.policy, confirmed_at = excluded.confirmed_at WHERE ? OR excluded.confirmed_at >= versions.confirmed_at`,
  putKey: 'INSERT INTO keys (key, sha256) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256',
  putProvenance: `INSERT INTO keys (key, sha256, verified_by, source, signers) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256, verified_by = excluded.verified_by, source = excluded.source, signers = excluded.signers`,
  provenance: 'SELECT verified_by, source, signers FROM keys WHERE key = ?',
  provenancesOf: 'SELECT verified_by, source, signers FROM keys WHERE sha256 = ? LIMIT 8',
  noteChecked: 'UPDATE keys SET verified_by = ?, source = coalesce(?, source) WHERE key = ?',
  forgetSignatures: 'UPDATE keys SET signers = NULL WHERE sha256 = ?',
  signedBy: `SELECT key, sha256 FROM keys WHERE signers LIKE '%"' || ? || '"%'`,
  confirm: 'UPDATE versions SET policy = ?, confirmed_at = ? WHERE url = ?',
  forgetOld: 'DELETE FROM versions WHERE confirmed_at < ? AND sha256 NOT IN (SELECT sha256 FROM contents)',
  urls: 'SELECT url FROM versions WHERE sha256 = ? ORDER BY confirmed_at DESC LIMIT 32'
} as const

/** Characters of a search that count. */
const MAX_SEARCH = 512
/** What a search finds: the beginning of a digest, or a part of a URL. Both from covering indexes. */
const FOUND = `SELECT sha256 FROM contents WHERE sha256 LIKE ?1 || '%' ESCAPE '\\' UNION SELECT sha256 FROM versions WHERE url LIKE '%' || ?1 || '%' ESCAPE '\\'`

const sortColumns = { lastUsed: 'last_used_at', size: 'length', created: 'created_at' } as const
export type SortOrder = keyof typeof sortColumns

/** Uses of a content since the last note. */
export interface ContentUse {
  /** Wall clock, ms. */
  readonly at: number
  readonly hits: number
  /** Bytes per peer; null: nobody knows to whom. */
  readonly servedTo: ReadonlyMap<PeerId | null, number>
}

interface DiskTotals {
  entries: number
  bytes: number
  /** Pinned contents, and their bytes. */
  pinned: number
  pinnedBytes: number
}

/**
 * The index over the files: fast answers, rebuilt from the sidecars whenever it is missing, damaged or of another schema.
 * All SQL of the cache is here.
 */
export class IndexDb {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #totals: DiskTotals = { entries: 0, bytes: 0, pinned: 0, pinnedBytes: 0 }
  readonly savings: SavingsTable

  private constructor(db: DatabaseSync, savings: readonly DayCounts[] = []) {
    this.#db = db
    this.savings = new SavingsTable(db, savings)
    this.#countAll()
  }

  /**
   * Opens the index; `fresh` says that it had to be made anew and knows nothing. `trusted`: nobody has touched the file since
   * it was closed, so it is not checked.
   */
  static open(path: string, { trusted }: { trusted: boolean }): { index: IndexDb; fresh: boolean } {
    const known = IndexDb.#tryOpen(path, trusted)
    if (known) return { index: known, fresh: false }
    const savings = SavingsTable.rescue(path)
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true, recursive: true })
    const db = connect(path)
    db.exec(`BEGIN; ${SCHEMA} COMMIT`)
    return { index: new IndexDb(db, savings), fresh: true }
  }

  static #tryOpen(path: string, trusted: boolean): IndexDb | undefined {
    let db: DatabaseSync | undefined
    try {
      db = connect(path)
      const versionOf = () => (db!.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
      const sound =
        trusted || (db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check === 'ok'
      for (let step = sound && MIGRATIONS[versionOf()]; step; step = MIGRATIONS[versionOf()])
        db.exec(`BEGIN; ${step} COMMIT`)
      if (sound && versionOf() === SCHEMA_VERSION) return new IndexDb(db)
    } catch {
      // Not a database, or a damaged one: made anew.
    }
    if (db?.isOpen) db.close()
    return undefined
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

/** One process has the folder, so the index is locked for good and needs no shared memory. 4 MiB of page cache. */
function connect(path: string): DatabaseSync {
  // SQLite gives its other files the rights of this one; they hold URLs.
  makePrivateSync(path)
  const db = new DatabaseSync(path, { timeout: 2000 })
  try {
    db.exec(
      'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4096; PRAGMA trusted_schema=OFF'
    )
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
