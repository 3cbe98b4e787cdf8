import { LarderError } from '../lib/errors.ts'
import type { DirectJob } from './direct-download.ts'

/** A download of one request alone that can be held, with what it has open, and broken off at any time. */
export class HeldDownload {
  readonly #abort = new AbortController()
  #hold: PromiseWithResolvers<void> | null = null

  /** What the download has to observe. */
  get job(): Pick<DirectJob, 'signal' | 'whileAllowed'> {
    return { signal: this.#abort.signal, whileAllowed: () => this.#hold?.promise ?? null }
  }

  /** Reads nothing more until {@link goOn} or {@link stop}. */
  hold(): void {
    if (this.#hold !== null || this.#abort.signal.aborted) return
    this.#hold = Promise.withResolvers()
    this.#hold.promise.catch(() => {})
  }

  goOn(): void {
    this.#hold?.resolve()
    this.#hold = null
  }

  stop(error: LarderError): void {
    this.#abort.abort(error)
    this.#hold?.reject(error)
    this.#hold = null
  }
}
