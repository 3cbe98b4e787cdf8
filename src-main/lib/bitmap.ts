/** A fixed number of bits, most significant first within a byte; the form in which piece maps travel. */
export class Bitmap {
  readonly size: number
  readonly bytes: Uint8Array
  #count = 0

  constructor(size: number, bytes?: Uint8Array) {
    this.size = size
    this.bytes = new Uint8Array(Math.ceil(size / 8))
    if (bytes) {
      if (bytes.length !== this.bytes.length)
        throw new RangeError(`expected ${this.bytes.length} bytes for ${size} bits, got ${bytes.length}`)
      this.bytes.set(bytes)
      const spare = this.bytes.length * 8 - size
      if (spare > 0 && this.bytes.length > 0) this.bytes[this.bytes.length - 1]! &= (0xff << spare) & 0xff
      for (let i = 0; i < size; i++) if (this.has(i)) this.#count++
    }
  }

  static full(size: number): Bitmap {
    return new Bitmap(size, new Uint8Array(Math.ceil(size / 8)).fill(0xff))
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count
  }

  get complete(): boolean {
    return this.#count === this.size
  }

  has(index: number): boolean {
    return index >= 0 && index < this.size && (this.bytes[index >> 3]! & (0x80 >> (index & 7))) !== 0
  }

  /** Sets a bit; true when it was not set before. */
  add(index: number): boolean {
    if (index < 0 || index >= this.size) throw new RangeError(`bit ${index} of ${this.size}`)
    if (this.has(index)) return false
    this.bytes[index >> 3]! |= 0x80 >> (index & 7)
    this.#count++
    return true
  }

  /** Clears a bit; true when it was set before. */
  delete(index: number): boolean {
    if (!this.has(index)) return false
    this.bytes[index >> 3]! &= ~(0x80 >> (index & 7))
    this.#count--
    return true
  }

  /** Indices of set bits, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.size; i++) if (this.has(i)) yield i
  }

  clone(): Bitmap {
    return new Bitmap(this.size, this.bytes)
  }

  toBase64(): string {
    return Buffer.from(this.bytes).toString('base64')
  }
}
