import type { Clock, Timer } from '../lib/clock.ts'
import type { ClaimSettings, Decision } from './claims.ts'

/** Progress of a follower is gathered for this long: twice a second is enough, it matters only for a re-election. */
const GATHER_MS = 500

/** A master renews this many times per lease; two lost renewals do not cost it the mastership. */
const RENEWALS_PER_LEASE = 5

/** Every claim is put again after this many leases without any news, should a coordinator have forgotten it. */
const REFRESH_LEASES = 6

/** What decides how soon a claim is put again. */
export interface PutFacts {
  readonly complete: boolean
  readonly role: Decision['role']
}

/** When a claim is told to its coordinator again. */
export class PutSchedule {
  readonly #clock: Clock
  readonly #settings: Pick<ClaimSettings, 'leaseMs'>
  readonly #facts: () => PutFacts
  readonly #due: () => void
  #progressIsNew = false
  #lastPutMs = 0
  #putsUndecided = 0
  #next: Timer | null = null
  #nextMs = Infinity

  /** @param due it is time to put the claim; then {@link sent} is called */
  constructor(clock: Clock, settings: Pick<ClaimSettings, 'leaseMs'>, facts: () => PutFacts, due: () => void) {
    this.#clock = clock
    this.#settings = settings
    this.#facts = facts
    this.#due = due
  }

  /** Something is new that can wait a little. */
  noteProgress(): void {
    this.#progressIsNew = true
  }

  get hasProgress(): boolean {
    return this.#progressIsNew
  }

  /** Whoever is asked next has not been asked before. */
  startOver(): void {
    this.#putsUndecided = 0
  }

  /** The claim is put now, with all that is new. */
  sent(): void {
    this.#progressIsNew = false
    this.#lastPutMs = this.#clock.monotonicMs()
    if (this.#facts().role === 'undecided') this.#putsUndecided++
  }

  /** Sets the timer of the next put; an earlier one that is running stays. */
  arm(): void {
    const dueMs = this.#lastPutMs + this.#pauseMs()
    if (this.#next !== null && this.#nextMs <= dueMs) return
    this.#next?.cancel()
    this.#nextMs = dueMs
    this.#next = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => {
      this.#next = null
      if (this.#clock.monotonicMs() >= this.#lastPutMs + this.#pauseMs()) this.#due()
      else this.arm()
    })
  }

  cancel(): void {
    this.#next?.cancel()
  }

  #pauseMs(): number {
    const { leaseMs } = this.#settings
    const { complete, role } = this.#facts()
    const refreshMs = REFRESH_LEASES * leaseMs
    const renewMs = leaseMs / RENEWALS_PER_LEASE
    if (complete) return refreshMs
    if (role === 'master') return renewMs
    if (role === 'undecided') return Math.min(renewMs * 2 ** Math.max(0, this.#putsUndecided - 1), refreshMs)
    return this.#progressIsNew ? GATHER_MS : refreshMs
  }
}
