import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { PeerId } from '../contract/ids.ts'

/** Members that were of use, kept across restarts. */
export interface MemberMemory {
  /** Whoever was of use last comes last. */
  all(): PeerId[]
  /** @param at wall clock, ms since 1970 */
  note(peer: PeerId, at: number): void
}

/** Members kept; whoever was of use last is forgotten last. */
const MAX_MEMBERS = 1024

const SCHEMA = 'CREATE TABLE IF NOT EXISTS members (peer TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID'
const NOTE = 'INSERT INTO members VALUES (?1, ?2) ON CONFLICT (peer) DO UPDATE SET at = ?2'
const TRIM = 'DELETE FROM members WHERE peer NOT IN (SELECT peer FROM members ORDER BY at DESC LIMIT ?)'
const ALL = 'SELECT peer FROM members ORDER BY at'

/** In the index, without a part in its schema's version: an index made again has forgotten them, which costs no more than a first start. */
export class MembersTable implements MemberMemory {
  readonly #note: StatementSync
  readonly #trim: StatementSync
  readonly #all: StatementSync

  constructor(db: DatabaseSync) {
    db.exec(SCHEMA)
    this.#note = db.prepare(NOTE)
    this.#trim = db.prepare(TRIM)
    this.#all = db.prepare(ALL)
  }

  all(): PeerId[] {
    return this.#all.all().map(({ peer }) => peer as PeerId)
  }

  note(peer: PeerId, at: number): void {
    this.#note.run(peer, at)
    this.#trim.run(MAX_MEMBERS)
  }
}
