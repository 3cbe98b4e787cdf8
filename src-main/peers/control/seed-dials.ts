import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { DialLoop, type AttemptResult } from './dial-loop.ts'
import type { DialOutcome } from './dial.ts'
import type { Log } from '../network.ts'
import type { Refusals } from './refusals.ts'
import type { Seed } from '../discovery/seed.ts'
import type { Twins } from './twins.ts'

export interface SeedDialsOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly refusals: Refusals
  readonly twins: Twins
  readonly isProven: (id: PeerId) => boolean
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<DialOutcome>
}

interface Entry {
  readonly seed: Seed
  readonly loop: DialLoop
  /** Who answered there last. */
  id?: PeerId
}

/** Greets the peers that were named in the settings, again and again while they are not connected: where multicast is blocked they are all there is. */
export class SeedDials {
  readonly #o: SeedDialsOptions
  readonly #entries: Entry[] = []

  constructor(options: SeedDialsOptions) {
    this.#o = options
  }

  start(seeds: readonly Seed[]): void {
    const { clock, random } = this.#o
    for (const seed of seeds) {
      const entry: Entry = { seed, loop: new DialLoop(clock, random, (signal) => this.#attempt(entry, signal)) }
      this.#entries.push(entry)
      entry.loop.soon(0)
    }
  }

  /** Network or power changed: tries at once. */
  refresh(): void {
    for (const { loop } of this.#entries) {
      loop.encourage()
      loop.soon(0)
    }
  }

  /** This peer answered at an address of the settings. */
  has(id: PeerId): boolean {
    return this.#entries.some((entry) => entry.id === id)
  }

  /** This peer is not connected any more. */
  lost(id: PeerId): void {
    for (const entry of this.#entries) if (entry.id === id) entry.loop.later()
  }

  stop(): void {
    for (const { loop } of this.#entries.splice(0)) loop.stop()
  }

  async #attempt(entry: Entry, signal: AbortSignal): Promise<AttemptResult> {
    const { log, refusals, twins, isProven, dial } = this.#o
    if (entry.id && isProven(entry.id)) return 'done'
    const { host, port } = entry.seed
    const outcome = await dial(host, port, signal)
    if ('id' in outcome && outcome.id) entry.id = outcome.id
    if (outcome.kind === 'refused') refusals.stranger(`${outcome.address}:${port}`, outcome.id, outcome.reason)
    if (outcome.kind === 'self') twins.met(outcome.address, port)
    if (outcome.kind === 'unreachable') log.debug({ host, port, reason: outcome.reason }, 'A seed did not answer.')
    return outcome.kind === 'proven' || outcome.kind === 'self' ? 'done' : 'retry'
  }
}
