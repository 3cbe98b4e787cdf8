/** What is about one thing is done in the order in which it came; at once where nothing has to be waited for. */
export class InOrder {
  readonly #chains = new Map<string, Promise<void>>()

  isBusy(name: string): boolean {
    return this.#chains.has(name)
  }

  /** One that fails holds up nobody. */
  run(name: string, act: () => Promise<void> | void): void {
    const before = this.#chains.get(name)
    const begun = before ? before.then(act) : act()
    if (!begun) return
    const done = begun
      .catch(() => {})
      .finally(() => {
        if (this.#chains.get(name) === done) this.#chains.delete(name)
      })
    this.#chains.set(name, done)
  }
}
