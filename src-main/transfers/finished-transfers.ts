import type { Clock, Timer } from '../lib/clock.ts'

/**
 * Most finished transfers that stay. Each costs 8 KiB and a line in every snapshot, and thousands of small files may end within minutes.
 * A latecomer finds the content without them too: the election asks every member what it has.
 */
export const MOST_HELD = 500

/** Finished transfers that stay as holders: for a while, and not too many. */
export class FinishedTransfers<Transfer> {
  readonly #clock: Clock
  readonly #end: (transfer: Transfer) => void
  readonly #timers = new Map<Transfer, Timer>()

  /** @param end what becomes of one whose time is over */
  constructor(clock: Clock, end: (transfer: Transfer) => void) {
    this.#clock = clock
    this.#end = end
  }

  keep(transfer: Transfer, forMs: number): void {
    this.#timers.set(
      transfer,
      this.#clock.after(forMs, () => this.#endOne(transfer))
    )
    if (this.#timers.size > MOST_HELD) this.#endOne(this.#timers.keys().next().value!)
  }

  /** It has ended for another reason. */
  forget(transfer: Transfer): void {
    this.#timers.get(transfer)?.cancel()
    this.#timers.delete(transfer)
  }

  #endOne(transfer: Transfer): void {
    this.forget(transfer)
    this.#end(transfer)
  }
}
