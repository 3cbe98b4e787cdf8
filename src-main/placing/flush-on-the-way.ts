/** So much is written before the disk is asked to keep it. */
const FLUSH_BYTES = 32 * 1024 * 1024

/**
 * Has a long file flushed while it is written, so that its last flush, which nothing can break off, has little left to do however
 * long the file and however slow its disk. At most two portions are unflushed.
 */
export class FlushOnTheWay {
  readonly #flush: () => Promise<void>
  #unflushedBytes = 0
  #flushing: Promise<unknown> | null = null
  /** What is not flushed when the running flush ends is to be flushed then. */
  #again = false
  #failed: { readonly error: unknown } | null = null

  constructor(flush: () => Promise<void>) {
    this.#flush = flush
  }

  /** So many more bytes are in the file. Waits only for a disk that does not keep up. @throws what a flush has met */
  async wrote(bytes: number): Promise<void> {
    this.#unflushedBytes += bytes
    if (this.#unflushedBytes >= FLUSH_BYTES) {
      await this.#settled()
      this.#begin()
    }
    if (this.#failed) throw this.#failed.error
  }

  /** Nothing more will be written for now: begins to flush what there is. */
  soon(): void {
    if (this.#flushing) this.#again = true
    else if (this.#unflushedBytes > 0 && !this.#failed) this.#start()
  }

  /** Nothing more is written, and no flush is running. @throws what one has met: the system tells of lost bytes only once */
  async end(): Promise<void> {
    await this.#settled()
    if (this.#failed) throw this.#failed.error
  }

  async #settled(): Promise<void> {
    while (this.#flushing) await this.#flushing
  }

  #begin(): void {
    if (this.#unflushedBytes >= FLUSH_BYTES) this.#start()
  }

  #start(): void {
    this.#unflushedBytes = 0
    this.#again = false
    this.#flushing = this.#flush()
      .catch((error: unknown) => (this.#failed = { error }))
      .finally(() => {
        this.#flushing = null
        if (this.#again) this.soon()
      })
  }
}
