import { lstat, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { recentlyOf } from './recently.ts'

/** What every cache folder has, see `cache/layout`. */
export const CACHE_CONTENTS = 'content-v1'
export const CACHE_INDEX = 'index-v1.sqlite'

/** A folder seldom becomes a cache. */
const KNOWN_MS = 2000

/**
 * The cache in which a file of this path would lie, of whichever agent; null for none. What somebody puts there would be taken for a
 * content, or deleted as a stray.
 * @param path absolute; its folder need not exist
 */
export function cacheAround(path: string): Promise<string | null> {
  return cacheOf(dirname(path))
}

/** Many files go to one folder, and each level above it is a question. */
const cacheOf = recentlyOf(async (given) => {
  const folder = await realpath(given).catch(() => given)
  for (let at = folder; ; at = dirname(at)) {
    if ((await isThere(join(at, CACHE_CONTENTS))) && (await isThere(join(at, CACHE_INDEX)))) return at
    if (dirname(at) === at) return null
  }
}, KNOWN_MS)

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )
