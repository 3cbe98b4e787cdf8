import { existsSync, readFileSync } from 'node:fs'

const PNG_SIGNATURE = 0x89504e47

/** Just enough of a picture to find a missing or wrong one. */
export class NativeImage {
  readonly #bytes: Buffer | null
  readonly path_: string

  constructor(bytes: Buffer | null, path: string) {
    this.#bytes = bytes
    this.path_ = path
  }

  isEmpty(): boolean {
    return this.#bytes === null
  }
  getSize(): { width: number; height: number } {
    return this.#bytes
      ? { width: this.#bytes.readUInt32BE(16), height: this.#bytes.readUInt32BE(20) }
      : { width: 0, height: 0 }
  }
  isTemplateImage(): boolean {
    return /Template(@2x)?\.png$/.test(this.path_)
  }
  getScaleFactors(): number[] {
    return [1, ...(existsSync(this.path_.replace(/\.png$/, '@2x.png')) ? [2] : [])]
  }
}

export const nativeImage = {
  createEmpty: () => new NativeImage(null, ''),
  createFromPath(path: string): NativeImage {
    const bytes = existsSync(path) ? readFileSync(path) : null
    return new NativeImage(bytes && bytes.length > 24 && bytes.readUInt32BE(0) === PNG_SIGNATURE ? bytes : null, path)
  }
}
