// Why it is like this: docs/decisions/0069-compiled-code-is-kept-in-the-data-folder.md
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { LARDER_VERSION } from '../contract/version.ts'
import { whyUnsafe } from './safe-place.ts'

/** Others that are being used, as during an update, may stay. */
const MOST_BUILDS = 2

/**
 * Lets Node keep the compiled code of this program in a data folder, so that the next start need not compile it again. What lies there is run without being
 * looked at: it is only used where nobody but this user and root can write, and each build has a folder of its own:
 *
 *     code-cache/0.1.0-1893456000000/v24.21.0-x64-…/…
 *
 * Never makes the data folder, and never fails: without it a start takes longer.
 * @param entry the file that was started; when it was written tells one build from another
 * @returns whether the folder is in use
 */
export function useCodeCache(dataDir: string, entry: string): boolean {
  const root = join(dataDir, 'code-cache')
  try {
    const build = `${LARDER_VERSION}-${Math.trunc(statSync(entry).mtimeMs)}`
    const folder = join(root, build)
    if (!statSync(dataDir).isDirectory() || whyUnsafe(folder) !== null) return false
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) {
      // Somebody may have been faster than the look before.
      if (whyUnsafe(folder) !== null) return false
      removeOldest(root, build)
    }
    return enableCompileCache(folder).directory !== undefined
  } catch {
    return false
  }
}

function removeOldest(root: string, newest: string): void {
  const others = readdirSync(root)
    .filter((name) => name !== newest)
    .map((name) => ({ path: join(root, name), changedMs: statSync(join(root, name)).mtimeMs }))
    .toSorted((a, b) => b.changedMs - a.changedMs)
  for (const { path } of others.slice(MOST_BUILDS - 1)) rmSync(path, { recursive: true, force: true })
}
