// Why it is like this: docs/decisions/0026-savings-are-booked-by-day.md
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** Unique verified bytes by where they came from, and bytes served to peers. */
export interface ByteCounts {
  readonly originBytes: number
  readonly peerBytes: number
  readonly cacheBytes: number
  readonly servedBytes: number
}

/** What one day brought. */
export interface DayCounts extends ByteCounts {
  /** Calendar day of this PC, `2026-01-31`. */
  readonly day: string
}

/** Byte counts by day, kept across restarts. */
export interface DayLedger {
  /** Adds to a day; counts may be negative when bytes turned out to be wrong, a day's never are. */
  add(day: string, counts: ByteCounts): void
  /** Days from `day` on, oldest first. */
  since(day: string): DayCounts[]
}

/** Days kept. */
const KEEP_DAYS = 400

const SCHEMA = `CREATE TABLE IF NOT EXISTS savings (
  day TEXT PRIMARY KEY, origin_bytes INTEGER NOT NULL, peer_bytes INTEGER NOT NULL, cache_bytes INTEGER NOT NULL, served_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID`
const ADD = `INSERT INTO savings VALUES (?1, max(0, ?2), max(0, ?3), max(0, ?4), max(0, ?5)) ON CONFLICT (day) DO UPDATE SET
  origin_bytes = max(0, origin_bytes + ?2), peer_bytes = max(0, peer_bytes + ?3), cache_bytes = max(0, cache_bytes + ?4), served_bytes = max(0, served_bytes + ?5)`
const SINCE = 'SELECT day, origin_bytes, peer_bytes, cache_bytes, served_bytes FROM savings WHERE day >= ? ORDER BY day'
const TRIM = 'DELETE FROM savings WHERE day NOT IN (SELECT day FROM savings ORDER BY day DESC LIMIT ?)'

/**
 * The ledger in the index. Unlike the rest of the index it cannot be rebuilt from the files, so it has no part in the schema's
 * version and is carried over when the index is made again.
 */
export class SavingsTable implements DayLedger {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync, carriedOver: readonly DayCounts[] = []) {
    this.#db = db
    db.exec(SCHEMA)
    for (const { day, ...counts } of carriedOver) this.add(day, counts)
  }

  /** What a file that is no good as an index still knows. */
  static rescue(path: string): DayCounts[] {
    let db: DatabaseSync | undefined
    try {
      db = new DatabaseSync(path, { readOnly: true })
      return read(db, '')
    } catch {
      return []
    } finally {
      if (db?.isOpen) db.close()
    }
  }

  add(day: string, { originBytes, peerBytes, cacheBytes, servedBytes }: ByteCounts): void {
    this.#db.prepare(ADD).run(day, originBytes, peerBytes, cacheBytes, servedBytes)
    this.#db.prepare(TRIM).run(KEEP_DAYS)
  }

  since(day: string): DayCounts[] {
    return read(this.#db, day)
  }
}

function read(db: DatabaseSync, day: string): DayCounts[] {
  return (db.prepare(SINCE).all(day) as Record<string, SQLInputValue>[]).map((row) => ({
    day: row['day'] as string,
    originBytes: Number(row['origin_bytes']),
    peerBytes: Number(row['peer_bytes']),
    cacheBytes: Number(row['cache_bytes']),
    servedBytes: Number(row['served_bytes'])
  }))
}
