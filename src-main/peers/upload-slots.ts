import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { UploadView } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'

/** Requests of one peer for one content that are answered at the same time. */
export const MAX_PER_PEER_AND_CONTENT = 4

/** One answer under way. */
export interface Upload {
  readonly peer: PeerId
  readonly key: ContentKey
  pieces: number
  bytes: number
  readonly since: number
  /** Ends it and its connection. */
  readonly abort: () => void
}

/** Who is being served right now; bounded, and fair to those who ask for other contents. */
export class UploadSlots {
  readonly #clock: Clock
  readonly #slots: number
  readonly #active = new Set<Upload>()

  constructor(clock: Clock, slots: number) {
    this.#clock = clock
    this.#slots = slots
  }

  /** @returns undefined when there is no slot for this now */
  take(peer: PeerId, key: ContentKey, abort: () => void): Upload | undefined {
    if (this.#active.size >= this.#slots) return undefined
    let same = 0
    for (const upload of this.#active) if (upload.peer === peer && upload.key === key) same++
    if (same >= MAX_PER_PEER_AND_CONTENT) return undefined
    const upload: Upload = { peer, key, pieces: 0, bytes: 0, since: this.#clock.wallMs(), abort }
    this.#active.add(upload)
    return upload
  }

  free(upload: Upload): void {
    this.#active.delete(upload)
  }

  /** Ends uploads to `peer`; with a key only those of that content. */
  abort(peer: PeerId, key?: ContentKey): void {
    for (const upload of this.#active) if (upload.peer === peer && (key === undefined || upload.key === key)) upload.abort()
  }

  abortAll(): void {
    for (const upload of this.#active) upload.abort()
  }

  /** Uploads to one peer of one content are one line. */
  view(nameOf: (id: PeerId) => string): UploadView[] {
    const lines = new Map<string, UploadView>()
    for (const { peer, key, pieces, bytes, since } of this.#active) {
      const line = lines.get(`${peer} ${key}`)
      lines.set(`${peer} ${key}`, {
        peer,
        peerName: nameOf(peer),
        key,
        pieces: pieces + (line?.pieces ?? 0),
        bytes: bytes + (line?.bytes ?? 0),
        since: Math.min(since, line?.since ?? since)
      })
    }
    return [...lines.values()]
  }
}
