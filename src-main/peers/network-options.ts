import type { Agent } from 'node:http'
import type { networkInterfaces } from 'node:os'
import type { PeerId } from '../contract/ids.ts'
import type { Priority } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock } from '../lib/clock.ts'
import type { LinkWatch } from '../machine/link-watch.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import type { Pace } from '../rates/pace.ts'
import type { KnownMembersStore } from './control/known-members.ts'
import type { Knowledge } from './exchange/knowledge.ts'
import type { ResolveSrv } from './hub/srv-hubs.ts'
import type { Log, PieceSource } from './network.ts'

/** What holds pieces back; see `rates/`. */
export interface PeerRates {
  pace(link: 'lan', priority: Priority): Pace
  readonly upload: { readonly pace: Pace; readonly capped: boolean }
}

export interface PeerNetworkOptions {
  /** Folder of this agent; the identity lies there. */
  readonly dataDir: string
  /** Name shown to other members. */
  readonly name: string
  readonly version: string
  readonly weight: () => number
  readonly settings: {
    readonly fleet: Settings['fleet']
    readonly ports: Settings['ports']
    readonly discovery: Settings['discovery']
    readonly uploadSlots: number
    readonly hub?: Settings['hub']
  }
  readonly clock: Clock
  readonly log: Log
  readonly source: PieceSource
  /** What this agent knows of contents beyond their digests. */
  readonly knowledge?: Knowledge
  /** Where the memory of arriving pieces comes from. */
  readonly buffers: PieceBuffers
  /** Absent: as fast as it goes. */
  readonly rates?: PeerRates
  /** What leads to a hub behind a reverse proxy; Node's own way by default. */
  readonly outerAgent?: (url: string) => Promise<Agent>
  /** Asks DNS for hubs; the system's by default. */
  readonly resolveSrv?: ResolveSrv
  readonly dnsSuffixes?: () => Promise<readonly string[]>
  /** Numbers in [0, 1) for jitter; secrets never come from here. */
  readonly random?: () => number
  /** Where members that were of use are kept over a restart; absent: nowhere. */
  readonly knownMembers?: KnownMembersStore
  /** Members that are believed no more, whatever they show. */
  readonly distrusts?: (id: PeerId) => boolean
  /** The network interfaces of this PC, as `os.networkInterfaces` lists them. */
  readonly listing?: typeof networkInterfaces
  /** What the system says about the kinds of interfaces; without it their names must do. Whoever gives it starts and stops it. */
  readonly links?: LinkWatch
  /** Whether members at an address share its places; all but loopback by default. */
  readonly countsIdentities?: (address: string) => boolean
}
