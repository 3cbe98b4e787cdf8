import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'

/** Whoever has just started an older build may still load parts of it. */
const STALE_MS = 10 * 60_000

export interface PublishOptions {
  /** Files that name the others, from the folder that is published; they come last, so that what they name is there. */
  readonly entries: readonly string[]
  /** When it was begun, ms since 1970: what changed since is newer than it. */
  readonly begunMs: number
  /** What only older builds had goes at once. */
  readonly clean: boolean
  readonly rename?: (from: string, to: string) => void
}

/**
 * Moves a finished build from `staging` to `out`, file by file. At every moment `out` holds a whole build, whoever else publishes or starts
 * one: names of parts hold their digest, and an entry is replaced in one step after its parts have come.
 */
export function publishBuild(staging: string, out: string, options: PublishOptions): void {
  const { entries, begunMs, clean, rename = renameSync } = options
  const parts = filesIn(staging).filter((file) => !entries.includes(file))
  const all = [...parts, ...entries]
  for (const file of all) {
    const to = path.join(out, file)
    mkdirSync(path.dirname(to), { recursive: true })
    utimesSync(path.join(staging, file), begunMs / 1000, begunMs / 1000)
    rename(path.join(staging, file), to)
  }
  const published = new Set(all)
  for (const folder of new Set(all.map((file) => file.split(path.sep)[0]!)))
    for (const file of filesIn(path.join(out, folder)).map((name) => path.join(folder, name)))
      if (!published.has(file) && (clean || isStale(path.join(out, file))))
        rmSync(path.join(out, file), { force: true })
}

function isStale(file: string): boolean {
  const { mtimeMs = Infinity } = statSync(file, { throwIfNoEntry: false }) ?? {}
  return Date.now() - mtimeMs > STALE_MS
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
}
