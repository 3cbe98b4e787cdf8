import type { Priority, ReasonCode } from '../contract/request.ts'

/** What a request contributes to the transfer it waits for. */
export interface Interest {
  readonly priority: Priority
  /** Monotonic ms. */
  readonly deadlineMs: number
  /** The transfer took bytes from where the request did not expect it. */
  noteReason(code: ReasonCode): void
}

/** Who waits for one transfer, and what that asks of it. */
export class Interests {
  readonly #all = new Set<Interest>()

  get count(): number {
    return this.#all.size
  }

  /** Of the most urgent one. */
  get priority(): Priority {
    return [...this.#all].some((i) => i.priority === 'foreground') ? 'foreground' : 'background'
  }

  /** The earliest one, monotonic ms; beyond all times when nobody waits. */
  get deadlineMs(): number {
    return Math.min(...[...this.#all].map((i) => i.deadlineMs), Number.MAX_SAFE_INTEGER)
  }

  add(interest: Interest): void {
    this.#all.add(interest)
  }

  delete(interest: Interest): void {
    this.#all.delete(interest)
  }

  noteReason(code: ReasonCode): void {
    for (const interest of this.#all) interest.noteReason(code)
  }
}
