import { EventEmitter } from 'node:events'
import { BootId, type ContentKey, type PeerId } from '../../contract/ids.ts'
import type { Credential, PeerMessage } from '../../contract/peer-messages.ts'
import type { AgentSnapshot, PeerView } from '../../contract/snapshot.ts'
import { LARDER_VERSION } from '../../contract/version.ts'
import { LarderError } from '../../lib/errors.ts'
import type { ConnectedPeer, PeerNetwork, PeerNetworkEvents, ReceivedPiece } from '../../peers/network.ts'
import { nobodyFar, noDeposits, NoHubs } from '../../peers/without-fleet.ts'
import type { PiecePlan } from '../../pieces/plan.ts'
import { PieceFetch, type FetchOptions, type FetchWorld, type PieceHost } from './piece-fetch.ts'
import type { Wires, WireEnd } from './wires.ts'

/** As long as a P-256 key in base64url, and as a proof with a site key. */
const SPKI_CHARACTERS = 122
const PROOF = 'p'.repeat(43)
const ANSWER_MS = 1000

/** Signatures say who made them, and whether they are right; as long as real ones. */
const RIGHT_SIGNATURE = Buffer.alloc(64, 1)

export interface NetworkWorld extends FetchWorld {
  readonly wires: Wires
  readonly hosts: readonly PieceHost[]
  /** Everybody, as a connected peer. */
  readonly peers: readonly ConnectedPeer[]
  readonly indexOf: ReadonlyMap<PeerId, number>
}

export function connectedPeer(id: PeerId, index: number): ConnectedPeer {
  return {
    id,
    name: `PC-${index}`,
    address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    port: 4726,
    bootId: BootId.parse(id.slice(0, 16)),
    weight: 50,
    version: LARDER_VERSION,
    far: false
  }
}

/** The fleet as one simulated agent sees it: members are trusted, wires and flows are simulated, and who says what to whom is the product's. */
export class SimNetwork extends EventEmitter<PeerNetworkEvents> implements PeerNetwork {
  readonly self: PeerId
  readonly bootId: BootId
  readonly credential: Credential
  readonly far = nobodyFar
  readonly hubs = new NoHubs()
  readonly deposits = noDeposits
  readonly door = null
  readonly recalled = new Map()
  readonly #index: number
  readonly #world: NetworkWorld
  readonly #bans = new Set<string>()
  /** Whose keys it has: members it met, and those whose credentials it was shown. */
  readonly #keys = new Set<PeerId>()

  constructor(index: number, world: NetworkWorld) {
    super()
    this.setMaxListeners(0)
    this.#index = index
    this.#world = world
    const { id, bootId } = world.peers[index]!
    this.self = id
    this.bootId = bootId
    this.credential = { spki: id.padEnd(SPKI_CHARACTERS, '0'), proof: PROOF }
  }

  connected(): readonly ConnectedPeer[] {
    return [...this.#world.wires.peersOf(this.#index)].map((index) => this.#world.peers[index]!)
  }

  /** What the wires tell this agent. */
  readonly end: Omit<WireEnd, 'process'> = {
    connected: (peer) => void this.emit('connected', this.#world.peers[peer]!),
    lost: (peer, reason) => this.#lost(peer, reason),
    received: (from, message) => void this.emit('message', this.#world.peers[from]!.id, message)
  }

  #lost(peer: number, reason: string): void {
    for (const fetch of this.#world.hosts[this.#index]!.fetches) {
      if (fetch.server.index === peer) fetch.lost()
      else if (fetch.asker.index === peer) fetch.askerGone()
    }
    this.emit('lost', this.#world.peers[peer]!, reason)
  }

  peer(id: PeerId): ConnectedPeer | undefined {
    const index = this.#world.indexOf.get(id)
    return index !== undefined && this.#world.wires.has(this.#index, index) ? this.#world.peers[index] : undefined
  }

  nameOf(id: PeerId): string {
    const index = this.#world.indexOf.get(id)
    return index === undefined ? id.slice(0, 8) : this.#world.peers[index]!.name
  }

  placeOf(id: PeerId): string | null {
    return this.peer(id)?.address ?? null
  }

  send(to: PeerId, message: PeerMessage): boolean {
    const index = this.#world.indexOf.get(to)
    return index !== undefined && this.#world.wires.send(this.#index, index, message)
  }

  answersNow(id: PeerId): Promise<boolean> {
    const index = this.#world.indexOf.get(id)!
    const { wires, fluid } = this.#world
    const answers = wires.has(this.#index, index) && wires.reaches(this.#index, index)
    return new Promise((resolve) => {
      fluid.after(answers ? 2 * wires.delayMs(this.#index, index) : ANSWER_MS, () => resolve(answers))
    })
  }

  async *fetchPieces(
    from: PeerId,
    key: ContentKey,
    plan: PiecePlan,
    run: { first: number; count: number },
    options: FetchOptions
  ): AsyncGenerator<ReceivedPiece> {
    const index = this.#world.indexOf.get(from)
    if (index === undefined || !this.#world.wires.has(this.#index, index))
      throw new LarderError('PEER_LOST', `${this.nameOf(from)} is not connected`)
    const { hosts } = this.#world
    yield* new PieceFetch(hosts[this.#index]!, hosts[index]!, { key, plan, run }, options, this.#world).pieces()
  }

  ban(id: PeerId, key: ContentKey, reason: string): void {
    if (this.isBanned(id, key)) return
    this.#world.note(`${this.#index} bans ${this.nameOf(id)}: ${reason}`)
    this.#bans.add(`${id} ${key}`)
    this.emit('banned', id, key)
  }

  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.#bans.size > 0 && this.#bans.has(`${id} ${key}`)
  }

  /** How many it listens to no more. */
  get bans(): number {
    return this.#bans.size
  }

  sign(): Buffer {
    return RIGHT_SIGNATURE
  }

  verifyCredential(credential: Credential): { id: PeerId; spki: Buffer } | undefined {
    const id = credential.spki.slice(0, 64) as PeerId
    if (!this.#world.indexOf.has(id)) return undefined
    this.#keys.add(id)
    return { id, spki: RIGHT_SIGNATURE }
  }

  passOn(credential: Credential): Credential {
    return credential
  }

  memberKey(id: PeerId): Buffer | undefined {
    return id === this.self || this.#keys.has(id) || this.peer(id) !== undefined ? RIGHT_SIGNATURE : undefined
  }

  fleet(): AgentSnapshot['fleet'] {
    return { member: true } as AgentSnapshot['fleet']
  }

  blind(key: ContentKey): ContentKey {
    return key
  }

  view(): PeerView[] {
    return []
  }

  uploads(): [] {
    return []
  }

  interfaces(): [] {
    return []
  }

  ports(): { peer: null; beacon: null } {
    return { peer: null, beacon: null }
  }

  noteFlood(id: PeerId): void {
    this.#world.note(`${this.#index} is flooded by ${this.nameOf(id)}`)
  }

  abortUploads(): void {}
  enforceMembership(): void {}
  configureHubs(): void {}
  renewHello(): void {}
  watchClosely(): void {}
  refresh(): void {}
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}
