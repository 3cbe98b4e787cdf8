import { createHash } from 'node:crypto'

/** Text that is gathered before it is hashed; a call for each line would cost more than the hash. */
const GATHERED_CHARACTERS = 64 * 1024

/** One hash over everything that happened, in order: two runs that were the same have the same one. */
export class TraceHash {
  readonly #hash = createHash('sha256')
  #gathered = ''
  #lines = 0

  /** Lines so far. */
  get lines(): number {
    return this.#lines
  }

  add(line: string): void {
    this.#lines++
    this.#gathered += `${line}\n`
    if (this.#gathered.length >= GATHERED_CHARACTERS) this.#flush()
  }

  /** Of all lines so far, 16 hexadecimal digits. */
  get digest(): string {
    this.#flush()
    return this.#hash.copy().digest('hex').slice(0, 16)
  }

  #flush(): void {
    this.#hash.update(this.#gathered)
    this.#gathered = ''
  }
}
