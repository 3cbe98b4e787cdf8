import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { makePrivateSync } from '../lib/private-file.ts'
import { MIGRATIONS, SCHEMA, SCHEMA_VERSION } from './index-schema.ts'

/**
 * The database at `path` in the schema of today, migrated where that can be; undefined when there is none, a damaged one, or one of another
 * schema. `trusted`: nobody has touched the file since it was closed, so it is not checked.
 */
export function openDatabase(path: string, trusted: boolean): DatabaseSync | undefined {
  let db: DatabaseSync | undefined
  try {
    db = connect(path)
    const versionOf = () => (db!.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
    const sound = trusted || (db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check === 'ok'
    for (let step = sound && MIGRATIONS[versionOf()]; step; step = MIGRATIONS[versionOf()])
      db.exec(`BEGIN; ${step} COMMIT`)
    if (sound && versionOf() === SCHEMA_VERSION) return db
  } catch {
    // Not a database, or a damaged one: made again.
  }
  if (db?.isOpen) db.close()
  return undefined
}

/** An empty one in place of whatever is there. */
export function newDatabase(path: string): DatabaseSync {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true, recursive: true })
  const db = connect(path)
  db.exec(`BEGIN; ${SCHEMA} COMMIT`)
  return db
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
