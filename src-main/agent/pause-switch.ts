import { join } from 'node:path'
import { z } from 'zod'
import type { PauseReason } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { WallAlarm } from '../lib/wall-alarm.ts'
import { expire, hold, nextEnd, noPauses, pauseOf, release, resume, type Pause, type Pauses } from './pauses.ts'

/** What a person has asked for; other reasons are found out again at each start. */
const Kept = z.object({ until: z.number().nullable() }).nullable()
const MAX_FILE_BYTES = 1024

/** Whether all transfers are paused, for whom, and until when by the wall clock. A person's pause survives restarts. */
export class PauseSwitch {
  readonly #path: string
  readonly #clock: Clock
  readonly #turned: (paused: boolean) => void
  readonly #alarm: WallAlarm
  #pauses: Pauses
  #kept: string
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, clock: Clock, kept: z.infer<typeof Kept>, turned: (paused: boolean) => void) {
    this.#path = path
    this.#clock = clock
    this.#turned = turned
    this.#alarm = new WallAlarm(clock, () => this.#become(this.#pauses))
    this.#pauses = expire(kept === null ? noPauses : hold(noPauses, 'person', kept.until), clock.wallMs())
    this.#kept = JSON.stringify(kept)
    this.#alarm.set(nextEnd(this.#pauses))
  }

  /**
   * @param turned called when everything is paused that was not, and the other way round; not for the state at the start.
   * A damaged file means no pause: downloads are what people want.
   */
  static async open(dataDir: string, clock: Clock, turned: (paused: boolean) => void): Promise<PauseSwitch> {
    const path = join(dataDir, 'pause.json')
    const bytes = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    return new PauseSwitch(path, clock, bytes ? parse(bytes.toString('utf8')) : null, turned)
  }

  /** Null: nothing is paused. */
  get state(): Pause | null {
    return pauseOf(this.#pauses)
  }

  hold(reason: PauseReason, until: number | null): void {
    this.#become(hold(this.#pauses, reason, until))
  }

  /** The reason is gone; those of others hold. */
  release(reason: PauseReason): void {
    this.#become(release(this.#pauses, reason))
  }

  /** A person lets everything go on. @returns false when nothing was paused */
  resume(): boolean {
    const paused = this.state !== null
    this.#become(resume(this.#pauses))
    return paused
  }

  async close(): Promise<void> {
    this.#alarm.set(null)
    await this.#writing
  }

  #become(next: Pauses): void {
    const wasPaused = this.state !== null
    this.#pauses = expire(next, this.#clock.wallMs())
    this.#alarm.set(nextEnd(this.#pauses))
    this.#keep()
    const isPaused = this.state !== null
    if (isPaused !== wasPaused) this.#turned(isPaused)
  }

  /** One write after the other, the last one is what holds; a pause that cannot be kept still holds for this run. */
  #keep(): void {
    const until = this.#pauses.held.get('person')
    const text = JSON.stringify(until === undefined ? null : { until })
    if (text === this.#kept) return
    this.#kept = text
    this.#writing = this.#writing.then(() => writePrivateFile(this.#path, text)).catch(() => {})
  }
}

function parse(text: string): z.infer<typeof Kept> {
  try {
    return Kept.parse(JSON.parse(text))
  } catch {
    return null
  }
}
