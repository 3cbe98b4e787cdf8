/** Who is connected to whom, by index: a bit for each pair, so that 5,000 PCs take 3 MB and not 12.5 million objects. Directed. */
export class Mesh {
  readonly size: number
  readonly #rowBytes: number
  readonly #bits: Uint8Array
  readonly #degrees: Uint32Array

  constructor(size: number) {
    this.size = size
    this.#rowBytes = Math.ceil(size / 8)
    this.#bits = new Uint8Array(size * this.#rowBytes)
    this.#degrees = new Uint32Array(size)
  }

  has(a: number, b: number): boolean {
    return (this.#bits[a * this.#rowBytes + (b >> 3)]! & (1 << (b & 7))) !== 0
  }

  /** How many `a` is connected to. */
  degree(a: number): number {
    return this.#degrees[a]!
  }

  /** @returns false when it was there already */
  add(a: number, b: number): boolean {
    if (this.has(a, b)) return false
    this.#bits[a * this.#rowBytes + (b >> 3)]! |= 1 << (b & 7)
    this.#degrees[a]!++
    return true
  }

  /** Both ways. */
  join(a: number, b: number): void {
    this.add(a, b)
    this.add(b, a)
  }

  /** @returns false when it was not there */
  delete(a: number, b: number): boolean {
    if (!this.has(a, b)) return false
    this.#bits[a * this.#rowBytes + (b >> 3)]! &= ~(1 << (b & 7))
    this.#degrees[a]!--
    return true
  }

  /** Those `a` is connected to, ascending. */
  *of(a: number): Generator<number> {
    const row = a * this.#rowBytes
    for (let at = 0; at < this.#rowBytes; at++) {
      const byte = this.#bits[row + at]!
      if (byte === 0) continue
      for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) yield at * 8 + bit
    }
  }
}
