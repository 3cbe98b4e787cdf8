import type { Clock, Timer } from '../lib/clock.ts'

/** What is told of one subject is at most so often. */
export const TELL_EVERY_MS = 100

/** Tells of changes: at once when nothing was told lately, else when that time is over, so that the last state is always told. */
export class Teller<Subject extends object> {
  readonly #clock: Clock
  readonly #tell: (subject: Subject) => void
  /** Those told of lately; `again`: it has changed since. */
  readonly #lately = new Map<Subject, { readonly timer: Timer; again: boolean }>()

  constructor(clock: Clock, tell: (subject: Subject) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** @param final it does not change any more, and is told of now */
  changed(subject: Subject, final: boolean): void {
    const lately = this.#lately.get(subject)
    if (final) {
      lately?.timer.cancel()
      this.#lately.delete(subject)
    } else if (lately) {
      lately.again = true
      return
    } else this.#rest(subject)
    this.#tell(subject)
  }

  #rest(subject: Subject): void {
    const timer = this.#clock.after(TELL_EVERY_MS, () => {
      const { again } = this.#lately.get(subject)!
      this.#lately.delete(subject)
      if (!again) return
      this.#rest(subject)
      this.#tell(subject)
    })
    this.#lately.set(subject, { timer, again: false })
  }
}
