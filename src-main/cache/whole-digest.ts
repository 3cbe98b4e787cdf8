import type { Bitmap } from '../lib/bitmap.ts'
import { SHORT_FILE } from '../pieces/hash-messages.ts'
import type { HashPool, RunningDigest } from '../pieces/hashing.ts'
import { pieceStart, type PiecePlan } from '../pieces/plan.ts'
import { systemCode } from '../lib/errors.ts'

/** Bytes that gather before the digest moves on. */
const STEP_BYTES = 4 * 1024 * 1024

/** SHA-256 of a whole content, running along behind the pieces had from the start without a gap. */
export class WholeDigest {
  readonly #hashes: HashPool
  readonly #path: string
  readonly #plan: PiecePlan
  readonly #have: Bitmap
  #running: RunningDigest
  /** Pieces had without a gap. */
  #prefix = 0
  #advancing = false
  #closed = false

  constructor(hashes: HashPool, path: string, plan: PiecePlan, have: Bitmap) {
    this.#hashes = hashes
    this.#path = path
    this.#plan = plan
    this.#have = have
    this.#running = hashes.running(path)
  }

  /** A piece has come. */
  added(): void {
    while (this.#have.has(this.#prefix)) this.#prefix++
    this.#move()
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

  #move(): void {
    const end = Math.min(pieceStart(this.#plan, this.#prefix), this.#plan.lengthBytes)
    if (this.#closed || this.#advancing || end - this.#running.position < STEP_BYTES) return
    const running = this.#running
    this.#advancing = true
    running.advance(end).then(
      () => this.#rest(running, true),
      () => this.#rest(running, false)
    )
  }

  /** After an error it waits for the next piece, so that an error that stays does not spin. */
  #rest(running: RunningDigest, goOn: boolean): void {
    if (running !== this.#running) return
    this.#advancing = false
    if (goOn) this.#move()
  }

  #restart(): void {
    this.#running.close()
    this.#advancing = false
    if (!this.#closed) this.#running = this.#hashes.running(this.#path)
  }
}
