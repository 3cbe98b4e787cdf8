import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket, type SecureContext } from 'node:tls'
import type { Clock } from '../../lib/clock.ts'
import { destroyedLater } from '../fleet/tls-channel.ts'
import type { AddressGuard } from './address-guard.ts'
import type { Unproven } from './unproven.ts'

export interface TunnelledOptions {
  readonly clock: Clock
  readonly guard: AddressGuard
  readonly unproven: Unproven
  /** For the TLS handshake. */
  readonly patienceMs: number
  /** As it is now: certificates are renewed. */
  readonly secureContext: () => SecureContext
  /** The handshake is over. */
  readonly secured: (socket: TLSSocket) => void
}

/** TLS connections inside connections that a proxy has brought. They may become hub connections, and nothing else. */
export class Tunnelled {
  readonly #o: TunnelledOptions
  readonly #open = new Map<Duplex, { readonly address: string; readonly port: number }>()
  #count = 0

  constructor(options: TunnelledOptions) {
    this.#o = options
  }

  /** @param source where it comes from; null: not known, so that only the limit for all such counts */
  take(stream: Duplex, source: string | null): void {
    const { clock, guard, unproven, patienceMs, secureContext, secured } = this.#o
    const address = source ?? 'a proxy'
    if (unproven.isFull(address) || (source !== null && !guard.admits(source))) {
      stream.destroy()
      return
    }
    // Streams other than sockets are taken as well (node:tls); its types do not say so.
    const socket = new TLSSocket(stream as Socket, {
      isServer: true,
      secureContext: secureContext(),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1']
    })
    destroyedLater(socket)
    // Tells it from other connections of that address, as a port does.
    const port = -++this.#count
    this.#open.set(socket, { address, port })
    unproven.add(address, port)
    const limit = clock.after(patienceMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      limit.cancel()
      this.#open.delete(socket)
      unproven.settled(address, port)
      stream.destroy()
    })
    socket.once('secure', () => {
      limit.cancel()
      secured(socket)
    })
  }

  /** Where a connection comes from, as far as is known; undefined: it is none of these. */
  of(socket: Duplex): { readonly address: string; readonly port: number } | undefined {
    return this.#open.get(socket)
  }

  close(): void {
    for (const socket of [...this.#open.keys()]) socket.destroy()
  }
}
