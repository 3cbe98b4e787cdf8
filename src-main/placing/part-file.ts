// Why it is like this: docs/decisions/0053-one-way-to-put-a-file-somewhere.md
import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { systemDisk, type Disk } from './disk.ts'
import { destinationFailure, inUse } from './failure.ts'
import { FlushOnTheWay } from './flush-on-the-way.ts'
import { partsBeside } from './leftovers.ts'
import { keptPartName, newPartName, sourceId, type SourceFacts } from './part-name.ts'
import { putOver, putWhereNothingIs } from './put-in-place.ts'
import { syncFolder } from './rename.ts'
import { giveRights } from './rights.ts'
import { thisProcess, type ThisProcess } from './this-process.ts'

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW
const AGAIN = constants.O_RDWR | NO_FOLLOW
/** Nobody else reads a part: its content may be a secret until it has the rights of its destination. */
const MODE = 0o600
const READ_BYTES = 1 << 20

export interface PartOptions {
  readonly overwrite: boolean
  readonly clock: Clock
  /** Null or absent: the next try cannot go on with it. */
  readonly source?: SourceFacts | null
  /** A part longer than this is not gone on with. */
  readonly lengthBytes?: number | null
  /** False: another writer of the same destination is no reason to refuse, because it is given up. */
  readonly exclusive?: boolean
  readonly disk?: Disk
  readonly process?: ThisProcess
}

/**
 * A file on its way to its destination, beside it until it is whole.
 *
 *     open ──► write… ──► commit     the destination is the old file, or none, or the whole new one
 *                │
 *                ├──► setAside       flushed and kept for the next try from the same source
 *                └──► discard        nothing is left
 *
 * Its digest is that of the bytes the file system said it took, in order: a short write is gone on with, and `commit` compares the length of
 * the flushed file. Reading it back would only ask the memory that was just written. What a former try left is read and digested again.
 */
export class PartFile {
  readonly destination: string
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #overwrite: boolean
  readonly #source: string | null
  readonly #handle: FileHandle
  readonly #path: string
  readonly #flushes: FlushOnTheWay
  #hash: Hash = createHash('sha256')
  /** False once others write to the file: then the digest is theirs. */
  #digested = true
  #bytes = 0
  #closed = false

  /** For `open` and `clone-file`. */
  constructor(path: string, handle: FileHandle, destination: string, options: PartOptions) {
    this.#path = path
    this.#handle = handle
    this.#flushes = new FlushOnTheWay(() => handle.datasync())
    this.destination = destination
    this.#disk = options.disk ?? systemDisk
    this.#clock = options.clock
    this.#overwrite = options.overwrite
    this.#source = options.source ? sourceId(options.source) : null
  }

  /**
   * Begins a file, or goes on with what a former try from the same source left; removes what is left of others.
   * @param destination as {@link resolveDestination} gives it
   * @throws DESTINATION_BUSY, DESTINATION_UNWRITABLE, DESTINATION_INVALID, DISK_FULL
   */
  static async open(destination: string, options: PartOptions): Promise<PartFile> {
    const { disk = systemDisk, process: self = thisProcess() } = options
    const source = options.source ? sourceId(options.source) : null
    const path = join(dirname(destination), newPartName(destination, source, self))
    let part: PartFile | undefined
    for (const old of await clearWay(destination, options)) {
      if (!part) part = await resumed(old, path, destination, options)
      else await disk.unlink(old).catch(() => {})
    }
    if (part) return part
    try {
      return new PartFile(path, await disk.open(path, NEW, MODE), destination, options)
    } catch (error) {
      throw destinationFailure(error, destination)
    }
  }

  /** Bytes that are in the file; at first those of a former try. */
  get bytes(): number {
    return this.#bytes
  }

  /** Where it lies until it is put in place. */
  get path(): string {
    return this.#path
  }

  /** For whoever writes by himself; see {@link wroteElsewhere}. */
  get fd(): number {
    return this.#handle.fd
  }

