import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKey } from '../contract/ids.ts'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { createPeerNetwork } from '../peers/create-network.ts'
import type { Knowledge } from '../peers/exchange/knowledge.ts'
import { newSiteKey } from '../peers/fleet/site-key.ts'
import type { PeerNetwork, PieceSource, ServedContent } from '../peers/network.ts'
import { pieceLength, planPieces, type PiecePlan } from '../pieces/plan.ts'
import { lone, PieceBuffers } from '../pieces/piece-buffers.ts'
import { signRecord } from '../pieces/record.ts'
import { freeUdpPort } from './free-ports.ts'
import { keptLog, type KeptLog } from './kept-log.ts'

/** One agent's peer network on a virtual LAN. */
export interface LanPeer {
  readonly network: PeerNetwork
  readonly name: string
  readonly dir: string
  readonly log: KeptLog
  /** `host:port` for others to use as a seed. */
  seed(): string
}

export interface LanPeerOptions {
  readonly name?: string
  readonly siteKey?: string | null
  /** Addresses to greet; without them the peer uses the beacon. */
  readonly seeds?: readonly string[]
  readonly dir?: string
  readonly clock?: Clock
  readonly source?: PieceSource
  readonly knowledge?: Knowledge
  readonly countsIdentities?: (address: string) => boolean
  readonly uploadSlots?: number
  readonly weight?: number
  readonly random?: () => number
  readonly discovery?: SettingsInput['discovery']
  readonly ports?: SettingsInput['ports']
  readonly hub?: SettingsInput['hub']
  /** Interfaces of this PC; loopback alone by default. */
  readonly listing?: typeof networkInterfaces
}

/** Peer networks of one test process that reach each other over loopback only: real sockets, one shared beacon port. */
export class VirtualLan {
  readonly siteKey = newSiteKey()
  readonly peers: LanPeer[] = []
  readonly #beaconPort: number

  private constructor(beaconPort: number) {
    this.#beaconPort = beaconPort
  }

  static async open(): Promise<VirtualLan> {
    return new VirtualLan(await freeUdpPort())
  }

  get beaconPort(): number {
    return this.#beaconPort
  }

  /** Makes a network without starting it. */
  async make(options: LanPeerOptions = {}): Promise<LanPeer> {
    const name = options.name ?? `pc-${this.peers.length + 1}`
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'larder-lan-')))
    const log = keptLog()
    const settings = Settings.parse({
      fleet: { siteKey: options.siteKey === undefined ? this.siteKey : options.siteKey },
      ports: { peer: 0, beacon: this.#beaconPort, ...options.ports },
      discovery: {
        beacon: !options.seeds,
        seeds: [...(options.seeds ?? [])],
        listenAddress: '127.0.0.1',
        includeLoopback: true,
        ...options.discovery
      },
      ...(options.hub && { hub: options.hub })
    })
    const network = await createPeerNetwork({
      dataDir: dir,
      name,
      version: '0.1.0',
      weight: () => options.weight ?? 50,
      settings: {
        fleet: settings.fleet,
        ports: settings.ports,
        discovery: settings.discovery,
        hub: settings.hub,
        uploadSlots: options.uploadSlots ?? 8
      },
      clock: options.clock ?? systemClock,
      log,
      buffers: new PieceBuffers(options.clock ?? systemClock),
      source: options.source ?? { isSmall: () => false, openServed: async () => undefined },
      knowledge: options.knowledge,
      countsIdentities: options.countsIdentities,
      random: options.random,
      listing: options.listing ?? loopbackAlone
    })
    const peer: LanPeer = { network, name, dir, log, seed: () => `127.0.0.1:${network.ports().peer}` }
    this.peers.push(peer)
    return peer
  }

  async add(options: LanPeerOptions = {}): Promise<LanPeer> {
    const peer = await this.make(options)
    await peer.network.start()
    return peer
  }

  async close(): Promise<void> {
    await Promise.all(this.peers.map(({ network }) => network.stop()))
    await Promise.all(this.peers.map(({ dir }) => rm(dir, { recursive: true, force: true })))
  }
}

/** The interfaces that lead nowhere but to this PC. */
export function loopbackAlone(): ReturnType<typeof networkInterfaces> {
  return Object.fromEntries(
    Object.entries(networkInterfaces()).filter(([, infos]) => infos?.some((info) => info.internal))
  )
}

/** Waits until `a` and `b` have each other connected. */
export async function untilConnected(a: PeerNetwork, b: PeerNetwork, limitMs = 5000): Promise<void> {
  const signal = AbortSignal.timeout(limitMs)
  while (!a.peer(b.self)) await once(a, 'connected', { signal })
  while (!b.peer(a.self)) await once(b, 'connected', { signal })
}

/** A content from memory whose records are signed by `signer`; each piece is filled with its index. */
export function memorySource(
  key: ContentKey,
  lengthBytes: number,
  signer: () => PeerNetwork
): { source: PieceSource; plan: PiecePlan; piece: (index: number) => Buffer; served: number[]; closed: () => number } {
  const plan = planPieces(lengthBytes)
  const piece = (index: number) => Buffer.alloc(pieceLength(plan, index), index + 1)
  const served: number[] = []
  let closed = 0
  const content: ServedContent = {
    plan,
    has: () => true,
    record: (index) =>
      signRecord(key, { index, epoch: 1, digest: Buffer.alloc(32, index), signer: signer().self }, (message) =>
        signer().sign(message)
      ),
    read: async (index) => lone(piece(index)),
    served: (_peer, bytes) => void served.push(bytes),
    close: () => void closed++
  }
  return {
    source: { isSmall: () => false, openServed: async (asked) => (asked === key ? content : undefined) },
    plan,
    piece,
    served,
    closed: () => closed
  }
}
