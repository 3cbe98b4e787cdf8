import type { PieceLetter } from '../contract/snapshot.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import type { InFlight } from './in-flight.ts'

/** Where each verified piece of a transfer came from, for people to look at. */
export class PieceSources {
  readonly #letters: PieceLetter[]

  /** @param count pieces of the content; what is had and was never noted was here before */
  constructor(count: number) {
    this.#letters = Array.from({ length: count }, () => 'c')
  }

  note(index: number, source: 'o' | 'p'): void {
    this.#letters[index] = source
  }

  /** A letter per piece in their order, as `PieceLetters` of the contract. */
  letters(have: Bitmap, inFlight: Pick<InFlight, 'has'>): string {
    return this.#letters.map((source, index) => (have.has(index) ? source : inFlight.has(index) ? 'f' : '.')).join('')
  }
}