  /** SHA-256 of all bytes so far. */
  digest(): Sha256Hex {
    if (!this.#digested) throw new LarderError('INTERNAL', 'The digest is known to whoever wrote the file')
    return Sha256Hex.parse(this.#hash.copy().digest('hex'))
  }

  /** Writes all of `chunk` behind what is there. @throws DISK_FULL, DESTINATION_UNWRITABLE */
  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < chunk.byteLength;) {
        const { bytesWritten } = await this.#handle.write(chunk, done, chunk.byteLength - done, this.#bytes)
        if (bytesWritten <= 0)
          throw Object.assign(new Error('the file system takes no more bytes'), { code: 'EIO', syscall: 'write' })
        this.#hash.update(chunk.subarray(done, done + bytesWritten))
        done += bytesWritten
        this.#bytes += bytesWritten
        await this.#flushes.wrote(bytesWritten)
      }
    } catch (error) {
      throw destinationFailure(error, this.destination)
    }
  }

  /** So many more bytes have been written to {@link fd}. Waits for a disk that does not keep up. @throws what its flush has met */
  writingElsewhere(bytes: number): Promise<void> {
    return this.#flushes.wrote(bytes)
  }

  /** All has been written to {@link fd}: the flush that {@link commit} waits for begins. */
  flushSoon(): void {
    this.#flushes.soon()
  }

  /** The whole of `bytes` has been written to {@link fd} and checked there. */
  wroteElsewhere(bytes: number): void {
    this.#bytes = bytes
    this.#digested = false
  }

  /** Takes in what a file of a former try holds. */
  async readBack(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#bytes)
      if (bytesRead === 0) return
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.#bytes += bytesRead
    }
  }

  /** Forgets all bytes, to start again. @throws DESTINATION_UNWRITABLE */
  async restart(): Promise<void> {
    try {
      await this.#handle.truncate(0)
    } catch (error) {
      throw destinationFailure(error, this.destination)
    }
    this.#hash = createHash('sha256')
    this.#digested = true
    this.#bytes = 0
  }

  /**
   * The file is whole: flushes it and gives it its name and rights. Discards it when that fails.
   * @throws DESTINATION_EXISTS when it must not replace what is there by now, DISK_FULL, DESTINATION_UNWRITABLE; the signal's reason
   */
  async commit(signal?: AbortSignal): Promise<void> {
    const { destination } = this
    try {
      await giveRights(this.#handle, destination, this.#disk)
      await this.#flushes.end()
      await this.#handle.sync()
      await this.#mustBeWhole()
      await this.#close()
      signal?.throwIfAborted()
      if (this.#overwrite) await putOver(this.#path, destination, this.#clock, this.#disk)
      else await putWhereNothingIs(this.#path, destination, this.#clock, this.#disk)
    } catch (error) {
      await this.discard()
      throw destinationFailure(error, destination)
    }
    await syncFolder(dirname(destination), this.#disk)
  }

  /** Keeps what is there for the next try where it can be gone on with; discards it otherwise. Never throws. @returns it is kept */
  async setAside(): Promise<boolean> {
    if (this.#source === null || this.#bytes === 0 || this.#closed) {
      await this.discard()
      return false
    }
    const kept = join(dirname(this.destination), keptPartName(this.destination, this.#source))
    try {
      await this.#flushes.end()
      await this.#handle.sync()
      await this.#close()
      await this.#disk.rename(this.#path, kept)
      return true
    } catch {
      await this.discard()
      return false
    }
  }

  /** Leaves nothing behind. Never throws; idempotent, and without effect after `commit`. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {})
    await this.#disk.unlink(this.#path).catch(() => {})
  }

  /** The flushed file has all bytes, and its name still leads to it. */
  async #mustBeWhole(): Promise<void> {
    const written = await this.#handle.stat()
    if (written.size !== this.#bytes)
      throw new LarderError('DESTINATION_UNWRITABLE', `${this.destination} has lost bytes while it was written`, {
        destination: this.destination,
        writtenBytes: this.#bytes,
        sizeBytes: written.size
      })
    // Windows numbers files differently by handle and by name.
    if (process.platform === 'win32') return
    const named = await this.#disk.lstat(this.#path)
    if (named.ino !== written.ino || named.dev !== written.dev)
      throw new LarderError('DESTINATION_UNWRITABLE', `Somebody has replaced the file beside ${this.destination}`, {
        destination: this.destination
      })
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}

/**
 * Removes what other tries left beside a destination.
 * @returns parts that can be gone on with
 * @throws DESTINATION_BUSY
 */
export async function clearWay(destination: string, options: PartOptions): Promise<string[]> {
  const { disk = systemDisk, process: self = thisProcess() } = options
  const source = options.source ? sourceId(options.source) : null
  const beside = await partsBeside(destination, source, { disk, process: self })
  if (options.exclusive !== false && beside.some(({ fate }) => fate === 'busy')) throw inUse(destination)
  for (const { path, fate } of beside) if (fate === 'remove') await disk.unlink(path).catch(() => {})
  return beside.filter(({ fate }) => fate === 'resume').map(({ path }) => path)
}

/** Takes over what lies at `old`: the rename is what only one of several can do. @returns undefined when it cannot be gone on with; it is gone then */
async function resumed(
  old: string,
  path: string,
  destination: string,
  options: PartOptions
): Promise<PartFile | undefined> {
  const { disk = systemDisk, lengthBytes = null } = options
  try {
    await disk.rename(old, path)
  } catch {
    return undefined
  }
  let handle: FileHandle | undefined
  try {
    handle = await disk.open(path, AGAIN)
    const { uid, mode, nlink, size } = await handle.stat()
    const ours = process.platform === 'win32' || (uid === process.geteuid?.() && (mode & 0o077) === 0)
    if (ours && nlink === 1 && (lengthBytes === null || size <= lengthBytes)) {
      const part = new PartFile(path, handle, destination, options)
      await part.readBack()
      return part
    }
  } catch {
    // Not readable: as good as not there.
  }
  await handle?.close().catch(() => {})
  await disk.unlink(path).catch(() => {})
  return undefined
}
