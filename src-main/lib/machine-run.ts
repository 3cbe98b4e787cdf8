/** What a pure state machine says to an event. */
export interface Step<State, Effect> {
  readonly state: State
  readonly effects: readonly Effect[]
}

/**
 * Runs a pure state machine: takes what has happened and has the effects carried out, in order. What effects cause at once waits
 * until those of the event before are done, so no event ever meets a state that is half changed.
 */
export class MachineRun<State, Event, Effect> {
  readonly #step: (state: State, event: Event) => Step<State, Effect>
  readonly #perform: (effect: Effect) => void
  readonly #events: Event[] = []
  #state: State
  #running = false

  constructor(
    state: State,
    step: (state: State, event: Event) => Step<State, Effect>,
    perform: (effect: Effect) => void
  ) {
    this.#state = state
    this.#step = step
    this.#perform = perform
  }

  get state(): State {
    return this.#state
  }

  happened(event: Event): void {
    this.#events.push(event)
    if (this.#running) return
    this.#running = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const { state, effects } = this.#step(this.#state, next)
        this.#state = state
        for (const effect of effects) this.#perform(effect)
      }
    } finally {
      this.#running = false
    }
  }
}
