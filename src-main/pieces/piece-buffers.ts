import type { Clock, Timer } from '../lib/clock.ts'

/** Below this size the collector is cheaper than keeping books. */
const SMALL_BYTES = 64 * 1024
/** Memory that lies ready at most; what comes back above it is dropped. */
const MOST_FREE_BYTES = 24 * 1024 * 1024
/** Nothing lies ready longer than this after the last use. */
const KEEP_MS = 30_000

/** Memory of one piece, on loan. */
export interface PieceBuffer {
  readonly data: Buffer
  /** Gives the memory back; it must not be touched afterwards. Harmless to repeat; if forgotten, the garbage collector frees it. */
  release(): void
}

/**
 * Memory for pieces, used again and again. A fresh MiB per piece keeps the garbage collector busier than TLS: it is told of
 * each and marks the whole heap every few pieces. The memory is shared between threads, so that a piece is hashed and
 * written by a worker without being handed over; whoever borrows it must wait for the worker before releasing it.
 */
export class PieceBuffers {
  readonly #clock: Clock
  /** Free memory by capacity. */
  readonly #free = new Map<number, SharedArrayBuffer[]>()
  #freeBytes = 0
  #idle: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Bytes that lie ready. */
  get freeBytes(): number {
    return this.#freeBytes
  }

  /** Memory of exactly `lengthBytes`; what lies in it is left over from others. */
  take(lengthBytes: number): PieceBuffer {
    if (lengthBytes <= SMALL_BYTES) return lone(Buffer.allocUnsafeSlow(lengthBytes))
    const capacity = 2 ** Math.ceil(Math.log2(lengthBytes))
    const known = this.#free.get(capacity)?.pop()
    if (known) this.#freeBytes -= capacity
    const memory = known ?? new SharedArrayBuffer(capacity)
    let onLoan = true
    return {
      data: Buffer.from(memory, 0, lengthBytes),
      release: () => {
        if (onLoan) this.#giveBack(memory)
        onLoan = false
      }
    }
  }

  /** Drops what lies ready. */
  clear(): void {
    this.#idle?.cancel()
    this.#free.clear()
    this.#freeBytes = 0
  }

  #giveBack(memory: SharedArrayBuffer): void {
    const capacity = memory.byteLength
    if (this.#freeBytes + capacity > MOST_FREE_BYTES) return
    const free = this.#free.get(capacity)
    if (free) free.push(memory)
    else this.#free.set(capacity, [memory])
    this.#freeBytes += capacity
    this.#idle?.cancel()
    this.#idle = this.#clock.after(KEEP_MS, () => this.clear())
  }
}

/** A piece in memory that belongs to nobody else. */
export function lone(data: Buffer): PieceBuffer {
  return { data, release: () => {} }
}
