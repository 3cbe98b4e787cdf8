// Why it is like this: docs/decisions/0022-what-a-client-keeps.md
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { Sink } from './sink.ts'

const MAX_ENTRY_BYTES = 64 * 1024
/** What a program that died left behind is deleted after this long, ms. */
const STRAY_MS = 24 * 3600_000
const READ_BYTES = 1 << 20

const Entry = z.object({
  etag: z.string().max(8192).nullable(),
  lastModified: z.string().max(200).nullable(),
  lengthBytes: z.number().int().nonnegative(),
  sha256: Sha256Hex,
  policy: z.unknown()
})

/** The version of a `resource` that was downloaded last from one URL. */
export type RetainedContent = z.infer<typeof Entry> & { readonly url: string }

export interface RetainedStats {
  readonly contents: number
  readonly bytes: number
  readonly dir: string
}

/**
 * What direct downloads of the kind `resource` leave for the next use, newest version of each URL, without any agent:
 *
 *     retained/v1/3f…e1.json       which version of which URL (name: SHA-256 of the URL)
 *     retained/v1/3f…e1-9a…07      its bytes (name: and their SHA-256)
 *
 * Any number of programs may use it at the same time: files appear whole, and bytes are checked each time they are used.
 */
export class RetainedContents {
  readonly #dir: string
  readonly #clock: Clock

  constructor(dataDir: string, clock: Clock) {
    this.#dir = join(dataDir, 'retained', 'v1')
    this.#clock = clock
  }

  /** Never throws; what cannot be read is not there. */
  async find(url: string): Promise<RetainedContent | undefined> {
    try {
      const bytes = await readPrivateFile(this.#entryFile(url), MAX_ENTRY_BYTES)
      if (!bytes) return undefined
      const content = { ...Entry.parse(JSON.parse(bytes.toString('utf8'))), url }
      return (await stat(this.#bytesFile(content))).size === content.lengthBytes ? content : undefined
    } catch {
      return undefined
    }
  }

  /** Writes the bytes into `sink`. @returns false when they are damaged or gone; they are forgotten and the sink is empty then. @throws what the sink throws */
  async deliver(content: RetainedContent, sink: Sink): Promise<boolean> {
    const file = await open(this.#bytesFile(content), 'r').catch(() => undefined)
    if (!file) return false
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(READ_BYTES)
    try {
      for (;;) {
        const bytesRead = await file.read(buffer, 0, buffer.length).then(
          (read) => read.bytesRead,
          () => 0
        )
        if (bytesRead === 0) break
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await sink.write(chunk)
      }
    } finally {
      await file.close()
    }
    const now = new Date(this.#clock.wallMs())
    if (hash.digest('hex') === content.sha256) {
      await utimes(this.#bytesFile(content), now, now).catch(() => {})
      return true
    }
    await this.#forget(content)
    await sink.restart()
    return false
  }

  /**
   * Keeps the bytes of a finished download, a file or a buffer, instead of an older version. Never throws: the download is done.
   * @param limits most bytes in all, and what the disk must have left
   */
  async keep(
    version: OriginVersion,
    sha256: Sha256Hex,
    bytes: string | Buffer,
    limits: { readonly maxBytes: number; readonly minFreeBytes: number }
  ): Promise<void> {
    const { url, etag, lastModified, lengthBytes, policy } = version
    if (lengthBytes === null || lengthBytes > limits.maxBytes) return
    const entry: z.infer<typeof Entry> = { etag, lastModified, lengthBytes, sha256, policy }
    const content = { ...entry, url }
    const temporary = join(this.#dir, `.${randomBytes(8).toString('hex')}.tmp`)
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(this.#dir)
      if (bavail * bsize - lengthBytes < limits.minFreeBytes) return
      // A copy that shares blocks where the file system can; never a link that a program could write through.
      if (typeof bytes === 'string')
        await copyFile(bytes, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
      else await writeFile(temporary, bytes, { flag: 'wx', mode: 0o600 })
      await rename(temporary, this.#bytesFile(content))
      await writePrivateFile(this.#entryFile(url), JSON.stringify(entry))
      await this.#makeRoom(limits.maxBytes, content)
    } catch {
      // A full disk, or a folder that may not be written.
    } finally {
      await rm(temporary, { force: true }).catch(() => {})
    }
  }

  async stats(): Promise<RetainedStats> {
    const files = await this.#files()
    return { contents: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), dir: this.#dir }
  }

  /** Deletes everything. @returns what there was */
  async clear(): Promise<RetainedStats> {
    const before = await this.stats()
    await rm(this.#dir, { recursive: true, force: true })
    return before
  }

  async #forget(content: RetainedContent): Promise<void> {
    await rm(this.#entryFile(content.url), { force: true }).catch(() => {})
    await rm(this.#bytesFile(content), { force: true }).catch(() => {})
  }

  /** Deletes older versions of `newest`, what nobody finished, and the least recently used until the rest fits. */
  async #makeRoom(maxBytes: number, newest: RetainedContent): Promise<void> {
    const kept = this.#bytesFile(newest)
    const files = (await this.#files()).toSorted((a, b) => b.usedMs - a.usedMs)
    let bytes = newest.lengthBytes
    for (const { path, size } of files) {
      if (path === kept) continue
      const replaced = path.startsWith(`${kept.slice(0, kept.lastIndexOf('-'))}-`)
      if (!replaced && bytes + size <= maxBytes) {
        bytes += size
        continue
      }
      await rm(path, { force: true })
      if (!replaced) await rm(`${path.slice(0, path.lastIndexOf('-'))}.json`, { force: true })
    }
    for (const name of await readdir(this.#dir)) {
      if (!name.endsWith('.tmp')) continue
      const { mtimeMs } = await stat(join(this.#dir, name))
      if (this.#clock.wallMs() - mtimeMs > STRAY_MS) await rm(join(this.#dir, name), { force: true })
    }
  }

  /** Files with bytes. */
  async #files(): Promise<{ path: string; size: number; usedMs: number }[]> {
    const names = await readdir(this.#dir).catch(() => [])
    const found = await Promise.all(
      names
        .filter((name) => /^[0-9a-f]{64}-[0-9a-f]{64}$/.test(name))
        .map(async (name) => {
          const path = join(this.#dir, name)
          const at = await stat(path).catch(() => undefined)
          return at && { path, size: at.size, usedMs: at.mtimeMs }
        })
    )
    return found.filter((file) => file !== undefined)
  }

  #entryFile(url: string): string {
    return join(this.#dir, `${nameOf(url)}.json`)
  }

  #bytesFile({ url, sha256 }: RetainedContent): string {
    return join(this.#dir, `${nameOf(url)}-${sha256}`)
  }
}

const nameOf = (url: string): string => createHash('sha256').update(url).digest('hex')
