import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { UploadView } from '../../contract/snapshot.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { SMALL_PER_SLOT } from '../../pieces/plan.ts'
import { SlotQueue } from './slot-queue.ts'
import { slowBelow, yieldingSlot, type RunningAnswer } from './yielding-slot.ts'

/** Requests of one peer that are answered at the same time, whatever they are for. */
export const MAX_PER_PEER = 2
/** A peer that finds all slots taken waits this long before it is told to come back. */
export const WAIT_FOR_SLOT_MS = 150
/** Over which time it is seen how fast a reader takes its bytes. */
const WINDOW_MS = 1500
/** A peer asks for a content run by run. One that asks again within this time has been served all along; refused ones come back sooner. */
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
  /** It takes a part of a slot only. */
  readonly small: boolean
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
  /** Those who wait for a slot right now, in the order in which they came. */
  readonly #waiting = new Map<() => boolean, PeerId>()
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

  /** @param small the content is one of those of which several take one slot. @returns undefined when there is no slot for this now */
  take(peer: PeerId, key: ContentKey, abort: () => void, small = false): Slot | undefined {
    const own = this.#count((slot) => slot.upload.peer === peer)
    if (own >= MAX_PER_PEER) return undefined
    // Large ones do not keep small ones waiting, nor the other way about.
    const most = small ? this.#slots * SMALL_PER_SLOT : this.#slots
    const running = this.#count((slot) => slot.small === small)
    if (running >= most && !(own === 0 && this.#makeRoomFor(peer, small))) return undefined
    this.#queue.served(peer)
    const upload = this.#uploads.get(idOf(peer, key)) ?? this.#begin(peer, key)
    this.#pauses.get(upload)?.cancel()
    this.#pauses.delete(upload)
    const sinceMs = this.#clock.monotonicMs()
    const mark = { atMs: sinceMs, bytes: 0 }
    const slot: Slot = { upload, small, abort, sinceMs, bytes: 0, movedMs: sinceMs, marks: [mark, mark] }
    this.#taken.add(slot)
    this.#changed()
    return slot
  }

  /**
   * {@link take}, or as soon as there is one within {@link WAIT_FOR_SLOT_MS}: a piece is over in less, and who is told to come back
   * comes back late. @param gone nobody waits for the answer any more
   */
  takeSoon(
    peer: PeerId,
    key: ContentKey,
    abort: () => void,
    { small, gone }: { readonly small: boolean; readonly gone: AbortSignal }
  ): Slot | undefined | Promise<Slot | undefined> {
    const slot = this.take(peer, key, abort, small)
    if (slot || gone.aborted || !this.#mayWait(peer)) return slot
    return new Promise((resolve) => {
      const settle = (taken: Slot | undefined) => {
        this.#waiting.delete(retry)
        limit.cancel()
        gone.removeEventListener('abort', giveUp)
        resolve(taken)
      }
      const giveUp = () => settle(undefined)
      const retry = () => {
        const taken = this.take(peer, key, abort, small)
        if (taken) settle(taken)
        return taken !== undefined
      }
      const limit = this.#clock.after(WAIT_FOR_SLOT_MS, giveUp)
      gone.addEventListener('abort', giveUp, { once: true })
      this.#waiting.set(retry, peer)
    })
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
    this.#end(slot)
    for (const retry of [...this.#waiting.keys()]) if (this.#waiting.has(retry)) retry()
  }

  #end(slot: Slot): void {
    const { upload } = slot
    this.#taken.delete(slot)
    if (this.#count((other) => other.upload === upload) > 0) return this.#changed()
    // A peer that got nothing was not served.
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

  /** Together with what is under way no more than is answered at the same time. */
  #mayWait(peer: PeerId): boolean {
    let own = this.#count((slot) => slot.upload.peer === peer)
    for (const id of this.#waiting.values()) if (id === peer) own++
    return own < MAX_PER_PEER
  }

  #count(which: (slot: Slot) => boolean): number {
    let count = 0
    for (const slot of this.#taken) if (which(slot)) count++
    return count
  }

  /** Ends an answer that has to yield, if there is one and nobody has waited longer than this peer. */
  #makeRoomFor(peer: PeerId, small: boolean): boolean {
    if (!this.#queue.isNext(peer)) return false
    const slots = [...this.#taken].filter((slot) => slot.small === small)
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
