/**
 * SHA-256 away from the main thread, but for small pieces. Buffers handed in go to the worker and come back with the answer,
 * so nothing is copied: after the call the caller's view may be empty, the returned one holds the bytes.
 */
export interface HashPool {
  /** Digest of a buffer that owns its whole ArrayBuffer. Gives the buffer back. */
  digest(data: Uint8Array<ArrayBuffer>): Promise<{ digest: Buffer; data: Uint8Array<ArrayBuffer> }>
  /**
   * Hashes `data`; when `expected` is given and differs, nothing is written. Writes to `fd` at `position` in the worker.
   * @throws the file system's error as it is (`ENOSPC`, `EIO`, …), with the buffer as its `data`, so that it can be tried again
   */
  digestAndWrite(job: { data: Uint8Array<ArrayBuffer>; fd: number; position: number; expected?: Uint8Array }): Promise<{ digest: Buffer; written: boolean; data: Uint8Array<ArrayBuffer> }>
  /** Digests of several ranges of a file, in order; a range beyond the end of the file gives null. */
  digestRanges(path: string, ranges: readonly { start: number; length: number }[], signal?: AbortSignal): Promise<(Buffer | null)[]>
  /** A SHA-256 over a file that grows from its start; for the digest of the whole while pieces arrive. */
  running(path: string): RunningDigest
  close(): Promise<void>
}

/** Hashes the bytes of one file in order, as far as told. */
export interface RunningDigest {
  /** Bytes hashed so far. */
  readonly position: number
  /** Reads on up to byte `end` (exclusive). Calls queue up. */
  advance(end: number): Promise<void>
  /** Digest of everything up to `end`; ends the running digest. */
  finish(end: number): Promise<Buffer>
  close(): void
}
