import type { Clock, Timer } from '../lib/clock.ts'

/** What is told of one subject is at most this often. */
export const TELL_EVERY_MS = 100

/** Tells of changes: at once when nothing was told recently, else when that time is over, so that the last state is always told. */
export class Teller<Subject extends object> {
  readonly #clock: Clock
  readonly #tell: (subject: Subject) => void
  /** Those told of recently; `again`: it has changed since. */
  readonly #recently = new Map<Subject, { readonly timer: Timer; again: boolean }>()

  constructor(clock: Clock, tell: (subject: Subject) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** @param final it does not change any more, and is told of now */
  changed(subject: Subject, final: boolean): void {
    const recently = this.#recently.get(subject)
    if (final) {
      recently?.timer.cancel()
      this.#recently.delete(subject)
    } else if (recently) {
      recently.again = true
      return
    } else this.#rest(subject)
    this.#tell(subject)
  }

  #rest(subject: Subject): void {
    const timer = this.#clock.after(TELL_EVERY_MS, () => {
      const { again } = this.#recently.get(subject)!
      this.#recently.delete(subject)
      if (!again) return
      this.#rest(subject)
      this.#tell(subject)
    })
    this.#recently.set(subject, { timer, again: false })
  }
}
