import { createHash } from 'node:crypto'
import { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { PartFile } from '../placing/part-file.ts'
import type { SourceFacts } from '../placing/part-name.ts'
import { requireRoom } from '../placing/room.ts'

/** What a sink has when a download begins. */
export interface Begun {
  /** Bytes of a former try that are still good. */
  readonly bytes: number
  /** SHA-256 of all it has, by now. */
  digest(): Sha256Hex
}

/** Takes the bytes of a download; they count only after `commit`. */
export interface Sink {
  /**
   * Before the first byte, and again for another version.
   * @param source null: the next try cannot go on with it
   * @throws DISK_FULL, BAD_REQUEST when `lengthBytes` are too many; nothing has been fetched then
   */
  begin(source: SourceFacts | null, lengthBytes: number | null): Promise<Begun>
  write(chunk: Uint8Array): Promise<void>
  /** Forgets what was written, to start again. */
  restart(): Promise<void>
  commit(): Promise<void>
  /** Keeps what is there for the next try, where there is one. */
  setAside(): Promise<void>
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

  async begin(_source: SourceFacts | null, lengthBytes: number | null): Promise<Begun> {
    if ((lengthBytes ?? 0) > this.#maxBytes) throw tooLong(this.#maxBytes)
    await this.restart()
    return { bytes: 0, digest: () => this.#digest() }
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

  setAside(): Promise<void> {
    return this.restart()
  }

  discard(): Promise<void> {
    return this.restart()
  }

  #digest(): Sha256Hex {
    const hash = createHash('sha256')
    for (const chunk of this.#chunks) hash.update(chunk)
    return Sha256Hex.parse(hash.digest('hex'))
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

  /** Undefined when it got too long, or did not all come through here. */
  get data(): Buffer | undefined {
    return this.#bytes <= this.#maxBytes ? Buffer.concat(this.#chunks) : undefined
  }

  async begin(source: SourceFacts | null, lengthBytes: number | null): Promise<Begun> {
    const begun = await this.#sink.begin(source, lengthBytes)
    this.#chunks = []
    this.#bytes = begun.bytes === 0 ? 0 : Infinity
    return begun
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

  setAside(): Promise<void> {
    return this.#sink.setAside()
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

export interface FileSinkOptions {
  readonly overwrite: boolean
  readonly clock: Clock
  /** False: another writer of the same file is being given up. */
  readonly exclusive?: boolean
}

/** Writes to a file beside the destination that gets its name at the end. */
export class FileSink implements Sink {
  readonly #path: string
  readonly #options: FileSinkOptions
  #part: PartFile | undefined

  /** `path` as {@link resolveDestination} gives it. */
  constructor(path: string, options: FileSinkOptions) {
    this.#path = path
    this.#options = options
  }

  async begin(source: SourceFacts | null, lengthBytes: number | null): Promise<Begun> {
    await this.#part?.discard()
    this.#part = undefined
    const part = await PartFile.open(this.#path, { ...this.#options, source, lengthBytes })
    this.#part = part
    if (lengthBytes !== null) await requireRoom(this.#path, lengthBytes - part.bytes)
    return { bytes: part.bytes, digest: () => part.digest() }
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#begun().write(chunk)
  }

  restart(): Promise<void> {
    return this.#begun().restart()
  }

  commit(): Promise<void> {
    return this.#begun().commit()
  }

  async setAside(): Promise<void> {
    await this.#part?.setAside()
  }

  async discard(): Promise<void> {
    await this.#part?.discard()
  }

  #begun(): PartFile {
    if (!this.#part) throw new LarderError('INTERNAL', 'Nothing has been started')
    return this.#part
  }
}
