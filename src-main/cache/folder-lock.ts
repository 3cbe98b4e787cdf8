import { DatabaseSync } from 'node:sqlite'
import { LarderError } from '../lib/errors.ts'
import { makePrivateSync } from '../lib/private-file.ts'

/** The right of this process to a cache folder. */
export interface FolderLock {
  release(): void
}

/**
 * Takes the folder for this process. The lock is SQLite's exclusive lock on an empty database: the system gives it back
 * when the process ends in whatever way, so a lock of a dead process is never in the way and no process id is compared.
 * @throws AGENT_ALREADY_RUNNING when another process, or this one, has it
 */
export function lockFolder(path: string): FolderLock {
  makePrivateSync(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    const { errcode } = cause as { errcode?: number }
    if (errcode !== SQLITE_BUSY) throw cause
    throw new LarderError('AGENT_ALREADY_RUNNING', `Another Larder uses the cache folder of ${path}`, { path, cause })
  }
  return { release: () => database.isOpen && database.close() }
}

const SQLITE_BUSY = 5
