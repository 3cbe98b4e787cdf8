import type { Agent } from '../agent/agent.ts'
import type { Clock } from '../lib/clock.ts'

/** Should the system never tell that it woke up, transfers go on by themselves after this long. */
const SUSPEND_PAUSE_MS = 60_000

export interface PowerContext {
  /** Null while there is none. */
  agent(): Pick<Agent, 'holdPause' | 'releasePause' | 'refresh'> | null
  pauseOnBattery(): boolean
  readonly clock: Clock
}

/**
 * Tells the agent what sleep and battery mean for transfers. Before sleep they pause, so that others need not wait for this PC;
 * afterwards the network is looked at again.
 */
export class PowerPolicy {
  readonly #context: PowerContext
  #onBattery = false

  constructor(context: PowerContext) {
    this.#context = context
  }

  get onBattery(): boolean {
    return this.#onBattery
  }

  suspended(): void {
    this.#context.agent()?.holdPause('asleep', this.#context.clock.wallMs() + SUSPEND_PAUSE_MS)
  }

  resumed(): void {
    this.#context.agent()?.releasePause('asleep')
    this.#context.agent()?.refresh()
  }

  /** @param onBattery null: the system does not tell, and what was seen last counts */
  agentStarted(onBattery: boolean | null): void {
    this.powerChanged(onBattery ?? this.#onBattery)
  }

  /** What a look at the hardware says, where the system tells of no change. */
  batterySeen(onBattery: boolean): void {
    if (onBattery !== this.#onBattery) this.powerChanged(onBattery)
  }

  powerChanged(onBattery: boolean): void {
    this.#onBattery = onBattery
    this.settingChanged()
    this.#context.agent()?.refresh()
  }

  settingChanged(): void {
    if (this.#onBattery && this.#context.pauseOnBattery()) this.#context.agent()?.holdPause('battery', null)
    else this.#context.agent()?.releasePause('battery')
  }
}
