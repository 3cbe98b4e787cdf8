import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { sleep } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'

/** Takes the bytes of a download; they count only after `commit`. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>
  /** Forgets what was written, to start again. */
  restart(): Promise<void>
  commit(): Promise<void>
  /** Leaves nothing behind. Idempotent; without effect after `commit`. */
  discard(): Promise<void>
}

/** Collects a download in memory. */
export class MemorySink implements Sink {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** @throws BAD_REQUEST when it gets too long */
  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength
    if (this.#bytes > this.#maxBytes) throw tooLong(this.#maxBytes)
    this.#chunks.push(Buffer.from(chunk))
  }

  async restart(): Promise<void> {
    this.#chunks = []
    this.#bytes = 0
  }

  async commit(): Promise<void> {}

  discard(): Promise<void> {
    return this.restart()
  }
}

/** Passes everything on, and remembers it unless it gets longer than `maxBytes`. */
export class RememberingSink implements Sink {
  readonly #sink: Sink
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(sink: Sink, maxBytes: number) {
    this.#sink = sink
    this.#maxBytes = maxBytes
  }

  /** Undefined when it got too long. */
  get data(): Buffer | undefined {
    return this.#bytes <= this.#maxBytes ? Buffer.concat(this.#chunks) : undefined
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(Buffer.from(chunk))
    else this.#chunks = []
    await this.#sink.write(chunk)
  }

  async restart(): Promise<void> {
    this.#chunks = []
    this.#bytes = 0
    await this.#sink.restart()
  }

  commit(): Promise<void> {
    return this.#sink.commit()
  }

  discard(): Promise<void> {
    return this.#sink.discard()
  }
}

/** What a download without destination must not pass. */
export const tooLong = (maxBytes: number): LarderError =>
  new LarderError('BAD_REQUEST', `The content is longer than ${maxBytes} bytes; give it a destination file`, {
    field: 'destination',
    maxBytes
  })

const PART_TRIES = 3
/** Virus scanners and indexers on Windows hold a new file open for a moment. */
const RENAME_PAUSES_MS = [50, 200, 500, 1000]

/**
 * Writes `.<name>.<random>.larder-part` beside the destination and renames it at the end, so the destination is the old
 * file, or none, or the complete new one.
 * @throws DESTINATION_UNWRITABLE, DISK_FULL, DESTINATION_INVALID
 */
export class FileSink implements Sink {
  readonly #path: string
  readonly #part: string
  readonly #file: FileHandle
  readonly #overwrite: boolean
  readonly #clock: Clock
  #position = 0
  #ended = false

  private constructor(path: string, part: string, file: FileHandle, overwrite: boolean, clock: Clock) {
    this.#path = path
    this.#part = part
    this.#file = file
    this.#overwrite = overwrite
    this.#clock = clock
  }

  /** `path` as {@link resolveDestination} gives it. */
  static async open(path: string, options: { overwrite: boolean; clock: Clock }): Promise<FileSink> {
    for (let tries = 1; ; tries++) {
      const part = join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString('hex')}.larder-part`)
      try {
        const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666)
        return new FileSink(path, part, file, options.overwrite, options.clock)
      } catch (error) {
        if (systemCode(error) !== 'EEXIST' || tries === PART_TRIES) throw destinationError(error, path)
      }
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < chunk.byteLength;) {
        const { bytesWritten } = await this.#file.write(chunk, done, chunk.byteLength - done, this.#position)
        done += bytesWritten
        this.#position += bytesWritten
      }
    } catch (error) {
      throw destinationError(error, this.#path)
    }
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0)
    this.#position = 0
  }

  async commit(): Promise<void> {
    try {
      const old: Stats | undefined = await stat(this.#path).catch(() => undefined)
      // A program that is replaced stays a program.
      if (old && process.platform !== 'win32') await this.#file.chmod(old.mode & 0o777).catch(() => {})
      await this.#file.sync()
      await this.#close()
      if (this.#overwrite) await this.#rename()
      else await this.#place()
      await syncFolder(dirname(this.#path))
    } catch (error) {
      await this.discard()
      throw destinationError(error, this.#path)
    }
  }

  async discard(): Promise<void> {
    await this.#close().catch(() => {})
    await rm(this.#part, { force: true }).catch(() => {})
  }

  async #close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#file.close()
  }

  async #rename(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await rename(this.#part, this.#path)
      } catch (error) {
        const pause = RENAME_PAUSES_MS[tries]
        if (
          process.platform !== 'win32' ||
          pause === undefined ||
          !['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error) ?? '')
        )
          throw error
        await sleep(this.#clock, pause)
      }
    }
  }

  /** Gives the file its name unless somebody has taken it meanwhile; a plain rename would replace it. */
  async #place(): Promise<void> {
    try {
      await link(this.#part, this.#path)
      await rm(this.#part, { force: true })
    } catch (error) {
      if (systemCode(error) === 'EEXIST')
        throw new LarderError('DESTINATION_INVALID', `${this.#path} exists already`, { path: this.#path })
      // A file system without links.
      if (await stat(this.#path).catch(() => undefined))
        throw new LarderError('DESTINATION_INVALID', `${this.#path} exists already`, { path: this.#path })
      await this.#rename()
    }
  }
}

/** Makes the rename outlive a power failure, where the system can. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {
    // Some file systems refuse it; the file itself is safe.
  }
}

function destinationError(error: unknown, path: string): unknown {
  if (error instanceof LarderError) return error
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new LarderError('DISK_FULL', `There is no space left for ${path}`, { path, cause: error })
  if (code === undefined) return error
  return new LarderError('DESTINATION_UNWRITABLE', `${path} cannot be written (${code})`, { path, cause: error })
}
