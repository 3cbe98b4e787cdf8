import { resolveSrv } from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import { networkInterfaces } from 'node:os'
import type { BootId, ContentKey, PeerId } from '../contract/ids.ts'
import { AddressGuard } from './control/address-guard.ts'
import { Connections } from './control/connections.ts'
import type { Attention } from './control/heartbeat.ts'
import type { Hello } from './control/hello.ts'
import { Listener } from './control/listener.ts'
import type { PeerTable } from './control/peer-table.ts'
import { Refusals, type Refusal } from './control/refusals.ts'
import { Beacon } from './discovery/beacon.ts'
import type { InterfaceWatch } from './discovery/interface-watch.ts'
import { KnowledgeProofs, knowledgeWith } from './exchange/knowledge.ts'
import { DepositServer } from './exchange/deposit-server.ts'
import { PieceClient } from './exchange/piece-client.ts'
import { DEPOSIT_PREFIX } from './exchange/piece-request.ts'
import { PieceServer } from './exchange/piece-server.ts'
import type { UploadSlots } from './exchange/upload-slots.ts'
import { FarParty } from './far/far-party.ts'
import type { CaFleet } from './fleet/ca-fleet.ts'
import type { Identity } from './fleet/identity.ts'
import type { Membership } from './fleet/membership.ts'
import { dnsSuffixes } from '../machine/dns-suffixes.ts'
import { isLoopback, peerSecureContext, type TlsCredential } from './fleet/tls-channel.ts'
import { HubDials } from './hub/hub-dials.ts'
import { SrvHubs } from './hub/srv-hubs.ts'
import { HubDoorway } from './hub/hub-door.ts'
import { TunnelEntrance } from './hub/tunnel-entrance.ts'
import { HubDeposits } from './hub-deposits.ts'
import type { HubSearch } from './network.ts'
import type { PeerNetworkOptions } from './network-options.ts'

/** What the parts of a fleet need of the agent around them. */
export interface FleetWorld {
  readonly options: PeerNetworkOptions
  readonly random: () => number
  readonly identity: Identity
  readonly bootId: BootId
  readonly membership: Membership
  /** Where membership is by a CA. */
  readonly ca: CaFleet | undefined
  readonly table: PeerTable
  readonly slots: UploadSlots
  readonly watch: InterfaceWatch
  readonly attention: Attention
  isBanned(id: PeerId, key: ContentKey): boolean
  refused(refusal: Refusal): void
  /** Null: not listening. */
  port(): number | null
  hello(): Hello
}

/** What exists only in a fleet. */
export interface Fleet {
  readonly membership: Membership
  readonly ca: CaFleet | undefined
  readonly connections: Connections
  readonly listener: Listener
  readonly client: PieceClient
  readonly far: FarParty
  readonly hubs: HubDials
  readonly deposits: HubDeposits
  readonly srv: SrvHubs
  readonly door: HubDoorway | undefined
  /** Where a reverse proxy brings agents; absent: nowhere. */
  readonly entrance: TunnelEntrance | undefined
  beacon(): Beacon
  /** The settings of the section `hub`, which may change. */
  search(search: HubSearch): void
  /** From the next connection on another certificate is shown. */
  renew(credential: TlsCredential): void
}

