import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import type { networkInterfaces } from 'node:os'
import type { BootId, PeerId } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { systemCode } from '../lib/errors.ts'
import { decodeBeacon, encodeBeacon, looksLikeOurs, type BeaconMessage } from './beacon-message.ts'
import { BeaconFilter } from './beacon-filter.ts'
import { chooseInterfaces, type BeaconInterface, type InterfaceView } from './interfaces.ts'
import type { Membership } from './membership.ts'
import type { Log } from './network.ts'

/** Mean pause between beacons while nothing happens; each one varies by half to either side. */
const PERIOD_MS = 30_000
/** Longer than three beacons in a row can take to get lost. */
export const BEACON_FRESH_MS = 3 * PERIOD_MS * 1.5
const RESCAN_MS = 10_000
/** After start, waking up and network changes: a beacon may get lost while a switch or Wi-Fi still settles. */
const BURST_MS = [0, 400, 1500]
/** On one PC all answers reach all agents, so that one answer does for everybody who asked meanwhile. */
const SHARED_REPLY_MS = 50
/** Most time a goodbye may hold up the stop. */
const GOODBYE_MS = 250

export interface HeardBeacon {
  readonly message: BeaconMessage
  readonly address: string
  /** UDP port it came from. */
  readonly port: number
}

export interface BeaconOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly membership: Membership
  readonly self: PeerId
  readonly bootId: BootId
  /** UDP port, the same for the whole fleet. */
  readonly port: number
  readonly group: string
  readonly includeLoopback: boolean
  readonly listenAddress: string
  /** TCP port to announce. */
  readonly peerPort: () => number
  readonly listing: typeof networkInterfaces
}

interface Outlet {
  readonly on: BeaconInterface
  readonly socket: Socket
  ready: boolean
  trouble: string | null
}

/**
 * Sends and hears beacons on each usable interface through a socket of its own: a single socket would send on one
 * interface only, and goes deaf when that interface is re-created.
 */
export class Beacon extends EventEmitter<{ heard: [HeardBeacon]; otherVersion: [{ address: string; version: number }]; changed: [] }> {
  readonly #options: BeaconOptions
  readonly #filter: BeaconFilter
  readonly #outlets = new Map<string, Outlet>()
  readonly #failures = new Map<string, string>()
  readonly #burst: Timer[] = []
  #chosen: BeaconInterface[] = []
  #counter = 0
  #period: Timer | undefined
  #rescan: Timer | undefined
  #sharedReply: Timer | undefined
  #running = false

  constructor(options: BeaconOptions) {
    super()
    this.#options = options
    this.#filter = new BeaconFilter(options.clock)
  }

  async start(): Promise<void> {
    this.#running = true
    await this.#scan()
    if (!this.#running) return
    this.#rescan = this.#options.clock.every(RESCAN_MS, () => void this.#scanAndAnnounce(false))
    this.#announceBurst()
    this.#schedule()
  }

  /** Network or power changed: new sockets everywhere, and beacons at once. */
  refresh(): void {
    if (this.#running) void this.#scanAndAnnounce(true)
  }

  /** Answers a beacon, so that its sender need not wait for the next period. */
  reply(to: HeardBeacon): void {
    // Several agents on one PC share the UDP port, where the system hands a unicast datagram to any one of them.
    if (this.#isThisPc(to.address)) {
      this.#sharedReply ??= this.#options.clock.after(SHARED_REPLY_MS, () => {
        this.#sharedReply = undefined
        this.#announce(false)
      })
      return
    }
    const bytes = this.#encode({ goodbye: false, replyWanted: false })
    const outlet = [...this.#outlets.values()].find((o) => o.ready && !o.on.loopback)
    outlet?.socket.send(bytes, to.port, to.address, () => {})
  }

  interfaces(): InterfaceView[] {
    return this.#chosen.map(({ name, address, used, reason, signature }) => {
      const trouble = this.#failures.get(signature) ?? this.#outlets.get(signature)?.trouble ?? null
      return { name, address, used: used && !this.#failures.has(signature), reason: reason ?? trouble }
    })
  }

