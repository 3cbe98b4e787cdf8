import { EventEmitter } from 'node:events'
import type { SecureContext } from 'node:tls'
import type { BootId, PeerId } from '../../contract/ids.ts'
import type { ControlMessage, FleetMessage, PeerMessage } from '../../contract/peer-messages.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import type { Clock } from '../../lib/clock.ts'
import { AnnouncedAddresses } from '../discovery/announced-addresses.ts'
import { BEACON_FRESH_MS, type HeardBeacon } from '../discovery/beacon.ts'
import { Intake } from './intake.ts'
import { ControlChannel, type ChannelEnd } from './control-channel.ts'
import { DialLoop, type AttemptResult } from './dial-loop.ts'
import type { DialOutcome, ProvenSocket } from './dial.ts'
import { CLOSE, type Hello } from './hello.ts'
import type { Identity } from '../fleet/identity.ts'
import { KnownAddresses } from '../discovery/known-addresses.ts'
import type { Membership } from '../fleet/membership.ts'
import type { ConnectedPeer, Log } from '../network.ts'
import { KnownMembers, type KnownMembersStore } from './known-members.ts'
import { OwnDials } from './own-dials.ts'
import { MAX_AT_ADDRESS, placeFor, type Guest } from './places.ts'
import type { PeerTable } from './peer-table.ts'
import type { Refusals } from './refusals.ts'
import { SeedDials } from './seed-dials.ts'
import type { Seed } from '../discovery/seed.ts'
import { Unread } from './outbox.ts'
import type { RemoteIdentity } from '../fleet/tls-channel.ts'
import { Twins } from './twins.ts'

/** Both ends hear of each other at the same time; the higher id leaves the first try to the lower one. */
const HIGHER_ID_WAITS_MS = 250
/** Members of other subnets that are connected at the same time. */
export const MAX_FAR = 64
/** Members known by beacon. */
const MAX_LINKS = 4096

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly identity: Identity
  readonly bootId: BootId
  readonly membership: Membership
  /** As it is now: certificates are renewed. */
  readonly secureContext: () => SecureContext
  readonly table: PeerTable
  readonly refusals: Refusals
  readonly hello: () => Hello
  /** Absent: nobody is known after a restart. */
  readonly knownMembers?: KnownMembersStore | undefined
  /** The own addresses, as they are now. */
  readonly paths: {
    /** Why nothing may be exchanged over this own address, or null. */
    barred(ownAddress: string | undefined): string | null
    isThisPc(address: string): boolean
    /** False for addresses that many agents share by nature, such as loopback. */
    countsIdentities(address: string): boolean
  }
}

interface Link {
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

/** Whether a member that has proved itself is let in; but for `accept` these are keys of `STATUS`. */
export type Admission = 'accept' | 'duplicate' | 'twin' | 'later'

interface ConnectionsEvents {
  connected: [ConnectedPeer]
  /** A far one turned out to be near. */
  near: [ConnectedPeer]
  lost: [ConnectedPeer, string]
  message: [PeerId, PeerMessage]
  fleet: [PeerId, FleetMessage]
  /** A member has proved itself; from now on it may ask for pieces. */
  proven: [ProvenSocket]
  /** Its last control connection has ended; its other connections are to end as well. */
  unproven: [PeerId]
}

/**
 * One control connection per pair of members.
 *
 * When both dial at once the lower id decides, so that both keep the same connection: its own attempt, once under way,
 * wins over the other's; otherwise it takes the other's and gives up its own. An agent never dials whom it is connected
 * to. Hence a second connection *from the lower id* means that it has lost the first one; one *from the higher id* may be
 * a late attempt, so the first is probed and the second refused.
 */
export class Connections extends EventEmitter<ConnectionsEvents> {
  readonly #o: ConnectionsOptions
  readonly #links = new Map<PeerId, Link>()
  readonly #seeds: SeedDials
  readonly #dials: OwnDials
  readonly #announced: AnnouncedAddresses
  readonly #twins: Twins
  readonly #unread = new Unread()
  readonly #intake: Intake
  readonly #known: KnownMembers
  #running = false

