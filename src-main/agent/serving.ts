// Why it is like this: docs/decisions/0010-who-serves-nobody-is-no-master.md
import type { Clock } from '../lib/clock.ts'
import type { Rates } from '../rates/rates.ts'
import type { MachineWatch } from '../machine/machine-watch.ts'
import { TimedStop } from './timed-stop.ts'
import type { Weight } from '../machine/weigh-machine.ts'

/** Whether this PC serves its peers now, and what it weighs therefore: a PC that serves nobody must not be master either. */
export class Serving {
  readonly #machine: Pick<MachineWatch, 'weight'>
  readonly #rates: Pick<Rates, 'mayUpload'>
  readonly #stopped: TimedStop

  /** @param elapsed the time for which it was stopped is over; whoever hears it calls {@link resume} */
  constructor(
    parts: { clock: Clock; machine: Pick<MachineWatch, 'weight'>; rates: Pick<Rates, 'mayUpload'> },
    elapsed: () => void
  ) {
    this.#machine = parts.machine
    this.#rates = parts.rates
    this.#stopped = new TimedStop(parts.clock, elapsed)
  }

  /** Null: it serves. `until`: wall clock, ms; null: until it serves again. */
  get stopped(): { readonly until: number | null } | null {
    return this.#stopped.state
  }

  get weight(): Weight {
    const { weight } = this.#machine
    if (this.#stopped.state !== null) return { ...weight, value: 0, why: 'serves nobody at the moment' }
    return this.#rates.mayUpload ? weight : { ...weight, value: 0, why: 'has served as much as it may this month' }
  }

  stop(untilWallMs: number | null): void {
    this.#stopped.begin(untilWallMs)
  }

  /** @returns false when it was not stopped */
  resume(): boolean {
    return this.#stopped.end()
  }

  /** Nothing is told of the end of a stop any more. */
  close(): void {
    this.#stopped.end()
  }
}
