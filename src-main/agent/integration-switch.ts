import { join } from 'node:path'
import { z } from 'zod'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'

const State = z.object({ enabled: z.boolean(), by: z.string().max(200), since: z.number() })
export type IntegrationState = z.infer<typeof State>

/** Whether this agent serves programs on its PC; who turned it on or off, and when. Survives restarts. */
export class IntegrationSwitch {
  readonly #path: string
  readonly #clock: Clock
  #state: IntegrationState

  private constructor(path: string, clock: Clock, state: IntegrationState) {
    this.#path = path
    this.#clock = clock
    this.#state = state
  }

  /** @throws SETTINGS_INVALID when the file is damaged */
  static async open(dataDir: string, clock: Clock, enabledByDefault: boolean): Promise<IntegrationSwitch> {
    const path = join(dataDir, 'integration.json')
    const bytes = await readPrivateFile(path, 4096)
    if (!bytes) return new IntegrationSwitch(path, clock, { enabled: enabledByDefault, by: 'default', since: clock.wallMs() })
    try {
      return new IntegrationSwitch(path, clock, State.parse(JSON.parse(bytes.toString('utf8'))))
    } catch (cause) {
      throw new LarderError('SETTINGS_INVALID', `${path} is damaged; delete it to turn the integration to its default`, { cause })
    }
  }

  get state(): IntegrationState {
    return this.#state
  }

  /** @returns false when it was so already */
  async set(enabled: boolean, by: string): Promise<boolean> {
    if (this.#state.enabled === enabled) return false
    this.#state = { enabled, by: by.slice(0, 200), since: this.#clock.wallMs() }
    await writePrivateFile(this.#path, JSON.stringify(this.#state))
    return true
  }
}
