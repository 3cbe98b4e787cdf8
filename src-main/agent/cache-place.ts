// Why it is like this: docs/decisions/0029-a-cache-moves-at-the-next-start.md
import { lstat, rmdir, writeFile, rm } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { LarderError } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

const Place = z.object({
  /** Where the cache is from the next start on. */
  dir: z.string().min(1).max(4096),
  /** `cache.dir` as it was set when this was written: when it is set to something else, that holds. */
  setting: z.string().max(4096).nullable(),
  /** Folders with contents that have yet to be moved to `dir`. */
  leaving: z.array(z.string().min(1).max(4096)).max(16)
})
type Place = z.infer<typeof Place>

const MAX_FILE_BYTES = 256 * 1024

/**
 * Where the cache of this agent is, and which folders it is moving out of. Survives restarts, so that a move that was cut short goes
 * on; a changed setting `cache.dir` is a move as well.
 */
export class CachePlace {
  readonly #path: string
  /** Of this run. */
  readonly dir: string
  #place: Place

  private constructor(path: string, place: Place) {
    this.#path = path
    this.#place = place
    this.dir = place.dir
  }

  static async open(dataDir: string, setting: string | null): Promise<CachePlace> {
    const path = join(dataDir, 'cache-place.json')
    const bySetting = setting ?? join(dataDir, 'cache')
    const bytes = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    const kept = bytes ? parse(bytes.toString('utf8')) : null
    let place: Place = kept ?? { dir: bySetting, setting, leaving: [] }
    if (kept && kept.setting !== setting) place = moved(kept, bySetting, setting)
    if (JSON.stringify(place) !== JSON.stringify(kept)) await writePrivateFile(path, JSON.stringify(place))
    return new CachePlace(path, place)
  }

  get leaving(): readonly string[] {
    return this.#place.leaving
  }

  /** The folder the cache moves to at the next start; null: it stays. */
  get next(): string | null {
    return this.#place.dir === this.dir ? null : this.#place.dir
  }

  /**
   * Moves the cache at the next start.
   * @throws BAD_REQUEST for a folder that is not a place for it, CACHE_UNUSABLE when it cannot be written
   */
  async relocate(dir: string): Promise<void> {
    const target = resolve(dir)
    if (!isAbsolute(dir))
      throw new LarderError('BAD_REQUEST', `${dir.slice(0, 200)} is not an absolute path`, { field: 'dir' })
    if (target !== this.dir) {
      if (inside(target, this.dir) || inside(this.dir, target))
        throw new LarderError('BAD_REQUEST', 'The new folder and the present one may not lie in each other', {
          field: 'dir'
        })
      await tryFolder(target)
    }
    const { setting } = this.#place
    this.#place =
      target === this.dir
        ? { dir: target, setting, leaving: this.#place.leaving.filter((one) => one !== target) }
        : moved({ ...this.#place, dir: this.dir }, target, setting)
    await writePrivateFile(this.#path, JSON.stringify(this.#place))
  }

  /** Nothing is left in that folder. */
  async left(dir: string): Promise<void> {
    this.#place = { ...this.#place, leaving: this.#place.leaving.filter((one) => one !== dir) }
    await writePrivateFile(this.#path, JSON.stringify(this.#place))
  }
}

function moved(place: Place, dir: string, setting: string | null): Place {
  return { dir, setting, leaving: [...new Set([...place.leaving, place.dir])].filter((one) => one !== dir).slice(-16) }
}

const inside = (one: string, other: string): boolean => {
  const way = relative(other, one)
  return way !== '' && !way.startsWith('..') && !isAbsolute(way)
}

/** Made and written to, so that it is known now and not at the next start. What was not there before is gone again. */
async function tryFolder(dir: string): Promise<void> {
  const there = await lstat(dir).catch(() => null)
  try {
    const first = await makeFolder(dir)
    const probe = join(dir, '.larder-probe')
    await writeFile(probe, '')
    await rm(probe, { force: true })
    if (!there && first !== undefined) await rmdir(dir)
  } catch (cause) {
    throw new LarderError('CACHE_UNUSABLE', `The folder ${dir} cannot be used: ${(cause as Error).message}`, {
      dir,
      cause
    })
  }
}

function parse(text: string): Place | null {
  try {
    return Place.parse(JSON.parse(text))
  } catch {
    return null
  }
}
