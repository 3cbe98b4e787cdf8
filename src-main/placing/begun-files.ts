import { z } from 'zod'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { removeLeftovers } from './leftovers.ts'

const MAX_FILES = 1000
const MAX_BYTES = 8 * 1024 * 1024

const Paths = z.array(z.string().min(1).max(4096)).max(MAX_FILES)

/**
 * The destinations that a long-running program has begun to write, in a private file. What it leaves there when it is killed lies in folders it
 * would never look at again; so it looks at these at its next start.
 */
export class BegunFiles {
  readonly #file: string
  readonly #paths: Set<string>
  /** How many write to it now. */
  readonly #writers = new Map<string, number>()
  #saving: Promise<void> = Promise.resolve()
  /** A save that has not started yet and will include changes made now. */
  #nextSave: Promise<void> | null = null

  private constructor(file: string, paths: Iterable<string>) {
    this.#file = file
    this.#paths = new Set(paths)
  }

  /** Reads the list; one that cannot be read is started again. */
  static async open(file: string): Promise<BegunFiles> {
    const bytes = await readPrivateFile(file, MAX_BYTES).catch(() => undefined)
    try {
      return new BegunFiles(file, bytes ? Paths.parse(JSON.parse(bytes.toString('utf8'))) : [])
    } catch {
      return new BegunFiles(file, [])
    }
  }

  /**
   * Before its first byte is written; each call is followed by one of {@link forget} or {@link keep}. Never throws: the download matters
   * more than the list.
   */
  async note(path: string): Promise<void> {
    this.#writers.set(path, (this.#writers.get(path) ?? 0) + 1)
    if (this.#paths.has(path)) return
    // The oldest go first; what they left is found when somebody downloads to the same place.
    for (const oldest of this.#paths) if (this.#paths.size >= MAX_FILES) this.#paths.delete(oldest)
    this.#paths.add(path)
    await this.#save()
  }

  /** Its writer has left nothing of it. It stays noted while somebody else writes to it. */
  async forget(path: string): Promise<void> {
    this.keep(path)
    if (!this.#writers.has(path) && this.#paths.delete(path)) await this.#save()
  }

  /** Its writer has stopped, and something of it is left. */
  keep(path: string): void {
    const others = (this.#writers.get(path) ?? 1) - 1
    if (others > 0) this.#writers.set(path, others)
    else this.#writers.delete(path)
  }

  /** Removes what nobody can go on with, or has for long. @returns paths removed */
  async sweep(): Promise<string[]> {
    const gone: string[] = []
    const before = this.#paths.size
    for (const path of [...this.#paths]) {
      const { removed, left } = await removeLeftovers(path)
      gone.push(...removed)
      if (!left && !this.#writers.has(path)) this.#paths.delete(path)
    }
    if (this.#paths.size !== before) await this.#save()
    return gone
  }

  #save(): Promise<void> {
    this.#nextSave ??= this.#saving = this.#saving
      .then(() => {
        this.#nextSave = null
        return writePrivateFile(this.#file, JSON.stringify([...this.#paths]))
      })
      .catch(() => {})
    return this.#nextSave
  }
}
