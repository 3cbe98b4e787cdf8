import { appendFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AgentEvent } from '../contract/events.ts'
import type { RequestId } from '../contract/ids.ts'
import { isFinal } from '../contract/progress.ts'
import { RequestView } from '../contract/request.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { linesOf } from '../lib/ndjson.ts'
import { makePrivateSync, readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { shownUrl } from '../lib/shown-text.ts'
import { destinationFailure } from '../placing/failure.ts'

/** Finished downloads are remembered for this long, at most this many. */
export const REMEMBERED_MS = 24 * 3600_000
export const MOST_REQUESTS = 200
const MOST_EVENTS = 1000
/** As many as a run may have in its list at once. */
const MOST_FORGOTTEN = 10_500
/** Two files of at most this size, the newer one first. */
const MAX_FILE_BYTES = 1024 * 1024
/** What a killed agent forgets, at most. */
const WRITE_EVERY_MS = 500

const Line = z.union([z.strictObject({ request: RequestView }), z.strictObject({ event: AgentEvent })])
type Line = z.infer<typeof Line>

/**
 * Finished downloads and events of this run and those before, for `larder why`, the list of downloads and the event log. One line
 * each, `{"request": …}` or `{"event": …}`, appended as it happens: `history.ndjson`, and `history.1.ndjson` with what is older.
 * Private to this user; URLs are kept without what is secret in them.
 */
export class History {
  readonly #dir: string
  readonly #clock: Clock
  /** Oldest first. */
  readonly #requests = new Map<RequestId, RequestView>()
  /** Of earlier runs, oldest first. */
  readonly formerEvents: readonly AgentEvent[]
  /** Of this run; not to be noted when their last word comes. */
  readonly #forgotten = new Set<RequestId>()
  #unwritten: string[] = []
  #sizeBytes: number
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()

  private constructor(dir: string, clock: Clock, lines: readonly Line[], sizeBytes: number) {
    this.#dir = dir
    this.#clock = clock
    this.#sizeBytes = sizeBytes
    const events: AgentEvent[] = []
    for (const line of lines) {
      if ('request' in line) this.#remember(line.request)
      // Numbers that do not grow belong to a file somebody put together.
      else if (line.event.seq > (events.at(-1)?.seq ?? 0)) events.push(line.event)
    }
    this.formerEvents = events.slice(-MOST_EVENTS)
  }

  /** What cannot be read is forgotten: a line that was cut off, another version's, a damaged file. */
  static async open(dir: string, clock: Clock): Promise<History> {
    const texts = await Promise.all(
      [olderFile(dir), newerFile(dir)].map(async (path) => {
        const bytes = await readPrivateFile(path, 2 * MAX_FILE_BYTES).catch(() => undefined)
        return bytes?.toString('utf8') ?? ''
      })
    )
    const size = await sizeOf(newerFile(dir))
    return new History(
      dir,
      clock,
      texts.flatMap((text) => linesOf(Line, text)),
      size
    )
  }

  /** Finished downloads that are not among `ids`, oldest first. Always the same objects. */
  others(ids: ReadonlySet<RequestId>): RequestView[] {
    const oldest = this.#clock.wallMs() - REMEMBERED_MS
    return [...this.#requests.values()].filter(({ id, finishedAt }) => !ids.has(id) && (finishedAt ?? 0) >= oldest)
  }

  find(id: RequestId): RequestView | undefined {
    return this.#requests.get(id)
  }

  /** What ended only because the agent did is not finished: whoever asked for it asks the next agent again. */
  noteRequest(view: RequestView): void {
    if (!isFinal(view) || view.error?.code === 'SHUTTING_DOWN' || this.#requests.has(view.id)) return
    if (this.#forgotten.has(view.id)) return
    this.#remember(view)
    this.#append({ request: { ...view, url: shownUrl(view.url) } })
  }

  /**
   * Removes downloads from memory and disk; what happened meanwhile stays in the event log.
   * @throws DISK_FULL, DESTINATION_UNWRITABLE when they are still on the disk
   */
  async forget(ids: ReadonlySet<RequestId>): Promise<void> {
    for (const id of ids) {
      this.#requests.delete(id)
      this.#forgotten.add(id)
    }
    for (const oldest of this.#forgotten) if (this.#forgotten.size > MOST_FORGOTTEN) this.#forgotten.delete(oldest)
    this.#timer?.cancel()
    this.#write()
    const done = this.#writing.then(async () => {
      for (const path of [olderFile(this.#dir), newerFile(this.#dir)]) await removeFrom(path, ids)
      this.#sizeBytes = await sizeOf(newerFile(this.#dir))
    })
    this.#writing = done.catch(() => {})
    await done
  }

  noteEvent(event: AgentEvent): void {
    this.#append({ event })
  }

  /** Writes the rest. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#write()
    await this.#writing
  }

  #remember(view: RequestView): void {
    this.#requests.set(view.id, view)
    for (const [oldest] of this.#requests) if (this.#requests.size > MOST_REQUESTS) this.#requests.delete(oldest)
  }

  #append(line: Line): void {
    this.#unwritten.push(`${JSON.stringify(line)}\n`)
    this.#timer ??= this.#clock.after(WRITE_EVERY_MS, () => this.#write())
  }

  #write(): void {
    this.#timer = null
    if (this.#unwritten.length === 0) return
    const text = this.#unwritten.splice(0).join('')
    // A disk that is full or fails costs history and nothing else.
    this.#writing = this.#writing.then(() => this.#writeNow(text)).catch(() => {})
  }

  async #writeNow(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text)
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes > MAX_FILE_BYTES) {
      await rm(olderFile(this.#dir), { force: true })
      await rename(newerFile(this.#dir), olderFile(this.#dir))
      this.#sizeBytes = 0
    }
    if (this.#sizeBytes === 0) makePrivateSync(newerFile(this.#dir))
    await appendFile(newerFile(this.#dir), text)
    this.#sizeBytes += bytes
  }
}

const newerFile = (dir: string): string => join(dir, 'history.ndjson')
const olderFile = (dir: string): string => join(dir, 'history.1.ndjson')

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0
  )

async function removeFrom(path: string, ids: ReadonlySet<RequestId>): Promise<void> {
  const bytes = await readPrivateFile(path, 2 * MAX_FILE_BYTES).catch(() => undefined)
  if (!bytes) return
  const lines = bytes.toString('utf8').split('\n')
  const kept = lines.filter((line) => !isAbout(line, ids))
  if (kept.length < lines.length)
    await writePrivateFile(path, kept.join('\n')).catch((error: unknown) => {
      throw destinationFailure(error, path)
    })
}

function isAbout(line: string, ids: ReadonlySet<RequestId>): boolean {
  try {
    const { request } = JSON.parse(line) as { readonly request?: { readonly id: RequestId } }
    return request !== undefined && ids.has(request.id)
  } catch {
    return false
  }
}
