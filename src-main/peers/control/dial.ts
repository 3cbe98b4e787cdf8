import type { Duplex } from 'node:stream'
import type { SecureContext, TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { BootId, type PeerId } from '../../contract/ids.ts'
import { MAX_PEER_MESSAGE_BYTES } from '../../contract/peer-messages.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Corkable } from '../../lib/gathered-writes.ts'
import { systemCode } from '../../lib/errors.ts'
import { BOOT_HEADER, CONTROL_PATH, HUB_PATH, PROOF_HEADER, PROTOCOL_HEADER, SCOPE_HEADER, STATUS } from './hello.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'
import { TWIN_REMEDY } from './refusals.ts'
import { channelOf, dialTls, plainAddress, remoteIdentity, type RemoteIdentity } from '../fleet/tls-channel.ts'

const CONNECT_MS = 5000
const ANSWER_MS = 5000

/** A WebSocket at whose both ends membership was proved. */
export interface ProvenSocket {
  readonly ws: WebSocket
  /** What `ws` writes to. */
  readonly socket: Corkable
  readonly remote: RemoteIdentity
  readonly bootId: BootId
  readonly address: string
  /** Own address of the connection. */
  readonly ownAddress: string | undefined
  /** The dialler was told of the other by a hub. */
  readonly far?: boolean
}

/** What became of an attempt to open a control connection. */
export type DialOutcome =
  /** Both sides have proved their membership. */
  | { readonly kind: 'proven'; readonly id: PeerId }
  /** There is, or will be, another connection to this peer. */
  | { readonly kind: 'duplicate'; readonly id: PeerId }
  /** This agent itself, or another one with its key. */
  | { readonly kind: 'self'; readonly address: string }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Somebody is there and does not belong to us, or does not take us. */
  | { readonly kind: 'refused'; readonly id: PeerId | null; readonly address: string; readonly reason: string }
  /** A member that cannot take us right now. */
  | { readonly kind: 'later'; readonly id: PeerId }

export interface DialOptions {
  readonly host: string
  readonly port: number
  /** Own address to come from; the system chooses by default. */
  readonly localAddress?: string | undefined
  readonly identity: Identity
  readonly membership: Membership
  readonly bootId: BootId
  readonly secureContext: SecureContext
  readonly clock: Clock
  readonly signal: AbortSignal
  /** `control` by default. */
  readonly use?: 'control' | 'hub'
  /** A hub has named the other one. */
  readonly far?: boolean
  /** What carries the connection instead of a socket of its own to host and port; `localAddress` does not count then. */
  readonly through?: Duplex
  /**
   * Asked when it is known who is there and before anything is sent.
   * @returns 'go', or why the attempt ends here
   */
  readonly recognise: (id: PeerId) => 'go' | 'duplicate' | 'impostor'
  /** Asked once connected: why nothing may be exchanged over this own address, or null. */
  readonly barred: (ownAddress: string | undefined) => string | null
  /** Called once when all is proven, before the first frame is delivered. */
  readonly proven: (connection: ProvenSocket) => void
}

/** Opens a control connection up to the point where both sides are proven. Never throws. */
export async function dialControl(options: DialOptions): Promise<DialOutcome> {
  const { host, port, localAddress, identity, clock, signal } = options
  if (signal.aborted) {
    options.through?.destroy()
    return { kind: 'unreachable', reason: 'was no longer wanted' }
  }
  const socket = dialTls(options.secureContext, { host, port, localAddress, through: options.through })
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  const limit = clock.after(CONNECT_MS, abort)
  try {
    const failure = await secured(socket)
    const address = plainAddress(socket.remoteAddress ?? host)
    if (failure) return { kind: 'unreachable', reason: failure }
    if (options.barred(socket.localAddress) !== null)
      return give(socket, { kind: 'unreachable', reason: 'can be reached only over a network that is left out' })
    const remote = remoteIdentity(socket)
    if (!remote) return refused(socket, { id: null, address, reason: 'has no usable device certificate' })
    if (remote.id === identity.id) return give(socket, { kind: 'self', address })
    const verdict = options.recognise(remote.id)
    if (verdict === 'duplicate') return give(socket, { kind: 'duplicate', id: remote.id })
    if (verdict === 'impostor')
      return refused(socket, { id: remote.id, address, reason: 'is another agent than the one announced there' })
    const objection = options.membership.objection(remote)
    if (objection) return refused(socket, { id: remote.id, address, reason: objection.reason })
    return await upgrade(socket, remote, address, options)
  } finally {
    limit.cancel()
    signal.removeEventListener('abort', abort)
  }
}

/** @returns why it failed, or undefined */
function secured(socket: TLSSocket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let why = 'did not answer in time'
    socket.once(
      'error',
      (error) =>
        (why =
          systemCode(error) === 'ECONNREFUSED'
            ? 'has no agent at this port'
            : `cannot be reached (${systemCode(error) ?? error.message})`)
    )
    socket.once('close', () => resolve(why))
    socket.once('secureConnect', () => resolve(undefined))
  })
}

