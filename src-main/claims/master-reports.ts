import type { PeerId } from '../contract/ids.ts'

/** What is known of whoever the reports are about. */
export interface Reported {
  readonly nowMs: number
  readonly leaseMs: number
  /** Complete holders serve, and it is they who are reported. */
  readonly held: boolean
  /** There is a master; `live`: its coordinator is connected to it. */
  readonly master: 'none' | 'live' | 'lost'
  /** When the master was heard last. */
  readonly masterHeardMs: number
  /** Those who could report it. */
  readonly followers: number
  /** Somebody else could be elected. */
  readonly others: boolean
}

/** Followers that report the master of this epoch, or the holders they were named. Pure, but for what it remembers. */
export class MasterReports {
  readonly #atMs = new Map<PeerId, number>()
  #dueMs = Infinity

  /** When they are to be looked at again, monotonic; Infinity for never. */
  get dueMs(): number {
    return this.#dueMs
  }

  add(from: PeerId, nowMs: number): void {
    this.#atMs.set(from, nowMs)
  }

  delete(from: PeerId): void {
    this.#atMs.delete(from)
  }

  forget(): void {
    this.#atMs.clear()
    this.#dueMs = Infinity
  }

  /** Acts on reports that the coordinator can confirm itself, or that half of the followers agree on. */
  judge({
    nowMs,
    leaseMs,
    held,
    master,
    masterHeardMs,
    followers,
    others
  }: Reported): 'suspect' | 'replace' | 'nothing' {
    for (const [id, at] of this.#atMs) if (nowMs - at > 2 * leaseMs) this.#atMs.delete(id)
    this.#dueMs = Infinity
    if (this.#atMs.size === 0) return 'nothing'
    const isAgreed = this.#atMs.size * 2 >= followers
    if (held && isAgreed) {
      this.forget()
      return 'suspect'
    }
    if (master === 'none') return 'nothing'
    const silentAtMs = masterHeardMs + leaseMs / 2
    if (!isAgreed && master === 'live' && nowMs < silentAtMs) {
      this.#dueMs = silentAtMs
      return 'nothing'
    }
    if (others) return 'replace'
    this.forget()
    return 'nothing'
  }
}
