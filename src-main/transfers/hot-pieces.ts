import type { Clock, Timer } from '../lib/clock.ts'

const MAX_BYTES = 8 * 1024 * 1024
/** Nothing is kept longer than this after the last use. */
const KEEP_MS = 30_000

/**
 * Pieces read lately, by their digest. A new piece is wanted by everybody at the same moment; it is read from the disk once.
 * Larger pieces leave room for fewer.
 */
export class HotPieces {
  readonly #pieces = new Map<string, { readonly data: Promise<Buffer>; bytes: number }>()
  readonly #clock: Clock
  #bytes = 0
  #idle: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the piece of this digest, read by `read` unless it is at hand. Callers must not change it. */
  get(digest: Buffer, read: () => Promise<Buffer>): Promise<Buffer> {
    const name = digest.toString('latin1')
    this.#idle?.cancel()
    this.#idle = this.#clock.after(KEEP_MS, () => this.clear())
    const known = this.#pieces.get(name)
    if (known) {
      this.#pieces.delete(name)
      this.#pieces.set(name, known)
      return known.data
    }
    const data = read()
    const entry = { data, bytes: 0 }
    this.#pieces.set(name, entry)
    data.then(
      ({ length }) => {
        if (this.#pieces.get(name) !== entry) return
        entry.bytes = length
        this.#bytes += length
        this.#trim()
      },
      () => this.#forget(name)
    )
    return data
  }

  clear(): void {
    this.#idle?.cancel()
    this.#pieces.clear()
    this.#bytes = 0
  }

  #trim(): void {
    for (const name of this.#pieces.keys()) {
      if (this.#bytes <= MAX_BYTES) return
      this.#forget(name)
    }
  }

  #forget(name: string): void {
    this.#bytes -= this.#pieces.get(name)?.bytes ?? 0
    this.#pieces.delete(name)
  }
}
