import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { LocalClock } from '../lib/local-time.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

const Kept = z.object({
  month: z.string().regex(/^\d{4}-\d{2}$/),
  bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
})
const MAX_FILE_BYTES = 1024
/** The count is written at most this often; a crash loses no more than what was served since. */
const WRITE_EVERY_MS = 30_000

/** Bytes served to peers in this calendar month, by local time. Survives restarts. */
export class UploadCount {
  readonly #path: string
  readonly #clock: Clock
  readonly #localClock: LocalClock
  readonly #timer: { cancel(): void }
  #month: string
  #bytes: number
  #written: number
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, clock: Clock, local: LocalClock, kept: z.infer<typeof Kept> | null) {
    this.#path = path
    this.#clock = clock
    this.#localClock = local
    this.#month = kept?.month ?? this.#thisMonth()
    this.#bytes = this.#written = kept?.bytes ?? 0
    this.#timer = clock.every(WRITE_EVERY_MS, () => void this.#keep())
  }

  /** A damaged file counts from 0: it is a courtesy to the network, no account. */
  static async open(path: string, clock: Clock, local: LocalClock): Promise<UploadCount> {
    const bytes = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => null)
    return new UploadCount(path, clock, local, bytes ? parse(bytes.toString('utf8')) : null)
  }

  add(bytes: number): void {
    this.#turn()
    this.#bytes += bytes
  }

  /** `YYYY-MM` and what was served in it. */
  get current(): { month: string; bytes: number } {
    this.#turn()
    return { month: this.#month, bytes: this.#bytes }
  }

  async close(): Promise<void> {
    this.#timer.cancel()
    await this.#keep()
  }

  /** A new month begins at 0. A clock set back to an older one goes on counting in that, so that it does not last until the wrong one. */
  #turn(): void {
    const month = this.#thisMonth()
    if (month === this.#month) return
    if (month > this.#month) this.#bytes = 0
    this.#month = month
    this.#written = -1
  }

  #thisMonth(): string {
    const { year, month } = this.#localClock(this.#clock.wallMs())
    return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
  }

  /** One write after the other: an older count must not come to lie over a newer one. */
  #keep(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const { month, bytes } = this.current
      if (bytes === this.#written) return
      await writePrivateFile(this.#path, JSON.stringify({ month, bytes }))
      this.#written = bytes
    })
    return (this.#writing = this.#writing.catch(() => {}))
  }
}

function parse(text: string): z.infer<typeof Kept> | null {
  try {
    return Kept.parse(JSON.parse(text))
  } catch {
    return null
  }
}
