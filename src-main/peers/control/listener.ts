import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { BootId, type PeerId } from '../../contract/ids.ts'
import { MAX_PEER_MESSAGE_BYTES } from '../../contract/peer-messages.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { listenOn } from '../../lib/listen-at.ts'
import { AddressGate } from './address-gate.ts'
import type { AddressGuard } from './address-guard.ts'
import type { Connections } from './connections.ts'
import type { ProvenSocket } from './dial.ts'
import { BOOT_HEADER, CONTROL_PATH, HUB_PATH, PROOF_HEADER, PROTOCOL_HEADER, SCOPE_HEADER, STATUS } from './hello.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'
import type { Refusals } from './refusals.ts'
import { Tunnelled } from './tunnelled.ts'
import { Unproven } from './unproven.ts'
import {
  channelOf,
  peerTlsOptions,
  plainAddress,
  remoteIdentity,
  type RemoteIdentity,
  type TlsCredential
} from '../fleet/tls-channel.ts'

/** A stranger has this long for the TLS handshake, and again for its proof. */
const PATIENCE_MS = 10_000
/** Idle connections for pieces are kept this long; the client is told and gives up a second earlier. */
const KEEP_ALIVE_MS = 20_000
/** Pieces that are brought to a hub come in within this time; only members get beyond the head of a request. */
const REQUEST_MS = 120_000
const MAX_SOCKETS = 4096
const MAX_HEADER_BYTES = 4096
/** Connections for pieces of one member; an agent opens two. */
const MAX_PIECE_SOCKETS = 8

export interface ListenerOptions {
  readonly clock: Clock
  readonly identity: Identity
  readonly credential: TlsCredential
  readonly bootId: BootId
  readonly membership: Membership
  readonly guard: AddressGuard
  readonly connections: Connections
  readonly refusals: Refusals
  /** False for addresses that all agents of a PC share, such as loopback. */
  readonly countsIdentities: (address: string) => boolean
  /** Why nothing may be exchanged with peers over this own address, or null. */
  readonly barred: (ownAddress: string | undefined) => string | null
  /** Takes agents that come to this one as their hub; absent: it is none. */
  readonly hub?: HubEntrance
  readonly servePieces: (peer: PeerId, request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/** Where agents come in that take this one for their hub. */
export interface HubEntrance {
  /** There is room for this member. */
  admits(id: PeerId): boolean
  /** It is connected. */
  has(id: PeerId): boolean
  adopt(connection: ProvenSocket): void
}

/**
 * The TLS port. Until a connection has proved that it comes from a member it gets the TLS handshake and then silence: no
 * byte of HTTP, not even an error, only the end of the connection.
 */
export class Listener {
  readonly #o: ListenerOptions
  readonly #server: Server
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PEER_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false
  })
  readonly #remotes = new WeakMap<Duplex, RemoteIdentity>()
  readonly #hubbed = new WeakSet<Duplex>()
  readonly #patience = new WeakMap<Duplex, Timer>()
  readonly #unproven = new Unproven()
  readonly #tunnelled: Tunnelled
  #secureContext: SecureContext
  /** Open sockets; those of proven members for pieces by their id. */
  readonly #sockets = new Set<Socket>()
  readonly #pieceSockets = new Map<PeerId, Set<Duplex>>()

