import { NetworkClaimLink } from '../../agent/claim-link.ts'
import { passOn } from '../../agent/open-peers.ts'
import { createClaims } from '../../claims/claims-service.ts'
import type { Claims, ElectedInfo } from '../../claims/claims.ts'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import { Settings } from '../../contract/settings.ts'
import { AwakeClock } from '../../lib/awake-clock.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PeerNetwork } from '../../peers/network.ts'
import { UploadSlots } from '../../peers/exchange/upload-slots.ts'
import type { TransferWorld } from '../../transfers/job.ts'
import { LeftOutPeers } from '../../transfers/left-out-peers.ts'
import { OriginSlots } from '../../transfers/origin-slots.ts'
import { Traffic } from '../../transfers/traffic.ts'
import { Transfers } from '../../transfers/transfers.ts'
import { FluidLink } from './fluid-network.ts'
import type { Lie, PieceFetch, PieceHost } from './piece-fetch.ts'
import { SimProcess } from './process.ts'
import { NoPieceBuffers, type SimContent } from './sim-bytes.ts'
import { SimCache, type SimDisk } from './sim-cache.ts'
import { SimNetwork, type NetworkWorld } from './sim-network.ts'
import type { SimOrigin } from './sim-origin.ts'
import { SimRequest } from './sim-request.ts'
import type { Simulation } from './simulation.ts'

/** Parts of the product; a test may swap them for broken ones, to see that the invariants notice. */
export interface ProductParts {
  readonly createClaims: typeof createClaims
  readonly Transfers: typeof Transfers
  /** The other parts of the site, or cells of the subnet; absent: there is nothing above the subnet. */
  readonly site?:
    | ((agent: { network: PeerNetwork; clock: Clock; random: () => number }) => TransferWorld['site'])
    | undefined
}

export interface PcOptions {
  /** Its network, each way, bytes/s. */
  readonly bytesPerSecond: number
  readonly diskBytesPerSecond: number
  readonly weight: number
}

export interface AgentWorld {
  readonly sim: Simulation
  readonly network: NetworkWorld
  readonly origin: SimOrigin
  readonly contentOf: (url: string) => SimContent
  readonly contentOfKey: (key: ContentKey) => SimContent
  readonly product: ProductParts
}

/** `tableSince`: when the table was opened in which it was decided, wall ms; null: not known. */
export interface Election extends ElectedInfo {
  readonly tableSince: number | null
}

const settings = Settings.parse({})

/** One PC: the claims and transfers of the product on simulated ports. */
export class SimAgent implements PieceHost {
  readonly index: number
  readonly id: PeerId
  readonly process: SimProcess
  readonly clock: AwakeClock
  readonly up: FluidLink
  readonly down: FluidLink
  readonly disk: SimDisk
  readonly slots: UploadSlots
  readonly buffers: NoPieceBuffers
  readonly cache: SimCache
  readonly network: SimNetwork
  readonly claims: Claims
  readonly source: Transfers
  readonly fetches = new Set<PieceFetch>()
  readonly requests: SimRequest[] = []
  readonly elections: Election[] = []
  lie: Lie | null = null
  /** Bytes of origins that were of no use. */
  discardedBytes = 0
  readonly #world: AgentWorld

  constructor(index: number, options: PcOptions, world: AgentWorld) {
    const { sim, network: networkWorld, origin, product } = world
    this.#world = world
    this.index = index
    this.id = networkWorld.peers[index]!.id
    this.process = new SimProcess(sim)
    this.clock = new AwakeClock(this.process.clock, () => this.claims.wokeUp())
    this.up = new FluidLink(options.bytesPerSecond)
    this.down = new FluidLink(options.bytesPerSecond)
    this.disk = { bytesPerSecond: options.diskBytesPerSecond, isFull: false }
    this.slots = new UploadSlots(this.clock, settings.transfers.uploadSlots, () => {})
    this.buffers = new NoPieceBuffers(this.clock)
    this.cache = new SimCache(this.clock, this.disk, world.contentOfKey)
    this.network = new SimNetwork(index, networkWorld)
    const link = new NetworkClaimLink(this.network)
    this.claims = product.createClaims({
      link,
      clock: this.clock,
      settings: settings.election,
      standstill: () => this.clock.standstill(),
      holdings: (key) => this.source.holdings(key),
      nameOf: (id) => this.network.nameOf(id),
      onElected: (info) => {
        this.elections.push({ ...info, tableSince: this.#tableSince(info.key) })
        sim.note(`${index} elects ${this.network.nameOf(info.master)} in epoch ${info.epoch}`)
      },
      onFlood: (id) => this.network.noteFlood(id)
    })
    const random = sim.random(`agent ${index}`)
    const transferWorld: TransferWorld = {
      clock: this.clock,
      cache: this.cache,
      origin: origin.client(this, world.contentOf),
      network: this.network,
      claims: this.claims,
      buffers: this.buffers,
      records: { verify: (_, record) => record.signature[0] === 1 },
      originSlots: new OriginSlots(settings.transfers.originConcurrency, this.clock),
      traffic: new Traffic(this.clock),
      settings,
      evidence: {
        distrusts: () => false,
        suspects: () => false,
        prove: ({ record }) => sim.note(`${index} proves a lie of ${this.network.nameOf(record.signer)}`),
        settled: async () => {},
        recall: async () => {}
      },
      leftOut: new LeftOutPeers(this.network, this.clock, (type, text) => sim.note(`${index} ${type} ${text}`)),
      recalls: { reason: () => undefined, assertNotRecalled: () => {} },
      networks: { of: () => 'simulated', isHere: () => true },
      weight: () => options.weight,
      emit: (type, text) => sim.note(`${index} ${type} ${text}`),
      discarded: (bytes) => void (this.discardedBytes += bytes),
      changed: () => {},
      random,
      site: product.site?.({ network: this.network, clock: this.clock, random }),
      soon: (fn) => void this.process.clock.after(0, fn)
    }
    this.source = new product.Transfers(transferWorld)
    passOn({ network: this.network, link, claims: this.claims }, this.source)
    networkWorld.wires.ends[index] = { ...this.network.end, process: this.process }
  }

  /** A table that everybody has left is forgotten, epochs and all: the next one of the same content is another one. */
  #tableSince(key: ContentKey): number | null {
    const hosted = this.claims.view().find((view) => view.key === key && view.coordinator === this.id)
    return hosted?.since ?? null
  }

  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.network.isBanned(id, key)
  }

  /** Somebody here wants this content. */
  ask(content: SimContent): SimRequest {
    const { sim, origin } = this.#world
    const request = new SimRequest(content, this.clock, (line) => sim.note(`${this.index} ${line}`))
    this.requests.push(request)
    const version = origin.versionOf(content)
    request.membership = this.source.join(
      {
        key: content.key,
        plan: content.plan,
        version,
        headers: undefined,
        expected: content.sha256,
        kind: 'resource',
        stored: {
          url: content.url,
          key: content.key,
          etag: version.etag,
          lastModified: null,
          lengthBytes: content.plan.lengthBytes,
          policy: null,
          confirmedAt: this.clock.wallMs()
        }
      },
      request
    )
    return request
  }

  /** Ends everything in order, as an agent that stops. */
  async stop(): Promise<void> {
    await this.source.close()
    this.claims.stop()
    this.clock.stop()
  }
}