/** Makes the parts of a fleet and tells each of the others; opens nothing. */
export function assembleFleet(world: FleetWorld): Fleet {
  const { options, random, identity, bootId, membership, ca, table, slots, watch } = world
  const { clock, log, source } = options
  const { hub } = options.settings
  const proofs = new KnowledgeProofs(knowledgeWith(options.knowledge))
  const common = { clock, log, random, identity, bootId, membership }
  // Pieces go by connections on which the device key alone counts.
  const deviceContext = peerSecureContext(identity)
  let controlContext = ca ? peerSecureContext(ca.credential) : deviceContext
  const refusals = new Refusals(clock, table, (refusal) => world.refused(refusal))
  const barred = (ownAddress: string | undefined) => watch.barredPath(ownAddress)
  const countsIdentities = options.countsIdentities ?? ((address: string) => !isLoopback(address))
  const connections = new Connections({
    ...common,
    secureContext: () => controlContext,
    table,
    refusals,
    paths: { barred, isThisPc: (address) => watch.isThisPc(address), countsIdentities },
    hello: () => world.hello(),
    attention: world.attention,
    knownMembers: options.knownMembers
  })
  const wasOfUse = (peer: PeerId) => {
    connections.wasOfUse(peer)
    far.used(peer)
  }
  const client = new PieceClient({
    clock,
    secureContext: deviceContext,
    buffers: options.buffers,
    proofs,
    received: (peer, bytes) => {
      table.received(peer, bytes)
      wasOfUse(peer)
    },
    offended: (peer, reason) => connections.cut(peer, reason)
  })
  const server = new PieceServer({
    clock,
    log,
    source,
    random,
    slots,
    proofs,
    upload: options.rates?.upload ?? { pace: () => undefined, capped: false },
    isBanned: (peer, key) => world.isBanned(peer, key),
    served: (peer, bytes) => {
      table.served(peer, bytes)
      wasOfUse(peer)
    }
  })
  const depositServer = new DepositServer({
    clock,
    log,
    buffers: options.buffers,
    pieces: server,
    shelf: () => door?.shelf ?? null
  })
  const far = new FarParty({
    clock,
    connections,
    identity,
    listing: options.listing ?? networkInterfaces,
    watch,
    rules: options.settings.discovery,
    port: () => world.port(),
    name: options.name,
    version: options.version,
    site: hub?.site ?? null
  })
  const hubs = new HubDials({
    ...common,
    secureContext: () => controlContext,
    barred,
    outerAgent:
      options.outerAgent ?? (async (url) => (url.startsWith('https:') ? https.globalAgent : http.globalAgent)),
    card: () => far.introduction()
  })
  const srv = new SrvHubs({
    clock,
    resolve: options.resolveSrv ?? resolveSrv,
    suffixes: options.dnsSuffixes ?? dnsSuffixes
  })
  let named: readonly string[] = []
  const dialAll = () => hubs.configure([...new Set([...named, ...srv.urls])])
  srv.on('changed', dialAll)
  const search = ({ urls, reach, discover }: HubSearch) => {
    far.reachOnly(reach)
    named = urls.filter((url) => !/^srv:/i.test(url))
    dialAll()
    srv.configure(
      urls.filter((url) => /^srv:/i.test(url)).map((url) => url.slice('srv:'.length)),
      discover === 'dns'
    )
  }
  const door = hub?.serve
    ? new HubDoorway({
        clock,
        maxConnections: hub.maxConnections,
        offended: (id, address, reason) => refusals.offender(id, address, reason)
      })
    : undefined
  // A PC connected only as an agent of this hub gets what is in the deposit, and nothing else.
  const askedPieces = (peer: PeerId, request: http.IncomingMessage, response: http.ServerResponse) =>
    connections.isProven(peer) ? server.handle(peer, request, response) : Promise.resolve(void request.socket.destroy())
  const deposits = new HubDeposits({
    clock,
    hubs,
    client,
    knowledge: knowledgeWith(options.knowledge),
    upload: options.rates?.upload.pace ?? (() => undefined)
  })
  const listener = new Listener({
    ...common,
    credential: ca?.credential ?? identity,
    guard: new AddressGuard(clock),
    connections,
    refusals,
    barred,
    ...(door && { hub: door }),
    countsIdentities,
    servePieces: (peer, request, response) =>
      request.url?.startsWith(DEPOSIT_PREFIX)
        ? depositServer.handle(peer, request, response)
        : askedPieces(peer, request, response)
  })
  const entrance =
    hub?.serve && hub.listen !== null
      ? new TunnelEntrance({
          ...hub,
          take: (stream, source) => listener.takeTunnel(stream, source)
        })
      : undefined
  connections.on('unproven', (id) => {
    client.forget(id)
    if (!door?.has(id)) listener.forget(id)
  })
  door?.on('lost', (id) => {
    if (!connections.isProven(id)) listener.forget(id)
  })
  return {
    membership,
    ca,
    connections,
    listener,
    client,
    far,
    hubs,
    deposits,
    srv,
    door,
    entrance,
    beacon: () => {
      const { multicastGroup, multicastGroup6 } = options.settings.discovery
      const beacon = new Beacon({
        ...common,
        watch,
        device: identity,
        port: options.settings.ports.beacon,
        group4: multicastGroup,
        group6: multicastGroup6,
        peerPort: () => world.port()!
      })
      beacon.on('heard', (heard) => {
        if (connections.heard(heard)) beacon.reply(heard)
      })
      beacon.on('otherVersion', ({ address, version }) => connections.otherVersion(address, version))
      return beacon
    },
    search,
    renew: (credential) => {
      controlContext = peerSecureContext(credential)
      listener.renew(credential)
    }
  }
}
