import type { AgentSnapshot } from '../contract/snapshot.ts'

/** Electron's `powerSaveBlocker`. */
export interface SleepBlocker {
  start(kind: 'prevent-app-suspension'): number
  stop(id: number): boolean
}

/**
 * Whether the system may put this application to sleep: not while others wait for its bytes or it for theirs, for a program without a window is
 * throttled or suspended; but always on battery.
 */
export function mustStayAwake(
  snapshot: Pick<AgentSnapshot, 'paused' | 'transfers' | 'uploads'> | null,
  onBattery: boolean
): boolean {
  if (snapshot === null || onBattery) return false
  const moving = snapshot.transfers.some(
    ({ state }) => state === 'active' || state === 'electing' || state === 'finishing'
  )
  return snapshot.uploads.length > 0 || (moving && snapshot.paused === null)
}

/** Holds the system off sleep as {@link mustStayAwake} says. */
export class WakeLock {
  readonly #blocker: SleepBlocker
  #held: number | null = null

  constructor(blocker: SleepBlocker) {
    this.#blocker = blocker
  }

  follow(snapshot: Parameters<typeof mustStayAwake>[0], onBattery: boolean): void {
    if (mustStayAwake(snapshot, onBattery) === (this.#held !== null)) return
    if (this.#held === null) this.#held = this.#blocker.start('prevent-app-suspension')
    else {
      this.#blocker.stop(this.#held)
      this.#held = null
    }
  }
}
