import type { Sha256Hex } from '../contract/ids.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import type { FileStamp } from './file-stamp.ts'
import type { Sidecar } from './sidecar.ts'

/** Contents of which something is remembered, the newest. */
const MOST_CONTENTS = 4096
const MOST_SIDECARS = 256

/** What is known of contents because they were written or hashed in this run, and of no later one. */
export class KnownRight {
  /** Pieces whose bytes on disk were hashed: bit rot shows up at the first read, and each piece costs one hash. */
  readonly #pieces = new Map<Sha256Hex, Bitmap>()
  /** Stamps of small contents. */
  readonly #stamps = new Map<Sha256Hex, FileStamp>()
  /** Sidecars of small contents as they were written last: most are used at once. */
  readonly #sidecars = new Map<Sha256Hex, Sidecar>()

  /** Its pieces, to be added to. */
  pieces(sha256: Sha256Hex, count: number): Bitmap {
    const known = this.#pieces.get(sha256)
    if (known) return known
    const none = new Bitmap(count)
    keepLatest(this.#pieces, sha256, none, MOST_CONTENTS)
    return none
  }

  /** All of its bytes are right. */
  noteWhole(sha256: Sha256Hex, pieceCount: number): void {
    keepLatest(this.#pieces, sha256, Bitmap.full(pieceCount), MOST_CONTENTS)
  }

  stamp(sha256: Sha256Hex): FileStamp | undefined {
    return this.#stamps.get(sha256)
  }

  noteStamp(sha256: Sha256Hex, stamp: FileStamp): void {
    keepLatest(this.#stamps, sha256, stamp, MOST_CONTENTS)
  }

  sidecar(sha256: Sha256Hex): Sidecar | undefined {
    return this.#sidecars.get(sha256)
  }

  noteSidecar(sidecar: Sidecar): void {
    keepLatest(this.#sidecars, sidecar.sha256, sidecar, MOST_SIDECARS)
  }

  /** It is being changed. */
  forgetSidecar(sha256: Sha256Hex): void {
    this.#sidecars.delete(sha256)
  }

  /** Its files are to be looked at, whatever is known. */
  doubt(sha256: Sha256Hex): void {
    this.#stamps.delete(sha256)
    this.#sidecars.delete(sha256)
  }

  forget(sha256: Sha256Hex): void {
    this.doubt(sha256)
    this.#pieces.delete(sha256)
  }
}
