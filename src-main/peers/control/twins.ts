// Why it is like this: docs/decisions/0036-twins-are-proved-not-believed.md
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ControlChannel } from './control-channel.ts'
import type { DialOutcome } from './dial.ts'
import { TWIN_REMEDY, type Refusals } from './refusals.ts'

/** Looks at whoever announces this PC's own identity are made this rarely. */
const LOOK_AGAIN_MS = 60_000

export interface TwinsOptions {
  readonly clock: Clock
  readonly self: PeerId
  readonly refusals: Refusals
  readonly nameOf: (id: PeerId) => string
  /** Is this where this very agent listens? */
  readonly isOwn: (address: string, port: number) => boolean
  /** A TLS handshake, and nothing sent when it shows this PC's own key. */
  readonly lookAt: (address: string, port: number) => Promise<DialOutcome>
}

/**
 * Finds PCs that were copied together with their identity. An announcement proves nothing, for anybody can repeat an old
 * one; it is two running agents that prove they have the same key which make twins.
 */
export class Twins {
  readonly #o: TwinsOptions
  #lookedMs = -Infinity

  constructor(options: TwinsOptions) {
    this.#o = options
  }

  /** A beacon of this PC's own identity came, from another run than this. */
  async announced(address: string, port: number): Promise<void> {
    const nowMs = this.#o.clock.monotonicMs()
    if (this.#o.isOwn(address, port) || nowMs - this.#lookedMs < LOOK_AGAIN_MS) return
    this.#lookedMs = nowMs
    const found = await this.#o.lookAt(address, port)
    if (found.kind === 'self') this.met(found.address, port)
  }

  /** Whoever answers at `address` has this PC's own key; it may be this PC itself. */
  met(address: string, port: number): void {
    const { self, refusals, isOwn } = this.#o
    if (!isOwn(address, port)) refusals.stranger(address, self, `has the same identity as this PC ${TWIN_REMEDY}`)
  }

  /**
   * A peer has proved itself from `address` under a run that is not the one it is connected with. That is a restart
   * when the older connection is dead, and a twin when it is alive.
   *
   * @param older its channel, and where it is connected from
   */
  async isTwin(id: PeerId, address: string, older: { channel: ControlChannel; address: string }): Promise<boolean> {
    if (!(await older.channel.answers())) return false
    const { nameOf, refusals } = this.#o
    refusals.stranger(address, id, `has the same identity as ${nameOf(id)} at ${older.address} ${TWIN_REMEDY}`)
    return true
  }
}