  constructor(options: ListenerOptions) {
    this.#o = options
    this.#secureContext = createSecureContext(peerTlsOptions(options.credential))
    this.#tunnelled = new Tunnelled({
      clock: options.clock,
      guard: options.guard,
      unproven: this.#unproven,
      patienceMs: PATIENCE_MS,
      secureContext: () => this.#secureContext,
      secured: (socket) => this.#server.emit('secureConnection', socket)
    })
    this.#server = createServer({
      ...peerTlsOptions(options.credential),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: PATIENCE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false,
      insecureHTTPParser: false,
      headersTimeout: PATIENCE_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
      blockList: new AddressGate((address) => this.#admits(address))
    })
    this.#server.maxConnections = MAX_SOCKETS
    this.#server.on('connection', (socket: Socket) => this.#greet(socket))
    this.#server.on('secureConnection', (socket) => this.#identify(socket))
    this.#server.on('upgrade', (request, socket, head) => void this.#control(request, socket, head))
    this.#server.on('request', (request, response) => void this.#pieces(request, response))
    // Node answers each of these by itself unless somebody listens.
    this.#server.on('checkContinue', (request) => request.socket.destroy())
    this.#server.on('checkExpectation', (request) => request.socket.destroy())
    this.#server.on('connect', (request) => request.socket.destroy())
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('tlsClientError', () => {})
    this.#webSockets.on('headers', (headers, request) => {
      const proof = this.#ownProof(request.socket as TLSSocket)
      headers.push(`${PROOF_HEADER}: ${proof}`, `${BOOT_HEADER}: ${this.#o.bootId}`)
    })
  }

  /** Where `::` cannot be had, because IPv6 is off, IPv4 is enough. @returns the TCP port. @throws PORT_TAKEN */
  async listen(address: string, port: number): Promise<number> {
    try {
      return await listenOn(this.#server, { host: address, port })
    } catch (error) {
      const code = systemCode(error)
      if (address === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return this.listen('0.0.0.0', port)
      if (code === 'EADDRINUSE')
        throw new LarderError('PORT_TAKEN', `TCP port ${port} for peers is taken by another program`, {
          port,
          cause: error
        })
      throw new LarderError(
        'PORT_TAKEN',
        `The peer port cannot be opened at ${address}:${port} (${code ?? (error as Error).message})`,
        { port, cause: error }
      )
    }
  }

  /** From the next connection on another certificate is shown. */
  renew(credential: TlsCredential): void {
    this.#server.setSecureContext(peerTlsOptions(credential))
    this.#secureContext = createSecureContext(peerTlsOptions(credential))
  }

  /** A connection inside one that a proxy has brought. @param source where it comes from; null: not known */
  takeTunnel(stream: Duplex, source: string | null): void {
    this.#tunnelled.take(stream, source)
  }

  /** Takes no more connections and ends those that carry pieces; control connections end by themselves. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const id of [...this.#pieceSockets.keys()]) this.forget(id)
    // Goodbyes get a moment to leave, no more.
    const limit = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
      this.#tunnelled.close()
    }, 200)
    await closed
    clearTimeout(limit)
  }

  /** Ends all connections that carry pieces to this peer. */
  forget(id: PeerId): void {
    for (const socket of this.#pieceSockets.get(id) ?? []) socket.destroy()
    this.#pieceSockets.delete(id)
  }

  /** May this address open one more connection now? */
  #admits(address: string): boolean {
    const { guard, connections } = this.#o
    // A connected member vouches for its address, but not for whoever else is behind it.
    if (this.#unproven.isFull(address)) return false
    if (connections.knowsAddress(address))
      return (
        !this.#o.countsIdentities(address) ||
        (this.#unproven.hasRoomForMembers(address) && guard.admitsMembers(address))
      )
    return guard.admits(address, connections.isAnnounced(address))
  }

  #greet(socket: Socket): void {
    if (this.#o.barred(plainAddress(socket.localAddress)) !== null) {
      socket.destroy()
      return
    }
    const address = plainAddress(socket.remoteAddress)
    const { remotePort = 0 } = socket
    this.#unproven.add(address, remotePort)
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#unproven.settled(address, remotePort)
    })
  }

  #identify(socket: TLSSocket): void {
    const remote = remoteIdentity(socket)
    if (!remote) {
      socket.destroy()
      return
    }
    this.#remotes.set(socket, remote)
    const limit = this.#o.clock.after(PATIENCE_MS, () => socket.destroy())
    this.#patience.set(socket, limit)
    socket.once('close', () => limit.cancel())
  }

  /** A connection that asks to become a control connection. */
  async #control(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { membership, identity, guard, connections, refusals } = this.#o
    const tls = socket as TLSSocket
    const remote = this.#remotes.get(tls)
    const proof = request.headers[PROOF_HEADER]
    const use = request.url === HUB_PATH && this.#o.hub ? 'hub' : 'control'
    const protocol = Number(request.headers[PROTOCOL_HEADER])
    const tunnelled = this.#tunnelled.of(tls)
    const address = tunnelled?.address ?? plainAddress(tls.remoteAddress)
    if (
      !remote ||
      (tunnelled && use !== 'hub') ||
      request.method !== 'GET' ||
      request.url !== (use === 'hub' ? HUB_PATH : CONTROL_PATH) ||
      typeof proof !== 'string' ||
      !(protocol >= 1 && protocol <= 0xffff)
    ) {
      tls.destroy()
      return
    }
    if (!membership.proofHolds(channelOf(tls, remote, 'acceptor', { protocol, use }), 'dialer', proof)) {
      tls.destroy()
      guard.failed(address, connections.isAnnounced(address))
      refusals.stranger(address, remote.id, membership.strangerReason)
      return
    }
    const objection = membership.objection(remote)
    if (objection?.kind === 'stranger') {
      tls.destroy()
      guard.failed(address, connections.isAnnounced(address))
      refusals.stranger(address, remote.id, objection.reason)
      return
    }
    guard.proved(address)
    if (objection) {
      refusals.member(remote.id, address, objection.reason)
      return answer(tls, STATUS.denied)
    }
    if (protocol !== PEER_PROTOCOL) {
      refusals.member(
        remote.id,
        address,
        `speaks version ${protocol} of the protocol, this agent version ${PEER_PROTOCOL}`
      )
      return answer(tls, STATUS.otherProtocol)
    }
    const bootId = BootId.safeParse(request.headers[BOOT_HEADER])
    if (!bootId.success || remote.id === identity.id) {
      tls.destroy()
      return
    }
    const far = request.headers[SCOPE_HEADER] === 'far'
    const proven = {
      socket: tls,
      remote,
      bootId: bootId.data,
      address,
      ownAddress: tls.localAddress && plainAddress(tls.localAddress),
      far
    }
    if (use === 'hub') {
      const hub = this.#o.hub!
      if (!hub.admits(remote.id)) return answer(tls, STATUS.later)
      this.#hubbed.add(tls)
      this.#welcome(tls, address)
      return this.#webSockets.handleUpgrade(request, tls, head, (ws) => hub.adopt({ ws, ...proven }))
    }
    const admission = connections.admit(remote.id, bootId.data, address, far)
    // What is decided at once is carried out at once: another attempt may be under way.
    const verdict = typeof admission === 'string' ? admission : await admission
    if (tls.destroyed) return
    if (verdict !== 'accept') return answer(tls, STATUS[verdict])
    this.#welcome(tls, address)
    this.#webSockets.handleUpgrade(request, tls, head, (ws) => connections.adopt({ ws, ...proven }, 'acceptor'))
  }

  #welcome(socket: TLSSocket, address: string): void {
    this.#patience.get(socket)?.cancel()
    this.#unproven.settled(address, this.#tunnelled.of(socket)?.port ?? socket.remotePort ?? 0)
  }

  async #pieces(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request
    const remote = this.#remotes.get(socket)
    const sockets = (remote && this.#pieceSockets.get(remote.id)) ?? new Set()
    if (
      !remote ||
      this.#tunnelled.of(socket) ||
      !(this.#o.connections.isProven(remote.id) || this.#o.hub?.has(remote.id)) ||
      (sockets.size >= MAX_PIECE_SOCKETS && !sockets.has(socket))
    ) {
      socket.destroy()
      return
    }
    this.#patience.get(socket)?.cancel()
    this.#unproven.settled(plainAddress(socket.remoteAddress), socket.remotePort ?? 0)
    if (!sockets.has(socket)) {
      this.#pieceSockets.set(remote.id, sockets.add(socket))
      socket.once('close', () => sockets.delete(socket))
    }
    await this.#o.servePieces(remote.id, request, response)
  }

  #ownProof(socket: TLSSocket): string {
    const use = this.#hubbed.has(socket) ? 'hub' : 'control'
    return this.#o.membership.prove(channelOf(socket, this.#remotes.get(socket)!, 'acceptor', { use }), 'acceptor')
  }
}

/** The bare answer to a member that cannot be taken; the connection ends. */
function answer(socket: TLSSocket, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
