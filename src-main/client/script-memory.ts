import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'

interface KeptScript {
  readonly data: Buffer
  readonly sha256: Sha256Hex
  /** Monotonic. */
  readonly keptMs: number
}

/** Directly downloaded scripts in the memory of one program, for a short while. Gone with the program; never on a disk. */
export class ScriptMemory {
  readonly #clock: Clock
  /** By URL, oldest first. */
  readonly #scripts = new Map<string, KeptScript>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What was kept for the URL at most `maxAgeMs` ago. */
  find(url: string, maxAgeMs: number): { readonly data: Buffer; readonly sha256: Sha256Hex } | undefined {
    const kept = this.#scripts.get(url)
    if (kept === undefined) return undefined
    if (this.#clock.monotonicMs() - kept.keptMs < maxAgeMs) return kept
    this.#scripts.delete(url)
    return undefined
  }

  /** Keeps a script unless it alone is longer than `maxBytes`; the oldest make room. */
  keep(url: string, data: Buffer, sha256: Sha256Hex, maxBytes: number): void {
    this.#scripts.delete(url)
    if (data.length > maxBytes) return
    this.#scripts.set(url, { data, sha256, keptMs: this.#clock.monotonicMs() })
    let bytes = this.bytes
    for (const [oldest, { data: old }] of this.#scripts) {
      if (bytes <= maxBytes) return
      this.#scripts.delete(oldest)
      bytes -= old.length
    }
  }

  get bytes(): number {
    return [...this.#scripts.values()].reduce((sum, { data }) => sum + data.length, 0)
  }
}
