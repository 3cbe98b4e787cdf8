import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import type { BootId, ContentKey, PeerId } from '../contract/ids.ts'
import { systemClock } from '../lib/clock.ts'
import { dialControl, type DialOutcome } from '../peers/control/dial.ts'
import { BOOT_HEADER, PROOF_HEADER, type Hello } from '../peers/control/hello.ts'
import { KnowledgeProofs, knowledgeWith, KNOWS_HEADER } from '../peers/exchange/knowledge.ts'
import { piecesPath, type PieceRun } from '../peers/exchange/piece-request.ts'
import { loadIdentity, type Identity } from '../peers/fleet/identity.ts'
import { siteKeyMembership, type Membership } from '../peers/fleet/membership.ts'
import { channelOf, dialTls, peerSecureContext, peerTlsOptions, remoteIdentity } from '../peers/fleet/tls-channel.ts'
import { keptLog } from './kept-log.ts'

/** A member with no manners: it proves itself as told and then does by hand whatever a test wants. */
export class RawMember {
  readonly identity: Identity
  readonly membership: Membership
  /** Where it comes from; one of the many loopback addresses. */
  localAddress: string | undefined
  readonly bootId = randomBytes(8).toString('hex') as BootId
  readonly #dir: string
  readonly #proofs = new KnowledgeProofs(knowledgeWith())
  readonly #servers: Server[] = []
  readonly #sockets = new Set<{ destroy(): unknown }>()

  private constructor(identity: Identity, siteKey: string, dir: string) {
    this.identity = identity
    this.membership = siteKeyMembership(siteKey)
    this.#dir = dir
  }

  static async make(siteKey: string): Promise<RawMember> {
    const dir = await mkdtemp(join(tmpdir(), 'larder-raw-'))
    return new RawMember(await loadIdentity(dir, { clock: systemClock, log: keptLog() }), siteKey, dir)
  }

  get id(): PeerId {
    return this.identity.id
  }

  hello(more: Partial<Hello> = {}): string {
    return JSON.stringify({ t: 'hello', name: 'raw', version: '0', port: 1, weight: 1, ...more })
  }

  /** A TLS connection to `port` under this identity; nothing is sent. */
  async tls(port: number): Promise<TLSSocket> {
    const socket = dialTls(peerSecureContext(this.identity), {
      host: '127.0.0.1',
      port,
      localAddress: this.localAddress
    })
    this.#sockets.add(socket)
    await once(socket, 'secureConnect')
    return socket
  }

  /** The proof that makes this connection a member's, for a request written by hand. */
  proof(socket: TLSSocket): string {
    return this.membership.prove(channelOf(socket, remoteIdentity(socket)!, 'dialer'), 'dialer')
  }

  /** A request for pieces with the proof that this member knows the digest its key names. */
  asks(socket: TLSSocket, key: ContentKey, run: PieceRun): string {
    const proof = this.#proofs.prove(socket, key)
    return `GET ${piecesPath(key, run)} HTTP/1.1\r\nHost: a\r\n${KNOWS_HEADER}: ${proof}\r\n\r\n`
  }

  /** Opens a control connection and says hello unless told not to. */
  async dial(port: number, { hello = true }: { hello?: boolean } = {}): Promise<WebSocket> {
    let opened: WebSocket | undefined
    const greeted = Promise.withResolvers<void>()
    const outcome = await this.attempt(port, (ws) => {
      opened = ws
      ws.on('error', () => {})
      ws.once('message', () => {
        if (hello) ws.send(this.hello())
        greeted.resolve()
      })
    })
    if (!opened) throw new Error(`not let in: ${outcome.kind}`)
    this.#sockets.add({ destroy: () => opened?.terminate() })
    await greeted.promise
    return opened
  }

  attempt(port: number, proven: (ws: WebSocket) => void = () => {}): Promise<DialOutcome> {
    return dialControl({
      host: '127.0.0.1',
      port,
      localAddress: this.localAddress,
      identity: this.identity,
      membership: this.membership,
      bootId: this.bootId,
      secureContext: peerSecureContext(this.identity),
      clock: systemClock,
      signal: new AbortController().signal,
      barred: () => null,
      recognise: () => 'go',
      proven: ({ ws }) => proven(ws)
    })
  }

  /** Listens as an agent would, and answers piece requests as the test says; `hold` delays the answer to a proof. @returns the port */
  async serve(handlers: {
    pieces?: (request: IncomingMessage, response: ServerResponse) => void
    control?: (ws: WebSocket) => void
    hold?: (socket: Duplex) => Promise<void>
    prove?: (channelProof: string, theirs: string) => string
  }): Promise<number> {
    const server = createServer({ ...peerTlsOptions(this.identity), requestCert: true, rejectUnauthorized: false })
    const webSockets = new WebSocketServer({ noServer: true })
    const { prove = (own) => own } = handlers
    webSockets.on('headers', (headers, request) => {
      const socket = request.socket as TLSSocket
      const own = this.membership.prove(channelOf(socket, remoteIdentity(socket)!, 'acceptor'), 'acceptor')
      headers.push(
        `${PROOF_HEADER}: ${prove(own, String(request.headers[PROOF_HEADER]))}`,
        `${BOOT_HEADER}: ${this.bootId}`
      )
    })
    server.on('connection', (socket) => this.#sockets.add(socket))
    server.on('upgrade', (request, socket, head) => {
      const answer = () =>
        webSockets.handleUpgrade(request, socket, head, (ws) => {
          ws.on('error', () => {})
          ws.send(this.hello({ port: (server.address() as AddressInfo).port }))
          handlers.control?.(ws)
        })
      if (handlers.hold) void handlers.hold(socket).then(answer)
      else answer()
    })
    server.on('request', (request, response) => handlers.pieces?.(request, response))
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
    await rm(this.#dir, { recursive: true, force: true })
  }
}
