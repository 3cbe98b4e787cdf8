import { DiskCopy, type GrowingSource } from './growing-copy.ts'
import type { PartialParts } from './partial-parts.ts'

/** All copies that grow along with one partial. */
export class GrowingCopies {
  readonly #source: GrowingSource
  readonly #path: string
  readonly #parts: PartialParts
  readonly #copies = new Set<DiskCopy>()

  constructor(source: GrowingSource, path: string, parts: PartialParts) {
    this.#source = source
    this.#path = path
    this.#parts = parts
  }

  async begin(destination: string, options: { readonly overwrite: boolean }): Promise<DiskCopy | undefined> {
    const { layout, hashes, clock, room } = this.#parts
    const copy = await DiskCopy.begin(destination, options, this.#source, {
      cacheDir: layout.dir,
      path: this.#path,
      hashes,
      clock,
      onOver: (over) => this.#copies.delete(over),
      fits: (bytes) => room.fits(bytes)
    })
    if (copy) this.#copies.add(copy)
    return copy
  }

  /** A piece is stored. @returns when its bytes are no longer needed */
  async offer(index: number, digest: Buffer, data: Uint8Array): Promise<void> {
    if (this.#copies.size > 0) await Promise.all(Array.from(this.#copies, (copy) => copy.offer(index, digest, data)))
  }

  /** Their room is needed. @returns false when there are none */
  async discard(): Promise<boolean> {
    const copies = [...this.#copies]
    await Promise.all(copies.map((copy) => copy.discard()))
    return copies.length > 0
  }
}
