import type { Afterwards } from './hashing.ts'

/** Messages between the hash pool and one of its workers. Every job is answered once, under its id. */
export type HashJob =
  | { readonly id: number; readonly op: 'digest'; readonly data: Uint8Array }
  | {
      readonly id: number
      readonly op: 'write'
      readonly data: Uint8Array
      readonly fd: number
      readonly position: number
      readonly expected: Uint8Array | undefined
      readonly afterwards: Afterwards | undefined
    }
  /** `ranges` holds start, length, start, length, … in bytes. */
  | { readonly id: number; readonly op: 'ranges'; readonly path: string; readonly ranges: Float64Array<ArrayBuffer> }
  /** Hashes the file on up to `end`, then `next`, the bytes that follow there; `finish` asks for the digest and ends the running digest. */
  | {
      readonly id: number
      readonly op: 'advance'
      readonly running: number
      readonly path: string
      readonly end: number
      readonly next: Uint8Array | undefined
      readonly finish: boolean
    }

export type HashOrder =
  | HashJob
  /** Breaks off a job that reads a file; it is answered as aborted. */
  | { readonly op: 'abort'; readonly id: number }
  /** Forgets a running digest. */
  | { readonly op: 'forget'; readonly running: number }

/** The first word of a worker. */
export interface HashReady {
  readonly op: 'ready'
}

export type HashAnswer =
  /** `data` is the buffer that was handed over; none when it was shared. */
  | {
      readonly id: number
      readonly op: 'piece'
      readonly digest: Uint8Array
      readonly data: Uint8Array | undefined
      readonly written: boolean
    }
  /** 32 bytes per range; `found` says which of them lay within the file. */
  | { readonly id: number; readonly op: 'ranges'; readonly digests: Uint8Array; readonly found: Uint8Array }
  | { readonly id: number; readonly op: 'advance'; readonly position: number; readonly digest: Uint8Array | null }
  /** `data` is the buffer handed over for a write that failed, so that it can be tried again. */
  | { readonly id: number; readonly op: 'failed'; readonly error: PlainError; readonly data?: Uint8Array | undefined }

/** The memory to hand over with a message so that `data` is not copied; none where it is shared already. */
export function toHandOver({ buffer }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer ? [buffer] : []
}

/** A system error as it crosses threads; structured clone would lose its code. */
export interface PlainError {
  readonly message: string
  readonly code?: string
  readonly syscall?: string
  readonly path?: string
}

/** Code of a read past the end of a file that should be longer. */
export const SHORT_FILE = 'ERR_SHORT_FILE'
