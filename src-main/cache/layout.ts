import { hash } from 'node:crypto'
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import { CACHE_CONTENTS, CACHE_INDEX } from '../lib/cache-around.ts'
import { LarderError } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'

/**
 * Where everything lies. Each name comes from a digest, none from a peer or a URL.
 *
 *     content-v1/sha256/ab/cd/<sha256>         the bytes of a complete content
 *     content-v1/sha256/ab/cd/<sha256>.json    its sidecar
 *     partial-v1/<sha256 of key>.part          bytes so far
 *     partial-v1/<sha256 of key>.rec           one slot per piece
 *     partial-v1/<sha256 of key>.json          what it is, credentials
 *     quarantine/  tmp/                        damaged files, files being written
 *     index-v1.sqlite  lock  clean             index, lock of the process, mark of a clean end
 */
export interface Layout {
  readonly dir: string
  readonly contentRoot: string
  readonly partialRoot: string
  readonly quarantine: string
  readonly tmp: string
  readonly index: string
  readonly lock: string
  readonly clean: string
  content(sha256: Sha256Hex): string
  sidecar(sha256: Sha256Hex): string
  partial(name: string): PartialPaths
}

export interface PartialPaths {
  readonly part: string
  readonly rec: string
  readonly json: string
}

/** Name of a key's partial on disk: SHA-256 of the key text, hex. */
export function partialName(key: ContentKey): string {
  return hash('sha256', key)
}

export function layoutOf(dir: string): Layout {
  const contentRoot = join(dir, CACHE_CONTENTS, 'sha256')
  const partialRoot = join(dir, 'partial-v1')
  const content = (sha256: Sha256Hex) => join(contentRoot, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
  return {
    dir,
    contentRoot,
    partialRoot,
    quarantine: join(dir, 'quarantine'),
    tmp: join(dir, 'tmp'),
    index: join(dir, CACHE_INDEX),
    lock: join(dir, 'lock'),
    clean: join(dir, 'clean'),
    content,
    sidecar: (sha256) => `${content(sha256)}.json`,
    partial: (name) => ({
      part: join(partialRoot, `${name}.part`),
      rec: join(partialRoot, `${name}.rec`),
      json: join(partialRoot, `${name}.json`)
    })
  }
}

/**
 * Creates the folders, for this user alone. `dir` itself may be reached through links, nothing below it.
 * @throws CACHE_UNUSABLE
 */
export async function prepareLayout(dir: string): Promise<Layout> {
  try {
    await makeFolder(dir)
    const layout = layoutOf(await realpath(dir))
    for (const folder of [
      join(layout.dir, CACHE_CONTENTS),
      layout.contentRoot,
      layout.partialRoot,
      layout.quarantine,
      layout.tmp
    ]) {
      await mkdir(folder, { mode: 0o700 }).catch((error) => {
        if (error.code !== 'EEXIST') throw error
      })
      if (!(await lstat(folder)).isDirectory()) throw new LarderError('CACHE_UNUSABLE', `${folder} is not a folder`)
    }
    return layout
  } catch (cause) {
    if (cause instanceof LarderError) throw cause
    throw new LarderError('CACHE_UNUSABLE', `The cache folder ${dir} cannot be used: ${(cause as Error).message}`, {
      dir,
      cause
    })
  }
}
