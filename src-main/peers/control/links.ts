import type { BootId, PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { BEACON_FRESH_MS } from '../discovery/beacon.ts'
import { KnownAddresses } from '../discovery/known-addresses.ts'
import type { RemoteIdentity } from '../fleet/tls-channel.ts'
import type { ConnectedPeer } from '../network.ts'
import type { ControlChannel } from './control-channel.ts'
import type { ProvenSocket } from './dial.ts'
import { DialLoop, type AttemptResult } from './dial-loop.ts'

/** Members known by beacon. */
const MAX_LINKS = 4096

/** One member: what its beacons say, and the connection to it while there is one. */
export interface Link {
  readonly id: PeerId
  readonly loop: DialLoop
  /** Where its last beacons came from; nothing after a goodbye. */
  readonly addresses: KnownAddresses
  /** Of its last beacon. */
  heardBoot?: BootId
  channel?: ControlChannel
  /** Who proved itself on the channel. */
  remote?: RemoteIdentity
  bootId?: BootId
  /** The peer's address of the channel. */
  address?: string
  /** Own address of the channel. */
  ownAddress?: string | undefined
  /** While it is found out whether a second run is a twin. */
  doubted?: boolean
  /** It takes the other for somebody of another subnet, and says so: a hub has brought them together. */
  far?: boolean
  tellsScope?: boolean
  /** Set with the peer's hello. */
  peer?: ConnectedPeer
}

/** Membership was proved at both ends of this connection, which is the member's from now on. */
export function bind(
  link: Link,
  channel: ControlChannel,
  { remote, bootId, address, ownAddress, far }: Omit<ProvenSocket, 'ws' | 'socket'>
): void {
  link.channel = channel
  link.bootId = bootId
  link.address = address
  link.ownAddress = ownAddress
  link.remote = remote
  link.tellsScope = far === true
  link.addresses.proved(address)
}

/** The connection is gone, and what was known by it. */
export function unbind(link: Link): void {
  delete link.channel
  delete link.remote
  delete link.address
  delete link.peer
  delete link.far
}

export interface LinksOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Tries to connect to a member at the addresses of its beacons. */
  readonly attempt: (link: Link, signal: AbortSignal) => Promise<AttemptResult>
}

/** The members that this agent has heard of or is connected to, within bounds. */
export class Links {
  readonly #o: LinksOptions
  readonly #byId = new Map<PeerId, Link>()

  constructor(options: LinksOptions) {
    this.#o = options
  }

  [Symbol.iterator](): IterableIterator<Link> {
    return this.#byId.values()
  }

  get(id: PeerId): Link | undefined {
    return this.#byId.get(id)
  }

  /** @returns undefined when there is no room for one more */
  getOrAdd(id: PeerId): Link | undefined {
    const known = this.#byId.get(id)
    if (known) return known
    if (this.#byId.size >= MAX_LINKS) this.#dropStale()
    if (this.#byId.size >= MAX_LINKS) return undefined
    const { clock, random, attempt } = this.#o
    const link: Link = {
      id,
      addresses: new KnownAddresses(BEACON_FRESH_MS),
      loop: new DialLoop(clock, random, (signal) => attempt(link, signal))
    }
    this.#byId.set(id, link)
    return link
  }

  clear(): void {
    this.#byId.clear()
  }

  hasFreshBeacon({ addresses }: Link): boolean {
    return addresses.isFresh(this.#o.clock.monotonicMs())
  }

  /** Members that have said hello. */
  connected(): ConnectedPeer[] {
    const peers: ConnectedPeer[] = []
    for (const { peer } of this) if (peer) peers.push(peer)
    return peers
  }

  /** Members of other subnets with a connection. */
  farCount(): number {
    let count = 0
    for (const { far, channel } of this) if (far && channel) count++
    return count
  }

  /** True when a member is connected from this address. */
  knowsAddress(address: string): boolean {
    for (const { peer } of this) if (peer?.address === address) return true
    return false
  }

  #dropStale(): void {
    for (const link of this) {
      if (link.channel || this.hasFreshBeacon(link)) continue
      link.loop.stop()
      this.#byId.delete(link.id)
    }
  }
}
