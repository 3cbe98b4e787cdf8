/** What can hold writes back for a moment. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/**
 * What is written to a stream in one turn of the event loop goes out together: one TLS record and one call of the system
 * instead of one for each message.
 */
export class GatheredWrites {
  readonly #stream: Corkable
  #gathering = false

  constructor(stream: Corkable) {
    this.#stream = stream
  }

  /** Called before each write. */
  gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#stream.cork()
    setImmediate(() => {
      this.#gathering = false
      this.#stream.uncork()
    })
  }
}
