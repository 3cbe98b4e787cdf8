const SLICE_MS = 10
/** What may be saved up while nobody can take it; also the longest delay of the event loop that costs no rate. */
const BURST_MS = 40

/** One rate shared by all connections: a token bucket that is emptied in the order of asking. */
export class RateGate {
  #bytesPerSecond: number | null
  #tokens = 0
  #filledAt = performance.now()
  #waiting: { most: number; give: (bytes: number) => void }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(bytesPerSecond: number | null) {
    this.#bytesPerSecond = bytesPerSecond
  }

  get bytesPerSecond(): number | null {
    return this.#bytesPerSecond
  }

  set bytesPerSecond(value: number | null) {
    this.#fill()
    this.#bytesPerSecond = value
    this.#serve()
  }

  /** Waits for leave to send, and takes between 1 and `most` bytes of it. */
  take(most: number): Promise<number> {
    if (this.#bytesPerSecond === null) return Promise.resolve(most)
    return new Promise((resolve) => {
      this.#waiting.push({ most, give: resolve })
      this.#serve()
    })
  }

  /** Gives back what was taken and not sent. */
  giveBack(bytes: number): void {
    if (this.#bytesPerSecond !== null) this.#tokens += bytes
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { give } of this.#waiting.splice(0)) give(1)
  }

  #fill(): void {
    const now = performance.now()
    if (this.#bytesPerSecond !== null) {
      const most = Math.max(1, (this.#bytesPerSecond * BURST_MS) / 1000)
      this.#tokens = Math.min(most, this.#tokens + ((now - this.#filledAt) * this.#bytesPerSecond) / 1000)
    }
    this.#filledAt = now
  }

  #serve(): void {
    if (this.#timer !== undefined) return
    this.#fill()
    while (this.#waiting.length > 0) {
      if (this.#bytesPerSecond === null) {
        const next = this.#waiting.shift()!
        next.give(next.most)
        continue
      }
      const free = Math.floor(this.#tokens)
      // A slice's worth at least: leave of a few bytes each costs more CPU than the bytes are worth.
      const least = Math.max(
        1,
        Math.min(this.#waiting[0]!.most, Math.floor((this.#bytesPerSecond * SLICE_MS) / 1000 / this.#waiting.length))
      )
      if (free < least) break
      const share = Math.max(1, Math.ceil(free / this.#waiting.length))
      const next = this.#waiting.shift()!
      const bytes = Math.min(next.most, share)
      this.#tokens -= bytes
      next.give(bytes)
    }
    if (this.#waiting.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#serve()
    }, SLICE_MS)
  }
}
