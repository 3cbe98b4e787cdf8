/** Between a vacancy and the election: how long candidates and answers are waited for. All times monotonic. */
export class ElectionWindow {
  readonly #leaseMs: number
  #notBeforeMs: number
  /** Earliest end of a brief election. */
  #settledAtMs: number
  /** Somebody was asked whose answer is not waited for: it has a window. */
  #askedInVain = false
  #asked = false
  /** The members are being asked because of the event at hand; whom it reaches is known after it. */
  #asking = false

  constructor(notBeforeMs: number, settledAtMs: number, leaseMs: number) {
    this.#notBeforeMs = notBeforeMs
    this.#settledAtMs = settledAtMs
    this.#leaseMs = leaseMs
  }

  /** A PC under heavy load answers late; one that hangs must not keep the others waiting for long. */
  get answersDueMs(): number {
    return this.#notBeforeMs + this.#leaseMs / 2
  }

  get asking(): boolean {
    return this.#asking
  }

  /** Once all have answered a brief election needs no window. */
  endsMs({ isBrief, awaitsAnswers }: { readonly isBrief: boolean; readonly awaitsAnswers: boolean }): number {
    const allHeard = isBrief && this.#asked && !this.#asking && !this.#askedInVain && !awaitsAnswers
    return allHeard ? Math.min(this.#settledAtMs, this.#notBeforeMs) : this.#notBeforeMs
  }

  /** @returns true when the members are to be asked */
  askOnce(): boolean {
    if (this.#asked) return false
    this.#asked = true
    this.#asking = true
    return true
  }

  /** Another event: whom the question reaches is known. */
  asksNoMore(): void {
    this.#asking = false
  }

  askedInVain(): void {
    this.#askedInVain = true
  }

  /** It ends at this time at the latest. */
  bringForward(toMs: number): void {
    this.#notBeforeMs = Math.min(this.#notBeforeMs, toMs)
  }

  /** It ends at this time at the earliest. */
  putOff(toMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, toMs)
    this.#settledAtMs = Math.max(this.#settledAtMs, toMs)
  }

  /** A new one, in which the members are asked again. */
  reopen(untilMs: number): void {
    this.#notBeforeMs = untilMs
    this.#asked = false
  }
}
