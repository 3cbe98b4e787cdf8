import type { OpenFiles } from './open-files.ts'

/** Bytes written before they are sent to the disk. */
const STEP_BYTES = 64 * 1024 * 1024

/** Sends the bytes of a growing file to the disk while more of them come, so that little is left to wait for at the end. */
export class WriteBack {
  readonly #files: OpenFiles
  readonly #path: string
  #waitingBytes = 0
  #running: Promise<void> | undefined
  /** The system tells a failed write-back only once; whoever hears of it must not keep it to itself. */
  #error: unknown

  constructor(files: OpenFiles, path: string) {
    this.#files = files
    this.#path = path
  }

  written(bytes: number): void {
    this.#waitingBytes += bytes
    if (this.#running || this.#waitingBytes < STEP_BYTES) return
    this.#waitingBytes = 0
    this.#running = this.#files
      .use(this.#path, 'r+', (handle) => handle.datasync())
      .catch((error: unknown) => void (this.#error ??= error))
      .finally(() => (this.#running = undefined))
  }

  /** Waits until everything is on the disk. @throws the file system's error, also one met on the way; each once */
  async finish(): Promise<void> {
    await this.#running
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    await this.#files.use(this.#path, 'r+', (handle) => handle.sync())
  }
}
