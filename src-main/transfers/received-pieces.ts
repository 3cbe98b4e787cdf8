import type { SourceSplit } from '../contract/request.ts'
import type { PieceLetter } from '../contract/snapshot.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import { pieceLength, type PiecePlan } from '../pieces/plan.ts'
import type { Arrivals } from './arrivals.ts'
import type { InFlight } from './in-flight.ts'

/** Which verified pieces of a transfer are here, how many bytes that is, where they came from, and how fast. */
export class ReceivedPieces {
  readonly #plan: PiecePlan
  readonly #have: Bitmap
  readonly #letters: PieceLetter[]
  readonly #arrivals: Arrivals
  /** `cacheBytes` were here before it began. */
  readonly #split: SourceSplit
  #haveBytes: number

  /** @param have the partial's own map; what it holds now was here before */
  constructor(plan: PiecePlan, have: Bitmap, arrivals: Arrivals) {
    this.#plan = plan
    this.#have = have
    this.#letters = Array.from({ length: plan.count }, () => 'c')
    this.#arrivals = arrivals
    this.#haveBytes = this.#count()
    this.#split = { originBytes: 0, peerBytes: 0, cacheBytes: this.#haveBytes }
  }

  get haveBytes(): number {
    return this.#haveBytes
  }

  get split(): Readonly<SourceSplit> {
    return this.#split
  }

  /** Bytes of pieces that are not here that have come in and are not verified yet. */
  get arrivingBytes(): number {
    return Math.min(this.#arrivals.underWay, this.#plan.lengthBytes - this.#haveBytes)
  }

  /** Bytes have come in since it began. */
  get hasReceived(): boolean {
    return this.#arrivals.received.origin + this.#arrivals.received.peer > 0
  }

  /** As bytes come in, over the last seconds. */
  get bytesPerSecond(): number {
    return this.#arrivals.bytesPerSecond
  }

  /** How long the rest still takes at the present rate, ms; null when nothing moves. */
  get remainingMs(): number | null {
    const rate = this.bytesPerSecond
    const left = this.#plan.lengthBytes - this.#haveBytes - this.arrivingBytes
    return rate > 0 ? (left / rate) * 1000 : null
  }

  /** A verified piece is stored. */
  arrived(index: number, bytes: number, from: 'origin' | 'peer'): void {
    this.#haveBytes += bytes
    this.#split[from === 'origin' ? 'originBytes' : 'peerBytes'] += bytes
    this.#letters[index] = from === 'origin' ? 'o' : 'p'
  }

  /** A piece that peers made is thrown away; its bytes do not count as theirs any more. */
  dropped(index: number): void {
    const bytes = pieceLength(this.#plan, index)
    this.#haveBytes -= bytes
    this.#split.peerBytes = Math.max(0, this.#split.peerBytes - bytes)
  }

  /** The map has lost pieces by itself: what is here is counted again. Where it came from stays true: it did come. */
  recount(): void {
    this.#haveBytes = this.#count()
  }

  /** A letter per piece in their order, as `PieceLetters` of the contract. */
  letters(inFlight: Pick<InFlight, 'has'>): string {
    return this.#letters
      .map((source, index) => (this.#have.has(index) ? source : inFlight.has(index) ? 'f' : '.'))
      .join('')
  }

  #count(): number {
    let bytes = 0
    for (const i of this.#have) bytes += pieceLength(this.#plan, i)
    return bytes
  }
}
