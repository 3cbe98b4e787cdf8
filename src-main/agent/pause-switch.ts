import { join } from 'node:path'
import { z } from 'zod'
import type { Clock, Timer } from '../lib/clock.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

const State = z.object({ until: z.number().nullable() })
const MAX_FILE_BYTES = 1024
/** The wall clock is looked at so often: a timer alone does not count the time a laptop sleeps, and none is longer than 24 days. */
const LOOK_EVERY_MS = 20_000

export type Pause = { readonly until: number | null }

/**
 * Whether all transfers are paused, and until when by the wall clock. Survives restarts: who pauses for a day means the day, not
 * the run.
 */
export class PauseSwitch {
  readonly #path: string
  readonly #clock: Clock
  readonly #ended: () => void
  readonly #look: Timer
  #state: Pause | null
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, clock: Clock, state: Pause | null, ended: () => void) {
    this.#path = path
    this.#clock = clock
    this.#state = state
    this.#ended = ended
    this.#look = clock.every(LOOK_EVERY_MS, () => this.#endIfOver())
    this.#arm()
  }

  /** @param ended the time is over; not called for {@link resume}. A damaged file means no pause: downloads are what people want. */
  static async open(dataDir: string, clock: Clock, ended: () => void): Promise<PauseSwitch> {
    const path = join(dataDir, 'pause.json')
    const bytes = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    const kept = bytes ? parse(bytes.toString('utf8')) : null
    return new PauseSwitch(path, clock, kept?.until != null && kept.until <= clock.wallMs() ? null : kept, ended)
  }

  /** Null: nothing is paused. `until` null: until resumed. */
  get state(): Pause | null {
    return this.#state
  }

  pause(until: number | null): void {
    this.#set({ until })
  }

  /** @returns false when nothing was paused */
  resume(): boolean {
    if (this.#state === null) return false
    this.#set(null)
    return true
  }

  async close(): Promise<void> {
    this.#look.cancel()
    this.#timer?.cancel()
    await this.#writing
  }

  #set(state: Pause | null): void {
    this.#state = state
    this.#arm()
    // One write after the other, the last one is what holds; a pause that cannot be kept still holds for this run.
    this.#writing = this.#writing.then(() => writePrivateFile(this.#path, JSON.stringify(state))).catch(() => {})
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = null
    const { until } = this.#state ?? { until: null }
    if (until === null) return
    const ms = until - this.#clock.wallMs()
    if (ms <= LOOK_EVERY_MS) this.#timer = this.#clock.after(Math.max(0, ms), () => this.#endIfOver())
  }

  #endIfOver(): void {
    const { until } = this.#state ?? { until: null }
    if (until === null) return
    if (this.#clock.wallMs() < until) return this.#arm()
    this.#set(null)
    this.#ended()
  }
}

function parse(text: string): Pause | null {
  try {
    return State.nullable().parse(JSON.parse(text))
  } catch {
    return null
  }
}
