import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PeerId, Sha256Hex, type RequestId } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import { linesOf } from '../lib/ndjson.ts'
import { makePrivateSync, readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { shownUrl } from '../lib/shown-text.ts'

/** Remembered for this long, at most this many: a false content is found out late, when somebody draws it. */
const REMEMBERED_MS = 90 * 24 * 3600_000
const MOST = 2000
const MOST_SIGNERS = 16
const MAX_FILE_BYTES = 8 * 1024 * 1024

const Delivery = z.strictObject({
  /** Wall clock, ms since 1970. */
  at: z.number(),
  sha256: Sha256Hex,
  url: z.string().max(8192),
  destination: z.string().max(4096),
  /** Who signed its pieces, where no digest spoke for them. */
  signers: z.array(PeerId).max(MOST_SIGNERS)
})
/** A content that was put somewhere for a program. */
export type Delivery = z.infer<typeof Delivery>

/**
 * Which contents were put where, over restarts, so that whoever got one is told when it is recalled: `deliveries.ndjson` in the data
 * folder, one line each, for this user alone.
 */
export class Deliveries {
  readonly #path: string
  readonly #clock: Clock
  /** Requests of this run whose files are noted. */
  readonly #noted = new Set<RequestId>()
  /** Oldest first. */
  #all: Delivery[]
  #lines: number
  /** Lines that the next write takes along. */
  #unwritten: string[] = []
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, clock: Clock, all: Delivery[]) {
    this.#path = path
    this.#clock = clock
    this.#lines = all.length
    this.#all = all
    this.#forgetOld()
    if (this.#all.length < this.#lines) this.#rewrite()
  }

  /** Lines that cannot be read are forgotten. */
  static async open(dataDir: string, clock: Clock): Promise<Deliveries> {
    const path = join(dataDir, 'deliveries.ndjson')
    const bytes = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    return new Deliveries(path, clock, linesOf(Delivery, bytes?.toString('utf8') ?? ''))
  }

  /** A request has ended; noted once. @param signers of its pieces, where nothing but their word or a sample speaks for it */
  note({ id, state, sha256, url, destination }: RequestView, signers: () => readonly PeerId[]): void {
    if (state !== 'done' || sha256 === null || destination === null || this.#noted.has(id)) return
    this.#noted.add(id)
    for (const oldest of this.#noted) if (this.#noted.size > MOST) this.#noted.delete(oldest)
    const at = this.#clock.wallMs()
    const delivery = { at, sha256, url: shownUrl(url), destination, signers: signers().slice(0, MOST_SIGNERS) }
    this.#all.push(delivery)
    this.#lines++
    this.#forgetOld()
    if (this.#lines > 2 * MOST) return this.#rewrite()
    this.#unwritten.push(`${JSON.stringify(delivery)}\n`)
    // What comes while one write is under way goes together with the next.
    if (this.#unwritten.length > 1) return
    this.#write(async () => {
      const text = this.#unwritten.splice(0).join('')
      if (text === '') return
      makePrivateSync(this.#path)
      await appendFile(this.#path, text)
    })
  }

  /** Those of a content. They are forgotten: whoever got one is told once. */
  take(sha256: Sha256Hex): Delivery[] {
    const taken = this.#all.filter((one) => one.sha256 === sha256)
    if (taken.length === 0) return taken
    this.#all = this.#all.filter((one) => one.sha256 !== sha256)
    this.#rewrite()
    return taken
  }

  /** Contents of which this member signed pieces. */
  signedBy(signer: PeerId): Sha256Hex[] {
    return this.#all.flatMap(({ sha256, signers }) => (signers.includes(signer) ? [sha256] : []))
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
  }

  #forgetOld(): void {
    const oldest = this.#clock.wallMs() - REMEMBERED_MS
    if (this.#all.length <= MOST && (this.#all[0]?.at ?? oldest) >= oldest) return
    this.#all = this.#all.filter(({ at }) => at >= oldest).slice(-MOST)
  }

  #rewrite(): void {
    this.#lines = this.#all.length
    this.#unwritten = []
    const text = this.#all.map((one) => `${JSON.stringify(one)}\n`).join('')
    this.#write(() => writePrivateFile(this.#path, text))
  }

  /** A disk that is full or fails costs the memory of it over a restart. */
  #write(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).catch(() => {})
  }
}
