/** Bytes to be written once those of the piece are in the file. */
export interface Afterwards {
  readonly fd: number
  readonly position: number
  readonly bytes: Uint8Array
}

/**
 * SHA-256 away from the main thread, but for small pieces. Nothing is copied: shared memory is lent to the worker until the
 * call ends; any other buffer goes to the worker and comes back with the answer, so that after the call the caller's view may
 * be empty and the returned one holds the bytes.
 */
export interface HashPool {
  /** Digest of a buffer that owns its whole ArrayBuffer. Gives the buffer back. */
  digest(data: Uint8Array): Promise<{ digest: Buffer; data: Uint8Array }>
  /**
   * Hashes `data`; when `expected` is given and differs, nothing is written. Writes to `fd` at `position`, then what is to
   * come afterwards.
   * @throws the file system's error as it is (`ENOSPC`, `EIO`, …), with the buffer as its `data`, so that it can be tried again
   */
  digestAndWrite(job: {
    data: Uint8Array
    fd: number
    position: number
    expected?: Uint8Array
    afterwards?: Afterwards
  }): Promise<{ digest: Buffer; written: boolean; data: Uint8Array }>
  /** Digests of several ranges of a file, in order; a range beyond the end of the file gives null. */
  digestRanges(
    path: string,
    ranges: readonly { start: number; length: number }[],
    signal?: AbortSignal
  ): Promise<(Buffer | null)[]>
  /** Starts a thread, so that it is there when the first pieces come. */
  prepare(): void
  /** A SHA-256 over a file that grows from its start; for the digest of the whole while pieces arrive. */
  running(path: string): RunningDigest
  close(): Promise<void>
}

/** Hashes the bytes of one file in order, as far as told; those that are still in memory need not be read again. */
export interface RunningDigest {
  /** Bytes hashed so far. */
  readonly position: number
  /** Reads on up to byte `end` (exclusive). Calls queue up. */
  advance(end: number): Promise<void>
  /**
   * Reads on up to byte `start` and then takes `data`, the bytes that lie there in the file, from memory. Shared memory, lent to
   * the worker until this ends. Queues up with {@link advance}; what was hashed already is not hashed again.
   */
  take(start: number, data: Uint8Array<SharedArrayBuffer>): Promise<void>
  /** Digest of everything up to `end`; ends the running digest. */
  finish(end: number): Promise<Buffer>
  close(): void
}