function upgrade(
  socket: TLSSocket,
  remote: RemoteIdentity,
  address: string,
  { membership, bootId, clock, signal, proven, use = 'control', far = false }: DialOptions
): Promise<DialOutcome> {
  const channel = channelOf(socket, remote, 'dialer', { use })
  const ws = new WebSocket(`wss://peer${use === 'hub' ? HUB_PATH : CONTROL_PATH}`, {
    createConnection: () => socket,
    headers: {
      [PROOF_HEADER]: membership.prove(channel, 'dialer'),
      [PROTOCOL_HEADER]: String(PEER_PROTOCOL),
      [BOOT_HEADER]: bootId,
      ...(far && { [SCOPE_HEADER]: 'far' })
    },
    maxPayload: MAX_PEER_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false
  })
  return new Promise((resolve) => {
    const limit = clock.after(ANSWER_MS, () => settle({ kind: 'unreachable', reason: 'did not answer in time' }))
    const settle = (outcome: DialOutcome) => {
      limit.cancel()
      if (outcome.kind !== 'proven') socket.destroy()
      resolve(outcome)
    }
    let acceptorBoot: BootId | undefined
    let why = `closed the connection without an answer; it probably ${membership.strangerReason}`
    ws.once('upgrade', (answer) => {
      const proof = answer.headers[PROOF_HEADER]
      const boot = BootId.safeParse(answer.headers[BOOT_HEADER])
      if (typeof proof === 'string' && boot.success && membership.proofHolds(channel, 'acceptor', proof)) {
        acceptorBoot = boot.data
        return
      }
      why = membership.strangerReason
      ws.terminate()
    })
    ws.once('open', () => {
      if (!acceptorBoot) return
      ws.removeAllListeners()
      proven({ ws, socket, remote, bootId: acceptorBoot, address, ownAddress: socket.localAddress, far })
      settle({ kind: 'proven', id: remote.id })
    })
    ws.once('unexpected-response', (_request, answer) => {
      const { statusCode } = answer
      if (statusCode === STATUS.duplicate) settle({ kind: 'duplicate', id: remote.id })
      else if (statusCode === STATUS.twin)
        settle({
          kind: 'refused',
          id: remote.id,
          address,
          reason: `says that another PC has the identity of this one ${TWIN_REMEDY}`
        })
      else if (statusCode === STATUS.denied)
        settle({
          kind: 'refused',
          id: remote.id,
          address,
          reason:
            'does not take this PC: it was removed from the fleet, or its certificate has expired by the clock there'
        })
      else if (statusCode === STATUS.later) settle({ kind: 'later', id: remote.id })
      else if (statusCode === STATUS.otherProtocol)
        settle({
          kind: 'refused',
          id: remote.id,
          address,
          reason: `speaks another version of the protocol than ${PEER_PROTOCOL}`
        })
      else settle({ kind: 'refused', id: remote.id, address, reason: `gave an answer no agent gives (${statusCode})` })
    })
    const broken = () =>
      settle(
        signal.aborted
          ? { kind: 'unreachable', reason: 'was no longer wanted' }
          : { kind: 'refused', id: remote.id, address, reason: why }
      )
    ws.on('error', broken)
    ws.on('close', broken)
  })
}

function give(socket: TLSSocket, outcome: DialOutcome): DialOutcome {
  socket.destroy()
  return outcome
}

function refused(
  socket: TLSSocket,
  { id, address, reason }: { id: PeerId | null; address: string; reason: string }
): DialOutcome {
  return give(socket, { kind: 'refused', id, address, reason })
}
