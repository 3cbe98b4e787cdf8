import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { UploadView } from '../../contract/snapshot.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { SlotQueue } from './slot-queue.ts'
import { slowBelow, yieldingSlot, type RunningAnswer } from './yielding-slot.ts'

/** Requests of one peer that are answered at the same time, whatever they are for. */
export const MAX_PER_PEER = 2
/** Over which time it is seen how fast a reader takes its bytes. */
const WINDOW_MS = 1500
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
  readonly sinceMs: number
  /** Taken by the reader. */
  bytes: number
  /** When it last took some. */
  movedMs: number
  /** Where `bytes` stood at the beginning of the last window and of the one before. */
  readonly marks: [{ atMs: number; bytes: number }, { atMs: number; bytes: number }]
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
  readonly #queue: SlotQueue
  /** What all slots together gave within a second, at best; forgotten slowly. */
  #linkBytesPerSecond = 0
  #second: { sinceMs: number; bytes: number } = { sinceMs: -Infinity, bytes: 0 }

  /** @param changed what `view` shows has changed: an upload began, went on, or ended */
  constructor(clock: Clock, slots: number, changed: () => void) {
    this.#clock = clock
    this.#slots = slots
    this.#changed = changed
    this.#queue = new SlotQueue(clock)
  }

  /** @returns undefined when there is no slot for this now */
  take(peer: PeerId, key: ContentKey, abort: () => void): Slot | undefined {
    const own = this.#count((slot) => slot.upload.peer === peer)
    if (own >= MAX_PER_PEER) return undefined
    if (this.#taken.size >= this.#slots && !(own === 0 && this.#makeRoomFor(peer))) return undefined
    this.#queue.served(peer)
    const upload = this.#uploads.get(idOf(peer, key)) ?? this.#begin(peer, key)
    this.#pauses.get(upload)?.cancel()
    this.#pauses.delete(upload)
    const sinceMs = this.#clock.monotonicMs()
    const mark = { atMs: sinceMs, bytes: 0 }
    const slot: Slot = { upload, abort, sinceMs, bytes: 0, movedMs: sinceMs, marks: [mark, mark] }
    this.#taken.add(slot)
    this.#changed()
    return slot
  }

  /** The reader has taken bytes. */
  moved(slot: Slot, bytes: number): void {
    const nowMs = this.#clock.monotonicMs()
    slot.bytes += bytes
    slot.movedMs = nowMs
    if (nowMs - slot.marks[1].atMs >= WINDOW_MS) {
      slot.marks.shift()
      slot.marks.push({ atMs: nowMs, bytes: slot.bytes })
    }
    const second = this.#second
    second.bytes += bytes
    const ms = nowMs - second.sinceMs
    if (ms < 1000) return
    this.#linkBytesPerSecond = Math.max(this.#linkBytesPerSecond * 0.95, (second.bytes / ms) * 1000)
    this.#second = { sinceMs: nowMs, bytes: 0 }
  }

  free(slot: Slot): void {
    const { upload } = slot
    this.#taken.delete(slot)
    if (this.#count((other) => other.upload === upload) > 0) return this.#changed()
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

  #count(which: (slot: Slot) => boolean): number {
    let count = 0
    for (const slot of this.#taken) if (which(slot)) count++
    return count
  }

  /** Ends an answer that has to yield, if there is one and nobody has waited longer than this peer. */
  #makeRoomFor(peer: PeerId): boolean {
    if (!this.#queue.isNext(peer)) return false
    const slots = [...this.#taken]
    const running = slots.map((slot) => this.#asRunning(slot))
    const index = yieldingSlot(running, this.#linkBytesPerSecond)
    if (index === null) return false
    const slot = slots[index]!
    if (running[index]!.bytesPerSecond <= slowBelow(this.#linkBytesPerSecond, slots.length))
      this.#queue.wasSlow(slot.upload.peer)
    this.#taken.delete(slot)
    slot.abort()
    return true
  }

  #asRunning({ sinceMs, bytes, movedMs, marks: [from] }: Slot): RunningAnswer {
    const nowMs = this.#clock.monotonicMs()
    // What the system took for the reader long ago says nothing about now.
    const isStill = nowMs - movedMs >= WINDOW_MS
    const bytesPerSecond = isStill ? 0 : ((bytes - from.bytes) / Math.max(1, nowMs - from.atMs)) * 1000
    return { forMs: nowMs - sinceMs, bytesPerSecond }
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
