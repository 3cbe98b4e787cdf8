import type { Agent } from '../agent/agent.ts'
import type { Clock } from '../lib/clock.ts'

/** Should the system never tell that it woke up, transfers go on by themselves after so long. */
const SUSPEND_PAUSE_MS = 60_000

export interface PowerContext {
  /** Null while there is none. */
  agent(): Agent | null
  pauseOnBattery(): boolean
  readonly clock: Clock
}

/**
 * What sleep and battery mean for transfers. Before sleep they pause, so that others need not wait for this PC; afterwards
 * the network is looked at anew. A pause a person has asked for is never touched.
 */
export class PowerPolicy {
  readonly #context: PowerContext
  /** Why this policy holds a pause. */
  readonly #reasons = new Set<'asleep' | 'battery'>()
  #onBattery = false

  constructor(context: PowerContext) {
    this.#context = context
  }

  suspended(): void {
    this.#hold('asleep')
  }

  resumed(): void {
    this.#release('asleep')
    this.#context.agent()?.refresh()
  }

  /** A new agent is not paused, and its person has not said anything yet. */
  agentStarted(onBattery: boolean): void {
    this.#reasons.clear()
    this.powerChanged(onBattery)
  }

  powerChanged(onBattery: boolean): void {
    this.#onBattery = onBattery
    this.settingChanged()
    this.#context.agent()?.refresh()
  }

  settingChanged(): void {
    if (this.#onBattery && this.#context.pauseOnBattery()) this.#hold('battery')
    else this.#release('battery')
  }

  #hold(reason: 'asleep' | 'battery'): void {
    const agent = this.#context.agent()
    if (!agent) return
    const paused = agent.paused
    // Somebody else has paused; it is theirs to end.
    if (paused && this.#reasons.size === 0) return
    // A person has let go on what was paused for this very reason; so it stays until the reason is gone.
    if (!paused && this.#reasons.has(reason)) return
    this.#reasons.add(reason)
    if (!paused || reason === 'battery')
      agent.pauseAll(reason === 'asleep' ? this.#context.clock.wallMs() + SUSPEND_PAUSE_MS : null)
  }

  #release(reason: 'asleep' | 'battery'): void {
    if (!this.#reasons.delete(reason) || this.#reasons.size > 0) return
    const agent = this.#context.agent()
    if (agent && agent.paused) agent.resumeAll()
  }
}
