import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import type { Pace } from '../rates/pace.ts'
import { bringRun, depositId, depositTag } from './exchange/deposit-client.ts'
import type { Knowledge } from './exchange/knowledge.ts'
import type { PieceClient } from './exchange/piece-client.ts'
import type { PieceHost } from './exchange/piece-pool.ts'
import type { PieceRun } from './exchange/piece-request.ts'
import type { ConnectedHub, Deposits, HubLinks, ServedContent } from './network.ts'

/** Names of deposits are told also after their hub is gone. */
const MAX_NAMES = 64

export interface HubDepositsOptions {
  readonly clock: Clock
  readonly hubs: HubLinks
  readonly client: PieceClient
  readonly knowledge: Knowledge
  readonly upload: Pace
}

/** The deposits of the hubs this agent is connected to, as sources of pieces and as places to bring them. */
export class HubDeposits implements Deposits {
  readonly #o: HubDepositsOptions
  /** Deposit → hub, of those that are connected without a proxy and have one. */
  readonly #hubs = new Map<PeerId, ConnectedHub>()
  readonly #names = new Map<PeerId, string>()

  constructor(options: HubDepositsOptions) {
    this.#o = options
    const { hubs, client } = options
    hubs.on('up', (hub) => {
      const id = depositId(hub.id)
      if (hub.hello.deposit !== true || hub.at === null) return this.#forget(id)
      this.#hubs.set(id, hub)
      keepLatest(this.#names, id, `the deposit of ${hub.hello.name}`, MAX_NAMES)
    })
    hubs.on('down', ({ id }) => {
      this.#forget(depositId(id))
      client.forget(depositId(id))
    })
  }

  idOf(hub: PeerId): PeerId {
    return depositId(hub)
  }

  hubOf(id: PeerId): PeerId | undefined {
    return this.#hubs.get(id)?.id
  }

  nameOf(id: PeerId): string | undefined {
    return this.#names.get(id)
  }

  tagOf(key: ContentKey): string | undefined {
    return depositTag(key, this.#o.knowledge)
  }

  /** Where to connect to for a deposit. */
  hostOf(id: PeerId): (PieceHost & { readonly certified: PeerId }) | undefined {
    const hub = this.#hubs.get(id)
    return hub?.at
      ? { id, certified: hub.id, name: hub.hello.name, address: hub.at.host, port: hub.at.port }
      : undefined
  }

  async bring(
    hub: PeerId,
    name: ContentKey,
    content: ServedContent,
    run: PieceRun,
    signal: AbortSignal
  ): Promise<'kept' | 'later' | 'unwanted'> {
    const host = this.hostOf(depositId(hub))
    if (!host) return 'unwanted'
    const { client, clock, upload } = this.#o
    const status = await bringRun(client, host, name, content, run, { signal, clock, upload })
    return status === 200 ? 'kept' : status === 503 ? 'later' : 'unwanted'
  }

  #forget(id: PeerId): void {
    this.#hubs.delete(id)
  }
}
