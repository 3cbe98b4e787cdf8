import { statfs } from 'node:fs/promises'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'

const MIB = 1024 * 1024
/** The free space is asked for again after this many bytes written or this much time. */
const RECHECK_BYTES = 64 * MIB
const RECHECK_MS = 5000

/** True for the system's ways to say that a disk or a quota is full. */
export function isFull(thrown: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(thrown) ?? '')
}

/** Bytes a program without special rights can still write to the file system of `dir`. */
export async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

export interface DiskRoomPorts {
  readonly clock: Clock
  readonly minFreeBytes: () => number
  freeBytes(): Promise<number>
  /** Deletes what can go so that `neededBytes` more fit; with `refused`, whatever the free space is said to be. */
  evict(neededBytes: number, options: { refused: boolean }): Promise<void>
  onFull(): void
  onRecovered(): void
}

/** Keeps the minimum of free space and turns a full disk into one eviction, one more try, and DISK_FULL. */
export class DiskRoom {
  readonly #ports: DiskRoomPorts
  #free: number | null = null
  #checkedAt = -Infinity
  #writtenSince = 0
  #full = false

  constructor(ports: DiskRoomPorts) {
    this.#ports = ports
  }

  /** As far as known now; null before it was first asked for, or when it cannot be known. */
  get freeBytes(): number | null {
    return this.#free === null ? null : Math.max(0, this.#free - this.#writtenSince)
  }

  get full(): boolean {
    return this.#full
  }

  /** Asks the file system again. */
  async refresh(): Promise<number | null> {
    this.#free = await this.#ports.freeBytes().catch(() => null)
    this.#writtenSince = 0
    this.#checkedAt = this.#ports.clock.monotonicMs()
    return this.#free
  }

  /** So many more fit, and nothing has to be deleted for them. */
  async fits(bytes: number): Promise<boolean> {
    await this.refresh()
    return this.#fits(bytes)
  }

  /**
   * Makes sure that `bytes` more fit. With `keepRest` nothing is deleted for them.
   * @throws DISK_FULL, CACHE_TOO_SMALL with `keepRest`
   */
  async ensure(bytes: number, { keepRest = false } = {}): Promise<void> {
    const stale = this.#writtenSince >= RECHECK_BYTES || this.#ports.clock.monotonicMs() - this.#checkedAt >= RECHECK_MS
    if (stale || this.#full || !this.#fits(bytes)) await this.refresh()
    if (this.#fits(bytes)) return
    if (keepRest) throw tooSmall(bytes)
    await this.#ports.evict(bytes, { refused: false })
    await this.refresh()
    if (!this.#fits(bytes)) this.#fail(bytes)
  }

  /**
   * Does a write of about `bytes`; when the disk is full, makes room and does it once more.
   * @throws DISK_FULL, CACHE_TOO_SMALL with `keepRest`; CACHE_UNUSABLE for other errors of the system
   */
  async run<T>(bytes: number, write: () => Promise<T>, { keepRest = false } = {}): Promise<T> {
    await this.ensure(bytes, { keepRest })
    let result: T
    try {
      result = await write()
    } catch (error) {
      if (!isFull(error)) throw unusable(error)
      if (keepRest) throw tooSmall(bytes, error)
      await this.#ports.evict(Math.max(bytes, MIB), { refused: true })
      result = await write().catch((again) => {
        if (isFull(again)) this.#fail(bytes, again)
        throw unusable(again)
      })
    }
    this.#writtenSince += bytes
    if (this.#full) {
      this.#full = false
      this.#ports.onRecovered()
    }
    return result
  }

  #fits(bytes: number): boolean {
    const free = this.freeBytes
    return free === null || free - bytes >= this.#ports.minFreeBytes()
  }

  #fail(bytes: number, cause?: unknown): never {
    if (!this.#full) {
      this.#full = true
      this.#ports.onFull()
    }
    throw new LarderError('DISK_FULL', 'The disk of the cache is full', {
      neededBytes: bytes,
      freeBytes: this.freeBytes,
      cause
    })
  }
}

/** What is to be kept would need more than may be deleted for it. */
export function tooSmall(neededBytes: number, cause?: unknown): LarderError {
  return new LarderError('CACHE_TOO_SMALL', 'This content is too large for the cache', { neededBytes, cause })
}

/** Errors of the file system mean that the cache cannot work; others are passed on. */
function unusable(error: unknown): unknown {
  const isSystem = typeof (error as { syscall?: unknown } | null)?.syscall === 'string'
  return isSystem
    ? new LarderError('CACHE_UNUSABLE', `The cache cannot be written: ${(error as Error).message}`, { cause: error })
    : error
}