  constructor(options: ConnectionsOptions) {
    super()
    this.#o = options
    this.#known = new KnownMembers(options.knownMembers)
    this.#intake = new Intake(options.clock)
    this.#announced = new AnnouncedAddresses(options.clock)
    this.#dials = new OwnDials({
      ...options,
      barred: options.paths.barred,
      isUnwanted: (id) => this.isProven(id) || options.refusals.isPenalised(id),
      proven: (connection, port) => this.adopt(connection, 'dialer', port)
    })
    this.#twins = new Twins({
      clock: options.clock,
      self: options.identity.id,
      refusals: options.refusals,
      nameOf: (id) => options.table.nameOf(id),
      isOwn: (address, port) => options.paths.isThisPc(address) && port === options.hello().port,
      lookAt: (address, port) => this.#dials.dial(address, port, options.identity.id, new AbortController().signal)
    })
    this.#seeds = new SeedDials({
      ...options,
      twins: this.#twins,
      isProven: (id) => this.isProven(id),
      dial: (host, port, signal) => this.#dials.dial(host, port, null, signal)
    })
  }

  start(seeds: readonly Seed[]): void {
    this.#running = true
    this.#seeds.start(seeds)
  }

  /** Network or power changed: whoever is there is asked for a sign of life, whoever is not is tried at once. */
  refresh(): void {
    this.#seeds.refresh()
    for (const link of this.#links.values()) {
      link.channel?.probe()
      link.loop.encourage()
      if (!link.channel && this.#hasFreshBeacon(link)) link.loop.soon(0)
    }
  }

  /** The own addresses have changed: connections over one that is not to be used any more end at once, dead ones soon. */
  pathsChanged(): void {
    for (const { channel, ownAddress } of this.#links.values()) {
      if (this.#o.paths.barred(ownAddress) !== null)
        channel?.destroy('was connected over a network that is left out now')
    }
    this.refresh()
  }

  /** What this agent says of itself has changed: everybody who is connected is told. */
  renewHello(): void {
    for (const link of this.#links.values()) if (link.peer) link.channel?.sendHello(this.#helloTo(link))
  }

  stop(): void {
    this.#running = false
    this.#seeds.stop()
    this.#dials.abortAll()
    for (const link of this.#links.values()) {
      link.loop.stop()
      link.channel?.close(CLOSE.goodbye, 'stopped')
    }
    this.#links.clear()
  }

  connected(): ConnectedPeer[] {
    const peers: ConnectedPeer[] = []
    for (const { peer } of this.#links.values()) if (peer) peers.push(peer)
    return peers
  }

  peer(id: PeerId): ConnectedPeer | undefined {
    return this.#links.get(id)?.peer
  }

  /** Connects to a member that a hub has named, at one of these addresses. */
  async introduce(
    id: PeerId,
    addresses: readonly { readonly address: string; readonly port: number }[],
    signal: AbortSignal
  ): Promise<DialOutcome['kind']> {
    let kind: DialOutcome['kind'] = 'unreachable'
    for (const { address, port } of addresses) {
      if (this.isProven(id)) return 'proven'
      if (!this.#running || this.#o.refusals.isPenalised(id) || this.#farCount() >= MAX_FAR) return 'later'
      kind = (await this.#dials.dial(address, port, id, signal, { far: true })).kind
      // Both were introduced to each other at the same moment, and its connection was there first: ours was broken off for it.
      if (this.isProven(id)) return 'proven'
      if (kind !== 'unreachable' && kind !== 'refused') return kind
    }
    return kind
  }

  /** Ends the connection to a far member that is of no use any more. */
  partFrom(id: PeerId): void {
    const link = this.#links.get(id)
    if (link?.far) link.channel?.close(CLOSE.unused, 'is not needed any more')
  }

  /** True while a control connection to this peer is open on which it has proved its membership. */
  isProven(id: PeerId): boolean {
    return this.#links.get(id)?.channel !== undefined
  }

  /** True when a member is connected from this address. */
  knowsAddress(address: string): boolean {
    for (const { peer } of this.#links.values()) if (peer?.address === address) return true
    return false
  }

  /** True when an authentic beacon came from this address lately. */
  isAnnounced(address: string): boolean {
    return this.#announced.has(address)
  }

  /** Where it is, where that tells it from others; whoever is on this PC is at one place with this agent. */
  placeOf(id: PeerId): string | null {
    const { countsIdentities, isThisPc } = this.#o.paths
    const address = this.#links.get(id)?.address
    if (id === this.#o.identity.id) return 'this PC'
    if (address === undefined || !countsIdentities(address)) return null
    return isThisPc(address) ? 'this PC' : address
  }

  noteFlood(id: PeerId, reason: string): void {
    this.#o.refusals.flooding(id, this.#links.get(id)?.address ?? '', reason)
  }

  /** This member has given or taken pieces. */
  wasOfUse(id: PeerId): void {
    this.#known.note(id)
  }

  send(to: PeerId, message: ControlMessage): boolean {
    const link = this.#links.get(to)
    return link?.peer !== undefined && link.channel!.send(message)
  }

  /** A member broke the protocol outside of its control connection. */
  cut(id: PeerId, reason: string): void {
    const link = this.#links.get(id)
    if (!link?.channel) return
    const channel = link.channel
    this.#ended(link, channel, { kind: 'offence', reason })
    channel.close(CLOSE.garbage, reason)
  }

  /** The deny list, the time or a certificate has changed: ends the connections of those who are members no longer. */
  enforceMembership(): void {
    for (const link of this.#links.values()) {
      const { channel, remote } = link
      const objection = channel && remote && this.#o.membership.objection(remote)
      if (!objection) continue
      this.#ended(link, channel, { kind: 'closed', reason: objection.reason })
      channel.close(CLOSE.expelled, objection.reason)
      this.#o.refusals.member(link.id, link.peer?.address ?? '', objection.reason)
    }
  }

  /** What a beacon sets in motion. @returns true when it is to be answered */
  heard({ message, address }: HeardBeacon): boolean {
    const { identity, bootId, clock, table, membership } = this.#o
    if (!this.#running) return false
    if (membership.denies(message.id)) {
      table.set(message.id, 'refused', `${table.nameOf(message.id)} was removed from the fleet.`, { address })
      return false
    }
    if (message.id === identity.id) {
      if (message.bootId === bootId || message.goodbye) return false
      void this.#twins.announced(address, message.port)
      // So that the twin learns of it as well.
      return message.replyWanted
    }
    const nowMs = clock.monotonicMs()
    const known = this.#links.get(message.id)
    if (message.goodbye) {
      if (known?.heardBoot === message.bootId) known.addresses.clear()
      return false
    }
    this.#announced.note(address)
    const link = known ?? this.#newLink(message.id)
    if (!link) return false
    const news = link.heardBoot !== message.bootId && link.bootId !== message.bootId
    if (link.heardBoot !== message.bootId) link.addresses.clear()
    const moved = !link.addresses.has(address, nowMs)
    link.heardBoot = message.bootId
    link.addresses.note(address, message.port, nowMs)
    if (link.channel) {
      // Where it is connected from may be gone.
      if (news || (moved && link.peer?.address !== address)) link.channel.probe()
      this.#isNear(link)
      return news
    }
    if (news || message.replyWanted) link.loop.encourage()
    if (!known) table.set(link.id, 'seen', null, { address })
    if (news || message.replyWanted || link.loop.idle) link.loop.soon(identity.id < link.id ? 0 : HIGHER_ID_WAITS_MS)
    return news || message.replyWanted
  }

  /** A beacon of this fleet in a version of the protocol that this agent does not speak. */
  otherVersion(address: string, version: number): void {
    this.#o.refusals.stranger(
      address,
      null,
      `speaks version ${version} of the protocol, this agent version ${PEER_PROTOCOL}`
    )
  }

  /** A member has proved itself as dialler: may it come in? A promise where it must be seen first whether its older connection lives. */
  admit(id: PeerId, bootId: BootId, address: string, far = false): Admission | Promise<Admission> {
    if (!this.#running || this.#o.refusals.isPenalised(id)) return 'later'
    if (far && this.#farCount() >= MAX_FAR && !this.isProven(id)) return 'later'
    const link = this.#links.get(id)
    if (!link?.channel && !this.#makeRoom(id, address)) return 'later'
    if (link?.channel && link.peer && link.bootId !== bootId)
      return this.#admitOtherRun(link, link.channel, link.peer.address, address)
    if (this.#o.identity.id > id) return 'accept'
    if (link?.channel && link.bootId === bootId) {
      link.channel.probe()
      return 'duplicate'
    }
    return this.#dials.has(id) ? 'duplicate' : 'accept'
  }

  async #admitOtherRun(link: Link, channel: ControlChannel, olderAddress: string, address: string): Promise<Admission> {
    if (link.doubted) return 'later'
    link.doubted = true
    const twin = await this.#twins.isTwin(link.id, address, { channel, address: olderAddress })
    link.doubted = false
    if (!this.#running) return 'later'
    return twin ? 'twin' : 'accept'
  }

  /** Takes over a connection at whose both ends membership was proved. */
  adopt(connection: ProvenSocket, side: 'dialer' | 'acceptor', dialledPort?: number): void {
    const { clock, table, refusals } = this.#o
    const { ws, socket, remote, bootId, address, ownAddress } = connection
    const link = this.#running ? (this.#links.get(remote.id) ?? this.#newLink(remote.id)) : undefined
    if (!link) return ws.terminate()
    // Whoever was dialled has not been asked about yet.
    if (side === 'dialer' && !link.channel && !this.#makeRoom(remote.id, address)) return ws.terminate()
    if (side === 'acceptor') this.#dials.abort(remote.id)
    link.channel?.close(CLOSE.replaced, 'connected anew')
    const channel = new ControlChannel(ws, clock, { unread: this.#unread, intake: this.#intake }, socket)
    link.channel = channel
    link.bootId = bootId
    link.address = address
    link.ownAddress = ownAddress
    link.remote = remote
    link.tellsScope = connection.far === true
    link.far = link.tellsScope && !this.#hasFreshBeacon(link) && !this.#seeds.has(link.id)
    link.addresses.proved(address)
    this.emit('proven', connection)
    channel.on('hello', (theirs) => {
      const first = link.peer === undefined
      if (first && side === 'dialer') channel.sendHello(this.#helloTo(link))
      if (first && theirs.far === false) link.far = false
      link.loop.encourage()
      link.peer = {
        id: link.id,
        name: theirs.name || link.id.slice(0, 8),
        address,
        port: dialledPort ?? theirs.port,
        bootId,
        weight: theirs.weight,
        version: theirs.version,
        far: link.far === true
      }
      table.set(link.id, 'connected', null, {
        address,
        name: theirs.name,
        weight: theirs.weight,
        version: theirs.version,
        far: link.far === true
      })
      if (first) this.emit('connected', link.peer)
      else if (theirs.far === false) this.#isNear(link)
    })
    channel.on('message', (message) => this.emit('message', link.id, message))
    channel.on('fleet', (message) => this.emit('fleet', link.id, message))
    channel.on('flooded', () =>
      refusals.flooding(link.id, address, 'sends more messages than are taken; the rest is ignored')
    )
    channel.once('end', (end) => this.#ended(link, channel, end))
    if (side === 'acceptor') channel.sendHello(this.#helloTo(link))
  }

  #helloTo({ tellsScope, far }: Link): Hello {
    return { ...this.#o.hello(), ...(tellsScope && { far: far === true }) }
  }

  /** Both ends see each other by themselves. */
  #isNear(link: Link): void {
    if (!link.far) return
    link.far = false
    if (!link.peer) return
    link.peer = { ...link.peer, far: false }
    this.#o.table.set(link.id, 'connected', null, { far: false })
    link.channel?.sendHello(this.#helloTo(link))
    this.emit('near', link.peer)
  }

  #farCount(): number {
    let count = 0
    for (const { far, channel } of this.#links.values()) if (far && channel) count++
    return count
  }

  #ended(link: Link, channel: ControlChannel, end: ChannelEnd): void {
    if (link.channel !== channel) return
    const { table, refusals } = this.#o
    const { peer } = link
    delete link.channel
    delete link.remote
    delete link.address
    delete link.peer
    delete link.far
    this.emit('unproven', link.id)
    table.set(link.id, 'lost', `${peer?.name ?? table.nameOf(link.id)} ${end.reason}.`)
    if (end.kind === 'offence') refusals.offender(link.id, peer?.address ?? '', end.reason)
    if (peer) this.emit('lost', peer, end.reason)
    if (!this.#running) return
    if (end.kind === 'goodbye') link.addresses.clear()
    if (this.#hasFreshBeacon(link)) link.loop.later()
    this.#seeds.lost(link.id)
  }

  async #attemptBeacon(id: PeerId, signal: AbortSignal): Promise<AttemptResult> {
    const { clock, table, refusals } = this.#o
    const link = this.#links.get(id)
    if (!link || link.channel || !this.#hasFreshBeacon(link)) return 'done'
    if (refusals.isPenalised(id)) return 'retry'
    let outcome: DialOutcome | undefined
    let failure: string | undefined
    for (const { address, port } of link.addresses.inOrder(clock.monotonicMs())) {
      table.set(id, 'connecting', null, { address })
      const tried = await this.#dials.dial(address, port, id, signal)
      if (link.channel || !this.#running) return 'done'
      if (tried.kind === 'unreachable') failure ??= `${table.nameOf(id)} at ${address}:${port} ${tried.reason}.`
      // Somebody else at an address that was announced: the peer may be at another one.
      if (outcome?.kind !== 'refused' || tried.kind !== 'unreachable') outcome = tried
      if (tried.kind !== 'unreachable' && tried.kind !== 'refused') break
    }
    if (outcome?.kind === 'refused') refusals.member(id, outcome.address, outcome.reason)
    else if (outcome?.kind === 'unreachable') table.set(id, 'lost', failure ?? null)
    else table.set(id, 'seen', null)
    return outcome?.kind === 'proven' ? 'done' : 'retry'
  }

  #newLink(id: PeerId): Link | undefined {
    if (this.#links.size >= MAX_LINKS) this.#dropStale()
    if (this.#links.size >= MAX_LINKS) return undefined
    const link: Link = {
      id,
      addresses: new KnownAddresses(BEACON_FRESH_MS),
      loop: new DialLoop(this.#o.clock, this.#o.random, (signal) => this.#attemptBeacon(id, signal))
    }
    this.#links.set(id, link)
    return link
  }

  #dropStale(): void {
    for (const [id, link] of this.#links) {
      if (link.channel || this.#hasFreshBeacon(link)) continue
      link.loop.stop()
      this.#links.delete(id)
    }
  }

  #hasFreshBeacon({ addresses }: Link): boolean {
    return addresses.isFresh(this.#o.clock.monotonicMs())
  }

  /** A place for one more member, if need be somebody else's. */
  #makeRoom(id: PeerId, address: string): boolean {
    const connected: Guest[] = []
    for (const link of this.#links.values()) if (link.channel) connected.push(this.#guest(link.id, link.address ?? ''))
    const place = placeFor(this.#guest(id, address), connected, this.#o.paths.countsIdentities)
    if (place.is === 'none' && place.why === 'address')
      this.#o.refusals.stranger(
        address,
        null,
        `has more than ${MAX_AT_ADDRESS} identities; those above that are not taken`
      )
    if (place.is === 'of') {
      const { channel } = this.#links.get(place.id)!
      channel?.close(CLOSE.full, 'gave its place to another PC')
    }
    return place.is !== 'none'
  }

  #guest(id: PeerId, address: string): Guest {
    const seed = this.#seeds.has(id)
    return { id, address, seed, known: seed || this.#known.has(id) }
  }
}
