import { EventEmitter } from 'node:events'
import type { SecureContext } from 'node:tls'
import type { BootId, PeerId } from '../../contract/ids.ts'
import type { ControlMessage, FleetMessage, PeerMessage } from '../../contract/peer-messages.ts'
import type { Clock } from '../../lib/clock.ts'
import type { HeardBeacon } from '../discovery/beacon.ts'
import { Admissions, type Admission } from './admissions.ts'
import { BeaconDials } from './beacon-dials.ts'
import { introduce, type DialAddress, type IntroductionWorld } from './introduce.ts'
import type { Attention } from './heartbeat.ts'
import { Intake } from './intake.ts'
import { ControlChannel, type ChannelEnd } from './control-channel.ts'
import type { DialOutcome, ProvenSocket } from './dial.ts'
import { CLOSE, type Hello } from './hello.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'
import type { ConnectedPeer, Log } from '../network.ts'
import type { KnownMembersStore } from './known-members.ts'
import { bind, Links, unbind, type Link } from './links.ts'
import { OwnDials } from './own-dials.ts'
import type { PeerTable } from './peer-table.ts'
import type { Refusals } from './refusals.ts'
import { SeedDials } from './seed-dials.ts'
import type { Seed } from '../discovery/seed.ts'
import { Unread } from './outbox.ts'
import { Twins } from './twins.ts'

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
  readonly attention: Attention
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
  readonly #links: Links
  readonly #beacons: BeaconDials
  readonly #seeds: SeedDials
  readonly #dials: OwnDials
  readonly #twins: Twins
  readonly #unread = new Unread()
  readonly #intake: Intake
  readonly #admissions: Admissions
  #running = false

  constructor(options: ConnectionsOptions) {
    super()
    this.#o = options
    this.#intake = new Intake(options.clock)
    this.#links = new Links({ ...options, attempt: (link, signal) => this.#beacons.attempt(link, signal) })
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
    this.#beacons = new BeaconDials({
      ...options,
      self: options.identity.id,
      links: this.#links,
      dials: this.#dials,
      twins: this.#twins,
      isRunning: () => this.#running,
      isNear: (link) => this.#isNear(link)
    })
    this.#seeds = new SeedDials({
      ...options,
      twins: this.#twins,
      isProven: (id) => this.isProven(id),
      dial: (host, port, signal) => this.#dials.dial(host, port, null, signal)
    })
    this.#admissions = new Admissions({
      ...options,
      self: options.identity.id,
      links: this.#links,
      dials: this.#dials,
      seeds: this.#seeds,
      twins: this.#twins,
      isRunning: () => this.#running,
      countsIdentities: options.paths.countsIdentities
    })
  }

  start(seeds: readonly Seed[]): void {
    this.#running = true
    this.#seeds.start(seeds)
  }

  /** Network or power changed: whoever is there is asked for a sign of life, whoever is not is tried at once. */
  refresh(): void {
    this.#seeds.refresh()
    for (const link of this.#links) {
      link.channel?.probe()
      link.loop.encourage()
      if (!link.channel && this.#links.hasFreshBeacon(link)) link.loop.soon(0)
    }
  }

  /** The own addresses have changed: connections over one that is not to be used any more end at once, dead ones soon. */
  pathsChanged(): void {
    for (const { channel, ownAddress } of this.#links) {
      if (this.#o.paths.barred(ownAddress) !== null)
        channel?.destroy('was connected over a network that is left out now')
    }
    this.refresh()
  }

  /** What this agent says of itself has changed: everybody who is connected is told. */
  renewHello(): void {
    for (const link of this.#links) if (link.peer) link.channel?.sendHello(this.#helloTo(link))
  }

  stop(): void {
    this.#running = false
    this.#seeds.stop()
    this.#dials.abortAll()
    for (const link of this.#links) {
      link.loop.stop()
      link.channel?.close(CLOSE.goodbye, 'stopped')
    }
    this.#links.clear()
  }

  connected(): ConnectedPeer[] {
    return this.#links.connected()
  }

  peer(id: PeerId): ConnectedPeer | undefined {
    return this.#links.get(id)?.peer
  }

  /** Connects to a member that a hub has named, at one of these addresses. */
  introduce(id: PeerId, addresses: readonly DialAddress[], signal: AbortSignal): Promise<DialOutcome['kind']> {
    const world: IntroductionWorld = {
      isProven: (of) => this.isProven(of),
      mayDial: (of) => this.#running && !this.#o.refusals.isPenalised(of) && this.#admissions.hasFarRoom(of),
      dial: (host, port, expected) => this.#dials.dial(host, port, expected, signal, { far: true })
    }
    return introduce(world, id, addresses)
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
    return this.#links.knowsAddress(address)
  }

  /** True when an authentic beacon came from this address recently. */
  isAnnounced(address: string): boolean {
    return this.#beacons.isAnnounced(address)
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
    this.#admissions.wasOfUse(id)
  }

  send(to: PeerId, message: ControlMessage): boolean {
    const link = this.#links.get(to)
    return link?.peer !== undefined && link.channel!.send(message)
  }

  answersNow(id: PeerId): Promise<boolean> {
    return this.#links.get(id)?.channel?.answersNow() ?? Promise.resolve(false)
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
    for (const link of this.#links) {
      const { channel, remote } = link
      const objection = channel && remote && this.#o.membership.objection(remote)
      if (!objection) continue
      this.#ended(link, channel, { kind: 'closed', reason: objection.reason })
      channel.close(CLOSE.expelled, objection.reason)
      this.#o.refusals.member(link.id, link.peer?.address ?? '', objection.reason)
    }
  }

  /** What a beacon sets in motion. @returns true when it is to be answered */
  heard(beacon: HeardBeacon): boolean {
    return this.#running && this.#beacons.heard(beacon)
  }

  /** A beacon of this fleet in a version of the protocol that this agent does not speak. */
  otherVersion(address: string, version: number): void {
    this.#beacons.otherVersion(address, version)
  }

  /** May this member, which has dialled and proved itself, come in? */
  admit(id: PeerId, bootId: BootId, address: string, far = false): Admission | Promise<Admission> {
    return this.#admissions.admit(id, bootId, address, far)
  }

  /** Takes over a connection at whose both ends membership was proved. */
  adopt(connection: ProvenSocket, side: 'dialer' | 'acceptor', dialledPort?: number): void {
    const { clock, table, refusals } = this.#o
    const { ws, socket, remote, bootId, address } = connection
    const link = this.#running ? this.#links.getOrAdd(remote.id) : undefined
    if (!link) return ws.terminate()
    // Whoever was dialled has not been asked about yet.
    if (side === 'dialer' && !link.channel && !this.#admissions.makeRoom(remote.id, address)) return ws.terminate()
    if (side === 'acceptor') this.#dials.abort(remote.id)
    link.channel?.close(CLOSE.replaced, 'connected again')
    const channel = new ControlChannel(ws, clock, { ...this.#o, unread: this.#unread, intake: this.#intake }, socket)
    bind(link, channel, connection)
    link.far = connection.far === true && !this.#links.hasFreshBeacon(link) && !this.#seeds.has(link.id)
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
        far: link.far === true,
        answersKept: theirs.answersKept,
        hearsChecks: theirs.hearsChecks
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

  #ended(link: Link, channel: ControlChannel, end: ChannelEnd): void {
    if (link.channel !== channel) return
    const { table, refusals } = this.#o
    const { peer } = link
    unbind(link)
    this.emit('unproven', link.id)
    table.set(link.id, 'lost', `${peer?.name ?? table.nameOf(link.id)} ${end.reason}.`)
    if (end.kind === 'offence') refusals.offender(link.id, peer?.address ?? '', end.reason)
    if (peer) this.emit('lost', peer, end.reason)
    if (!this.#running) return
    if (end.kind === 'goodbye') link.addresses.clear()
    if (this.#links.hasFreshBeacon(link)) link.loop.later()
    this.#seeds.lost(link.id)
  }
}
