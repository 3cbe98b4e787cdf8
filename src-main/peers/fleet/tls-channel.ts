import { createHash, type X509Certificate } from 'node:crypto'
import type { OnReadOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, createSecureContext, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls'
import type { PeerId } from '../../contract/ids.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import { deviceKey, peerIdOf } from './certificate.ts'
import type { Identity } from './identity.ts'
import type { Channel, Role } from './membership.ts'

const EXPORTER_LABEL = 'EXPORTER-larder-membership'

/** What an agent shows of itself in TLS: its device key, and the certificate of it that its fleet asks for. */
export type TlsCredential = Pick<Identity, 'keyPem' | 'certificatePem'>

/**
 * Rules of all TLS connections between peers: TLS 1.3 only, AES-128-GCM first (fastest where the CPU has AES
 * instructions), no post-quantum key shares (they make each handshake a kilobyte longer).
 */
export function peerTlsOptions({ keyPem, certificatePem }: TlsCredential) {
  return {
    key: keyPem,
    cert: certificatePem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519:prime256v1'
  } as const
}

export function peerSecureContext(credential: TlsCredential): SecureContext {
  return createSecureContext(peerTlsOptions(credential))
}

/** Who is at the other end, as its certificate says and the TLS handshake has proved. Not yet: whether it is a member. */
export interface RemoteIdentity {
  readonly id: PeerId
  readonly spki: Buffer
  readonly certificate: X509Certificate
  readonly certificateSha256: Buffer
}

/** @returns undefined when the other end showed no certificate with a P-256 key */
export function remoteIdentity(socket: TLSSocket): RemoteIdentity | undefined {
  const certificate = socket.getPeerX509Certificate()
  const spki = certificate && deviceKey(certificate)
  if (!spki) return undefined
  return { id: peerIdOf(spki), spki, certificate, certificateSha256: sha256(certificate.raw) }
}

/** What a proof of membership on this connection is computed over. */
export function channelOf(
  socket: TLSSocket,
  remote: RemoteIdentity,
  role: Role,
  { protocol = PEER_PROTOCOL, use = 'control' }: { protocol?: number; use?: 'control' | 'hub' } = {}
): Channel {
  // Asked of the connection: the agent's own certificate may have been renewed since it began.
  const own = sha256(socket.getX509Certificate()!.raw)
  return {
    dialerCertificate: role === 'dialer' ? own : remote.certificateSha256,
    acceptorCertificate: role === 'dialer' ? remote.certificateSha256 : own,
    exporter: socket.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.alloc(0)),
    protocol,
    use
  }
}

/**
 * Opens a TLS connection; certificates are self-signed, so the caller checks {@link remoteIdentity} after
 * `secureConnect` and before it sends anything. No server name is sent. With `onread` there are no `data` events.
 */
export function dialTls(
  secureContext: SecureContext,
  {
    host,
    port,
    localAddress,
    through
  }: { host: string; port: number; localAddress?: string | undefined; through?: Duplex | undefined },
  onread?: OnReadOpts
): TLSSocket {
  // `onread` is passed on to the socket (node:net); the types of node:tls do not say so.
  const options: ConnectionOptions & { onread?: OnReadOpts } = {
    ...(through ? { socket: through } : { host, port, ...(localAddress !== undefined && { localAddress }) }),
    secureContext,
    onread,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    servername: '',
    ALPNProtocols: ['http/1.1']
  }
  const socket = connect(options)
  if (through) destroyedLater(socket)
  else socket.setNoDelay(true)
  // Whoever uses the socket hears its errors; one that comes when nobody does must not end the process.
  socket.on('error', () => {})
  return socket
}

/**
 * For TLS inside a stream that is not a socket. Node closes such a connection while `destroy` runs, and not a moment later as others: within a callback
 * of its HTTP parser that frees the parser twice, after which two other connections share it and the process aborts.
 */
export function destroyedLater(socket: TLSSocket): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error) => {
    setImmediate(() => destroy(error))
    return socket
  }
}

/** IPv4 without the mapping that dual-stack sockets add. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

/** All agents of a PC have it, so it says nothing about who is there. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
