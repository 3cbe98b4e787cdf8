import type { SecureContext } from 'node:tls'
import type { BootId, PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { dialControl, type DialOutcome, type ProvenSocket } from './dial.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'

export interface OwnDialsOptions {
  readonly clock: Clock
  readonly identity: Identity
  readonly bootId: BootId
  readonly membership: Membership
  /** As it is now: certificates are renewed. */
  readonly secureContext: () => SecureContext
  /** Why nothing may be exchanged over this own address, or null. */
  readonly barred: (ownAddress: string | undefined) => string | null
  /** It is connected already, or not to be connected for a while. */
  readonly isUnwanted: (id: PeerId) => boolean
  /** Both ends have proved their membership. */
  readonly proven: (connection: ProvenSocket, dialledPort: number) => void
}

/** The attempts of this agent to connect: one at a time per peer once it is known whom they have reached. */
export class OwnDials {
  readonly #o: OwnDialsOptions
  /** Attempts that have told a peer who we are and wait for its answer. */
  readonly #waiting = new Map<PeerId, AbortController>()

  constructor(options: OwnDialsOptions) {
    this.#o = options
  }

  /** An attempt waits for the answer of this peer. */
  has(id: PeerId): boolean {
    return this.#waiting.has(id)
  }

  /** Gives up the attempt that waits for this peer, if there is one. */
  abort(id: PeerId): void {
    this.#waiting.get(id)?.abort()
  }

  abortAll(): void {
    for (const attempt of this.#waiting.values()) attempt.abort()
  }

  /** @param expected who must be there; null: whoever proves itself */
  async dial(
    host: string,
    port: number,
    expected: PeerId | null,
    signal: AbortSignal,
    { far = false }: { far?: boolean } = {}
  ): Promise<DialOutcome> {
    const { clock, identity, bootId, membership, secureContext, barred, isUnwanted, proven } = this.#o
    const attempt = new AbortController()
    let told: PeerId | undefined
    try {
      return await dialControl({
        host,
        port,
        identity,
        membership,
        bootId,
        secureContext: secureContext(),
        clock,
        signal: AbortSignal.any([signal, attempt.signal]),
        barred,
        far,
        recognise: (id) => {
          if (expected !== null && id !== expected) return 'impostor'
          if (isUnwanted(id) || this.#waiting.has(id)) return 'duplicate'
          this.#waiting.set((told = id), attempt)
          return 'go'
        },
        proven: (connection) => {
          this.#waiting.delete(connection.remote.id)
          proven(connection, port)
        }
      })
    } finally {
      if (told && this.#waiting.get(told) === attempt) this.#waiting.delete(told)
    }
  }
}
