// Why it is like this: docs/decisions/0013-the-window-asks-again-after-a-restart.md
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { finalRequestStates, RequestSpec, type RequestView } from '../contract/request.ts'
import { writePrivateFile } from '../lib/private-file.ts'

/** So many at most are asked for again; the oldest make room. */
const MAX_KEPT = 500
const MAX_FILE_CHARACTERS = 8_000_000

const Kept = z.object({ requests: z.array(RequestSpec).max(MAX_KEPT) })

/**
 * What the window has asked for and has not got yet, as `requests.json` in the data folder:
 *
 *     { "requests": [ { "url": "https://…", "destination": "/home/…", … } ] }
 *
 * It outlives the agent, so that the next one is asked again. Requests of other programs are theirs to repeat. What may
 * carry a credential (header fields, a user in the URL) is not written down.
 */
export class UnfinishedRequests {
  readonly #file: string
  readonly #onTrouble: (error: unknown) => void
  /** By request id; `left-3` for what an earlier run of the application has left. */
  readonly #specs = new Map<string, RequestSpec>()
  /** One write after the other; what changes meanwhile is in the next. */
  #writing: Promise<void> = Promise.resolve()
  #writeWaits = false

  constructor(file: string, onTrouble: (error: unknown) => void) {
    this.#file = file
    this.#onTrouble = onTrouble
    readKept(file).forEach((spec, at) => this.#specs.set(`left-${at}`, spec))
  }

  /** Oldest first. */
  all(): [id: string, spec: RequestSpec][] {
    return [...this.#specs]
  }

  add(id: string, spec: RequestSpec): void {
    if (!mayBeKept(spec)) return
    this.#specs.set(id, spec)
    for (const [oldest] of this.#specs) if (this.#specs.size > MAX_KEPT) this.#specs.delete(oldest)
    this.#write()
  }

  forget(id: string): void {
    if (this.#specs.delete(id)) this.#write()
  }

  /** Forgets a request that has ended, unless it ended only because the agent did. */
  changed({ id, state, error }: Pick<RequestView, 'id' | 'state' | 'error'>): void {
    if (finalRequestStates.includes(state) && error?.code !== 'SHUTTING_DOWN') this.forget(id)
  }

  /** Settles when all of it is on the disk. */
  written(): Promise<void> {
    return this.#writing
  }

  #write(): void {
    if (this.#writeWaits) return
    this.#writeWaits = true
    this.#writing = this.#writing
      .then(() => {
        this.#writeWaits = false
        return writePrivateFile(
          this.#file,
          `${JSON.stringify({ requests: [...this.#specs.values()] } satisfies z.infer<typeof Kept>)}\n`
        )
      })
      .catch(this.#onTrouble)
  }
}

/** A damaged file, or none, counts as empty. */
function readKept(file: string): RequestSpec[] {
  try {
    return Kept.parse(JSON.parse(readFileSync(file, 'utf8').slice(0, MAX_FILE_CHARACTERS))).requests
  } catch {
    return []
  }
}

function mayBeKept({ url, headers }: RequestSpec): boolean {
  if (headers !== undefined && Object.keys(headers).length > 0) return false
  const parsed = URL.parse(url)
  return parsed === null || (parsed.username === '' && parsed.password === '')
}
