import type { Clock } from '../../lib/clock.ts'
import { BEACON_FRESH_MS } from './beacon.ts'

const MAX_ADDRESSES = 8192

/** Addresses that authentic beacons came from recently, whoever sent them. */
export class AnnouncedAddresses {
  readonly #clock: Clock
  readonly #heardMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(address: string): boolean {
    const heardMs = this.#heardMs.get(address)
    return heardMs !== undefined && this.#clock.monotonicMs() - heardMs < BEACON_FRESH_MS
  }

  note(address: string): void {
    this.#heardMs.delete(address)
    this.#heardMs.set(address, this.#clock.monotonicMs())
    if (this.#heardMs.size > MAX_ADDRESSES) this.#heardMs.delete(this.#heardMs.keys().next().value!)
  }
}
