// Why it is like this: docs/decisions/0035-one-socket-per-address-many-addresses-per-peer.md
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { systemCode } from '../../lib/errors.ts'
import type { LocalInterface } from './interfaces.ts'

export interface OutletOptions {
  /** UDP port, the same for the whole fleet. */
  readonly port: number
  readonly group4: string
  readonly group6: string
  readonly heard: (bytes: Buffer, from: RemoteInfo) => void
  /** The socket has ended by itself; `why` is a sentence. */
  readonly broken: (why: string, error: Error) => void
}

/** What a second joining is refused with while the first one stands, or while the interface is on its way out. */
const HARMLESS = ['EADDRINUSE', 'EINVAL', 'EADDRNOTAVAIL', 'ENODEV']

/** The beacon's socket on one address of this PC: sends there only, and is joined to the group there. */
export class BeaconOutlet {
  readonly on: LocalInterface
  readonly #o: OutletOptions
  readonly #socket: Socket
  #ready = false
  #trouble: string | null = null

  constructor(on: LocalInterface, options: OutletOptions) {
    this.on = on
    this.#o = options
    this.#socket = createSocket(
      on.family === 6 ? { type: 'udp6', ipv6Only: true, reuseAddr: true } : { type: 'udp4', reuseAddr: true }
    )
    this.#socket.unref()
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Why it does not work as it should; one sentence. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** @returns false when it cannot be opened; `broken` has been called then */
  open(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#socket.on('error', (error) => {
        this.close()
        this.#o.broken(this.#explain(error), error)
        resolve(false)
      })
      this.#socket.on('close', () => resolve(false))
      this.#socket.on('message', this.#o.heard)
      this.#socket.bind(
        { port: this.#o.port, address: this.on.family === 6 ? '::' : '0.0.0.0', exclusive: true },
        () => {
          try {
            if (this.on.family === 4) this.#socket.setBroadcast(true)
            this.#socket.setMulticastTTL(1)
            this.#socket.setMulticastLoopback(true)
          } catch (error) {
            this.#trouble = this.#explain(error)
          }
          this.#ready = true
          this.join()
          resolve(true)
        }
      )
    })
  }

  /**
   * Joins the group on its interface. To be repeated: while the membership stands the system refuses the second joining,
   * and where the interface was re-created unnoticed it takes it.
   */
  join(): void {
    if (!this.#ready) return
    const { family, address, zone } = this.on
    const at = family === 6 ? `::%${zone}` : address
    try {
      this.#socket.setMulticastInterface(at)
      this.#socket.addMembership(this.#group, at)
      this.#trouble = null
    } catch (error) {
      if (!HARMLESS.includes(systemCode(error) ?? '')) this.#trouble = this.#explain(error)
    }
  }

  /** Sends to the group, and where there is one to the broadcast address. @returns true when {@link trouble} has changed */
  async announce(bytes: Buffer): Promise<boolean> {
    const { broadcast, family, zone } = this.on
    const group = family === 6 ? `${this.#group}%${zone}` : this.#group
    const to = broadcast === null ? [group] : [group, broadcast]
    const errors = await Promise.all(to.map((address) => this.send(bytes, this.#o.port, address)))
    const error = errors.every(Boolean) ? errors[0] : null
    const before = this.#trouble
    this.#trouble = error ? this.#explain(error) : null
    return this.#trouble !== before
  }

  /** @returns what went wrong */
  send(bytes: Buffer, port: number, address: string): Promise<Error | null> {
    if (!this.#ready) return Promise.resolve(null)
    return new Promise((resolve) => {
      try {
        this.#socket.send(bytes, port, address, resolve)
      } catch (error) {
        resolve(error as Error)
      }
    })
  }

  close(): void {
    this.#ready = false
    try {
      this.#socket.close()
    } catch {
      // Closed by its own error already.
    }
  }

  get #group(): string {
    return this.on.family === 6 ? this.#o.group6 : this.#o.group4
  }

  #explain(error: unknown): string {
    const code = systemCode(error)
    if (code === 'EADDRINUSE') return `UDP port ${this.#o.port} is taken by another program.`
    if (code === 'ENETUNREACH' || code === 'ENETDOWN' || code === 'EADDRNOTAVAIL')
      return `This network is not ready (${code}).`
    return `The system refuses multicast here (${code ?? (error as Error).message}).`
  }
}