  /** Says goodbye and closes all sockets. */
  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.#rescan?.cancel()
    this.#period?.cancel()
    this.#sharedReply?.cancel()
    this.#cancelBurst()
    const bytes = this.#encode({ goodbye: true, replyWanted: false })
    await Promise.race([
      Promise.all([...this.#outlets.values()].filter((o) => o.ready).map((o) => this.#sendOn(o, bytes))),
      new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))
    ])
    for (const outlet of [...this.#outlets.values()]) this.#close(outlet)
  }

  async #scanAndAnnounce(renewAll: boolean): Promise<void> {
    if (renewAll) for (const outlet of [...this.#outlets.values()]) this.#close(outlet)
    const opened = await this.#scan()
    if (this.#running && (renewAll || opened)) this.#announceBurst()
  }

  /** Opens and closes sockets until they match the interfaces of this PC. @returns true when one was opened */
  async #scan(): Promise<boolean> {
    const { listing, includeLoopback, listenAddress } = this.#options
    const before = JSON.stringify(this.interfaces())
    this.#chosen = chooseInterfaces(listing(), { includeLoopback, listenAddress })
    const wanted = new Map(this.#chosen.filter((i) => i.used).map((i) => [i.signature, i]))
    for (const outlet of [...this.#outlets.values()]) {
      if (wanted.has(outlet.on.signature)) this.#join(outlet)
      else this.#close(outlet)
    }
    for (const signature of this.#failures.keys()) if (!wanted.has(signature)) this.#failures.delete(signature)
    const opened = await Promise.all([...wanted.values()].filter((i) => !this.#outlets.has(i.signature)).map((i) => this.#open(i)))
    if (JSON.stringify(this.interfaces()) !== before) this.emit('changed')
    return opened.includes(true)
  }

  #open(on: BeaconInterface): Promise<boolean> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const outlet: Outlet = { on, socket, ready: false, trouble: null }
    this.#outlets.set(on.signature, outlet)
    socket.unref()
    return new Promise((resolve) => {
      socket.on('error', (error) => {
        const why = this.#explain(error)
        if (this.#failures.get(on.signature) !== why) this.#options.log.warn({ interface: on.name, address: on.address, err: error }, 'The beacon cannot use this interface.')
        this.#failures.set(on.signature, why)
        this.#close(outlet)
        resolve(false)
      })
      socket.on('close', () => resolve(false))
      socket.on('message', (bytes, from) => this.#receive(bytes, from))
      socket.bind({ port: this.#options.port, address: '0.0.0.0', exclusive: true }, () => {
        try {
          socket.setBroadcast(true)
          socket.setMulticastTTL(1)
          socket.setMulticastLoopback(true)
        } catch (error) {
          outlet.trouble = this.#explain(error)
        }
        outlet.ready = true
        this.#failures.delete(on.signature)
        this.#join(outlet)
        resolve(true)
      })
    })
  }

  /**
   * Joins the group on the outlet's interface. Done again at each scan: while the membership stands the system refuses
   * the second joining, and where the interface was re-created unnoticed it takes it.
   */
  #join(outlet: Outlet): void {
    if (!outlet.ready) return
    try {
      outlet.socket.setMulticastInterface(outlet.on.address)
      outlet.socket.addMembership(this.#options.group, outlet.on.address)
      outlet.trouble = null
    } catch (error) {
      if (!['EADDRINUSE', 'EINVAL', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) outlet.trouble = this.#explain(error)
    }
  }

  #close(outlet: Outlet): void {
    if (this.#outlets.get(outlet.on.signature) !== outlet) return
    this.#outlets.delete(outlet.on.signature)
    outlet.ready = false
    try {
      outlet.socket.close()
    } catch {
      // Closed by its own error already.
    }
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const { membership } = this.#options
    if (!looksLikeOurs(bytes, membership) || !this.#filter.worthChecking(bytes, from.address)) return
    const decoded = decodeBeacon(bytes, membership)
    if (!decoded) return this.#filter.forged(from.address)
    if (decoded.kind === 'other-version') {
      this.emit('otherVersion', { address: from.address, version: decoded.version })
    } else if (this.#filter.accept(decoded.message)) {
      this.emit('heard', { message: decoded.message, address: from.address, port: from.port })
    }
  }

  #announceBurst(): void {
    this.#cancelBurst()
    for (const ms of BURST_MS) {
      if (ms === 0) this.#announce(true)
      else this.#burst.push(this.#options.clock.after(ms * (0.75 + this.#options.random() / 2), () => this.#announce(true)))
    }
  }

  #cancelBurst(): void {
    for (const timer of this.#burst.splice(0)) timer.cancel()
  }

  #schedule(): void {
    this.#period = this.#options.clock.after(PERIOD_MS * (0.5 + this.#options.random()), () => {
      this.#announce(false)
      this.#schedule()
    })
  }

  #announce(replyWanted: boolean): void {
    if (this.#running) this.#sendEverywhere(this.#encode({ goodbye: false, replyWanted }))
  }

  #encode(flags: Pick<BeaconMessage, 'goodbye' | 'replyWanted'>): Buffer {
    const { self, bootId, peerPort, membership } = this.#options
    return encodeBeacon({ id: self, bootId, port: peerPort(), counter: ++this.#counter, ...flags }, membership)
  }

  #sendEverywhere(bytes: Buffer): void {
    for (const outlet of this.#outlets.values()) if (outlet.ready) void this.#sendOn(outlet, bytes)
  }

  async #sendOn(outlet: Outlet, bytes: Buffer): Promise<void> {
    const { group, port } = this.#options
    const to = outlet.on.broadcast === null ? [group] : [group, outlet.on.broadcast]
    const errors = await Promise.all(to.map((address) => new Promise<Error | null>((resolve) => {
      try {
        outlet.socket.send(bytes, port, address, resolve)
      } catch (error) {
        resolve(error as Error)
      }
    })))
    const error = errors.every(Boolean) ? errors[0] : null
    const trouble = error ? this.#explain(error) : null
    if (outlet.trouble === trouble) return
    outlet.trouble = trouble
    if (this.#running) this.emit('changed')
  }

  #isThisPc(address: string): boolean {
    return address.startsWith('127.') || this.#chosen.some((i) => i.address === address)
  }

  #explain(error: unknown): string {
    const code = systemCode(error)
    return code === 'EADDRINUSE' ? `UDP port ${this.#options.port} is taken by another program.` : `The system refuses multicast here (${code ?? (error as Error).message}).`
  }
}
