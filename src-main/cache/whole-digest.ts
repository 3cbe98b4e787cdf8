// Why it is like this: docs/decisions/0051-bytes-are-hashed-where-they-are.md
import type { Bitmap } from '../lib/bitmap.ts'
import { SHORT_FILE } from '../pieces/hash-messages.ts'
import type { HashPool, RunningDigest } from '../pieces/hashing.ts'
import { pieceStart, type PiecePlan } from '../pieces/plan.ts'
import { systemCode } from '../lib/errors.ts'

/** Bytes that gather before the digest moves on by reading them. */
const STEP_BYTES = 4 * 1024 * 1024

/**
 * SHA-256 of a whole content, running along behind the pieces had from the start without a gap. A piece that comes where the
 * digest stands is hashed while it is still in memory; others are read again.
 */
export class WholeDigest {
  readonly #hashes: HashPool
  readonly #path: string
  readonly #plan: PiecePlan
  readonly #have: Bitmap
  #running: RunningDigest
  /** Pieces had without a gap. */
  #prefix = 0
  /** Bytes that are hashed or about to be. */
  #ordered = 0
  #closed = false

  constructor(hashes: HashPool, path: string, plan: PiecePlan, have: Bitmap) {
    this.#hashes = hashes
    this.#path = path
    this.#plan = plan
    this.#have = have
    this.#running = hashes.running(path)
    if (plan.count > 1) hashes.prepare()
  }

  /** A piece has come and is in the file. Its memory is in use until this ends. */
  async added(index: number, data: Uint8Array): Promise<void> {
    while (this.#have.has(this.#prefix)) this.#prefix++
    const start = pieceStart(this.#plan, index)
    if (this.#prefix === index + 1 && start >= this.#ordered && start - this.#ordered < STEP_BYTES && isShared(data))
      await this.#order(start + data.length, (running) => running.take(start, data))
    else if (this.#prefixEnd() - this.#ordered >= STEP_BYTES)
      void this.#order(this.#prefixEnd(), (running) => running.advance(this.#prefixEnd()))
  }

  /** A piece is no longer had; what was hashed over it is void. */
  dropped(index: number): void {
    if (index >= this.#prefix) return
    this.#prefix = index
    this.#restart()
  }

  /** Digest of the whole; all pieces must be had. A hash worker that crashed costs one more reading. */
  async finish(): Promise<Buffer> {
    const { lengthBytes } = this.#plan
    try {
      return await this.#running.finish(lengthBytes)
    } catch (error) {
      if (systemCode(error) === SHORT_FILE || this.#closed) throw error
      this.#restart()
      return await this.#running.finish(lengthBytes)
    } finally {
      this.#restart()
    }
  }

  close(): void {
    this.#closed = true
    this.#running.close()
  }

  #prefixEnd(): number {
    return Math.min(pieceStart(this.#plan, this.#prefix), this.#plan.lengthBytes)
  }

  /** After an error it goes on with the next piece that comes, so that an error that stays does not spin. */
  async #order(end: number, step: (running: RunningDigest) => Promise<void>): Promise<void> {
    if (this.#closed) return
    const running = this.#running
    this.#ordered = end
    await step(running).catch(() => {
      if (running === this.#running) this.#ordered = running.position
    })
  }

  #restart(): void {
    this.#running.close()
    this.#ordered = 0
    if (!this.#closed) this.#running = this.#hashes.running(this.#path)
  }
}

function isShared(data: Uint8Array): data is Uint8Array<SharedArrayBuffer> {
  return data.buffer instanceof SharedArrayBuffer
}
