import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { UploadView } from '../../contract/snapshot.ts'
import type { Clock, Timer } from '../../lib/clock.ts'

/** Requests of one peer for one content that are answered at the same time. */
export const MAX_PER_PEER_AND_CONTENT = 4
/** A peer asks for a content run by run. Who asks again within this time has been served all along; refused ones come back sooner. */
export const BETWEEN_RUNS_MS = 1000

/** What one peer takes of one content, run after run. */
export interface Upload {
  readonly peer: PeerId
  readonly key: ContentKey
  pieces: number
  bytes: number
  readonly since: number
}

/** One answer under way. */
export interface Slot {
  readonly upload: Upload
  /** Ends it and its connection. */
  readonly abort: () => void
}

/** Who is being served right now; bounded, and fair to those who ask for other contents. */
export class UploadSlots {
  readonly #clock: Clock
  readonly #slots: number
  readonly #changed: () => void
  readonly #taken = new Set<Slot>()
  /** Those with answers under way, and those that may go on. By peer and content. */
  readonly #uploads = new Map<string, Upload>()
  readonly #pauses = new Map<Upload, Timer>()

  /** @param changed what `view` shows has changed: an upload began, went on, or ended */
  constructor(clock: Clock, slots: number, changed: () => void) {
    this.#clock = clock
    this.#slots = slots
    this.#changed = changed
  }

  /** @returns undefined when there is no slot for this now */
  take(peer: PeerId, key: ContentKey, abort: () => void): Slot | undefined {
    if (this.#taken.size >= this.#slots) return undefined
    const known = this.#uploads.get(idOf(peer, key))
    if (known && this.#answers(known) >= MAX_PER_PEER_AND_CONTENT) return undefined
    const upload = known ?? this.#begin(peer, key)
    this.#pauses.get(upload)?.cancel()
    this.#pauses.delete(upload)
    const slot = { upload, abort }
    this.#taken.add(slot)
    this.#changed()
    return slot
  }

  free(slot: Slot): void {
    const { upload } = slot
    this.#taken.delete(slot)
    if (this.#answers(upload) > 0) return this.#changed()
    // Who was given nothing was not served.
    if (upload.bytes === 0) return this.#forget(upload)
    this.#pauses.set(
      upload,
      this.#clock.after(BETWEEN_RUNS_MS, () => this.#forget(upload))
    )
    this.#changed()
  }

  /** Ends uploads to `peer`; with a key only those of that content. */
  abort(peer: PeerId, key?: ContentKey): void {
    for (const { upload, abort } of this.#taken)
      if (upload.peer === peer && (key === undefined || upload.key === key)) abort()
  }

  abortAll(): void {
    for (const { abort } of this.#taken) abort()
  }

  /** Uploads to one peer of one content are one line. */
  view(nameOf: (id: PeerId) => string): UploadView[] {
    return [...this.#uploads.values()].map((upload) => ({ ...upload, peerName: nameOf(upload.peer) }))
  }

  #answers(upload: Upload): number {
    let count = 0
    for (const slot of this.#taken) if (slot.upload === upload) count++
    return count
  }

  #begin(peer: PeerId, key: ContentKey): Upload {
    const upload = { peer, key, pieces: 0, bytes: 0, since: this.#clock.wallMs() }
    this.#uploads.set(idOf(peer, key), upload)
    return upload
  }

  #forget(upload: Upload): void {
    this.#pauses.delete(upload)
    this.#uploads.delete(idOf(upload.peer, upload.key))
    this.#changed()
  }
}

const idOf = (peer: PeerId, key: ContentKey): string => `${peer} ${key}`
