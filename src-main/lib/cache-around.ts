import { lstat, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What every cache folder has, see `cache/layout`. */
export const CACHE_CONTENTS = 'content-v1'
export const CACHE_INDEX = 'index-v1.sqlite'

/**
 * The cache in which a file of this path would lie, of whichever agent; null for none. What somebody puts there would be taken for a
 * content, or deleted as a stray.
 * @param path absolute; its folder need not exist
 */
export async function cacheAround(path: string): Promise<string | null> {
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  for (let at = folder; ; at = dirname(at)) {
    if ((await isThere(join(at, CACHE_CONTENTS))) && (await isThere(join(at, CACHE_INDEX)))) return at
    if (dirname(at) === at) return null
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )
