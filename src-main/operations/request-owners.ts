import { z } from 'zod'
import { RequestId } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import type { Person } from './person.ts'

/** As many as an agent may have unfinished, and those it shows afterwards. */
const MAX_OWNERS = 12_000
const MAX_FILE_BYTES = 2 * 1024 * 1024

const Kept = z.array(z.tuple([RequestId, z.string().max(100)])).max(MAX_OWNERS)

/** Who of the PC's users asked for which request. It outlives the agent, as the list of downloads does; the oldest go first. */
export class RequestOwners {
  readonly #path: string | null
  readonly #owners: Map<RequestId, string>
  #writing: Promise<void> = Promise.resolve()
  #waiting = false

  private constructor(path: string | null, kept: Iterable<readonly [RequestId, string]>) {
    this.#path = path
    this.#owners = new Map(kept)
  }

  /** @param path null: they are forgotten with this process. A damaged file counts as empty: nobody sees what is whose then. */
  static async open(path: string | null): Promise<RequestOwners> {
    const bytes = path === null ? undefined : await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    return new RequestOwners(path, parse(bytes?.toString('utf8')))
  }

  /** Id of the person; undefined: none of them, or it is forgotten. */
  of(id: RequestId): string | undefined {
    return this.#owners.get(id)
  }

  note(view: RequestView, person: Person): RequestView {
    this.#owners.set(view.id, person.id)
    for (const oldest of this.#owners.keys()) {
      if (this.#owners.size <= MAX_OWNERS) break
      this.#owners.delete(oldest)
    }
    this.#write()
    return view
  }

  /** What was noted is on the disk. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** One write after the other; what comes meanwhile goes with the next. */
  #write(): void {
    const path = this.#path
    if (path === null || this.#waiting) return
    this.#waiting = true
    this.#writing = this.#writing.then(async () => {
      this.#waiting = false
      await writePrivateFile(path, JSON.stringify([...this.#owners])).catch(() => {})
    })
  }
}

function parse(text: string | undefined): readonly (readonly [RequestId, string])[] {
  try {
    return text === undefined ? [] : Kept.parse(JSON.parse(text))
  } catch {
    return []
  }
}
