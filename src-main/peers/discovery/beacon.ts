import type { RemoteInfo } from 'node:dgram'
import { EventEmitter } from 'node:events'
import type { BootId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { encodeBeacon, looksLikeBeacon, openBeacon, type BeaconMessage } from './beacon-message.ts'
import { BeaconFilter } from './beacon-filter.ts'
import { BeaconOutlet } from './beacon-outlet.ts'
import type { InterfaceWatch } from './interface-watch.ts'
import type { InterfaceView, LocalInterface } from './interfaces.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'
import type { Log } from '../network.ts'

/** Mean pause between beacons while nothing happens; each one varies by half to either side. */
const PERIOD_MS = 30_000
/** Longer than three beacons in a row can take to get lost. */
export const BEACON_FRESH_MS = 3 * PERIOD_MS * 1.5
/** After start, waking up and network changes: a beacon may get lost while a switch or Wi-Fi still settles. */
const BURST_MS = [0, 400, 1500]
/** On one PC all answers reach all agents, so that one answer does for everybody who asked meanwhile. */
const SHARED_REPLY_MS = 50
/** Most time a goodbye may hold up the stop. */
const GOODBYE_MS = 250

export interface HeardBeacon {
  readonly message: BeaconMessage
  /** Link-local IPv6 addresses carry their zone. */
  readonly address: string
  /** UDP port it came from. */
  readonly port: number
}

export interface BeaconOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly membership: Membership
  /** Signs the beacons. */
  readonly device: Pick<Identity, 'spki' | 'sign'>
  readonly bootId: BootId
  /** UDP port, the same for the whole fleet. */
  readonly port: number
  readonly group4: string
  readonly group6: string
  /** TCP port to announce. */
  readonly peerPort: () => number
  /** Started by whoever owns it, before the beacon. */
  readonly watch: InterfaceWatch
}

/**
 * Sends and hears beacons on each usable address through a socket of its own: a single socket would send on one
 * interface only, and goes deaf when that interface is re-created.
 */
export class Beacon extends EventEmitter<{
  heard: [HeardBeacon]
  otherVersion: [{ address: string; version: number }]
  changed: []
}> {
  readonly #options: BeaconOptions
  readonly #filter: BeaconFilter
  readonly #outlets = new Map<string, BeaconOutlet>()
  readonly #failures = new Map<string, string>()
  readonly #burst: Timer[] = []
  readonly #scanned = ({ renewed }: { renewed: boolean }): void => void this.#followAndAnnounce(renewed)
  #counter = 0
  #period: Timer | undefined
  #sharedReply: Timer | undefined
  #running = false

  constructor(options: BeaconOptions) {
    super()
    this.#options = options
    this.#filter = new BeaconFilter(options.clock)
  }

  async start(): Promise<void> {
    this.#running = true
    await this.#follow()
    if (!this.#running) return
    this.#options.watch.on('scanned', this.#scanned)
    this.#announceBurst()
    this.#schedule()
  }

  /** Answers a beacon, so that its sender need not wait for the next period. */
  reply(to: HeardBeacon): void {
    const { watch, clock } = this.#options
    // Several agents on one PC share the UDP port, where the system hands a unicast datagram to any one of them.
    if (watch.isThisPc(to.address)) {
      this.#sharedReply ??= clock.after(SHARED_REPLY_MS, () => {
        this.#sharedReply = undefined
        this.#announce(false)
      })
      return
    }
    for (const bytes of this.#encode({ goodbye: false, replyWanted: false }))
      void this.#outletTo(to.address)?.send(bytes, to.port, to.address)
  }

  interfaces(): InterfaceView[] {
    return this.#options.watch.interfaces.map(({ name, address, used, reason, signature }) => {
      const failure = this.#failures.get(signature)
      return {
        name,
        address,
        used: used && failure === undefined,
        reason: reason ?? failure ?? this.#outlets.get(signature)?.trouble ?? null
      }
    })
  }

  /** Says goodbye and closes all sockets. */
  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.#options.watch.off('scanned', this.#scanned)
    this.#period?.cancel()
    this.#sharedReply?.cancel()
    this.#cancelBurst()
    await Promise.race([
      Promise.all(
        [...this.#outlets.values()].flatMap((outlet) =>
          this.#encode({ goodbye: true, replyWanted: false }).map((bytes) => outlet.announce(bytes))
        )
      ),
      new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))
    ])
    for (const outlet of [...this.#outlets.values()]) this.#close(outlet)
  }

  async #followAndAnnounce(renewed: boolean): Promise<void> {
    if (renewed) for (const outlet of [...this.#outlets.values()]) this.#close(outlet)
    const opened = await this.#follow()
    if (this.#running && (renewed || opened)) this.#announceBurst()
  }

  /** Opens and closes sockets until they match the interfaces of this PC. @returns true when one was opened */
  async #follow(): Promise<boolean> {
    const before = JSON.stringify(this.interfaces())
    const wanted = new Map(this.#options.watch.interfaces.filter((i) => i.used).map((i) => [i.signature, i]))
    for (const outlet of [...this.#outlets.values()]) {
      if (wanted.has(outlet.on.signature)) outlet.join()
      else this.#close(outlet)
    }
    for (const signature of this.#failures.keys()) if (!wanted.has(signature)) this.#failures.delete(signature)
    const opened = await Promise.all(
      [...wanted.values()].filter((i) => !this.#outlets.has(i.signature)).map((i) => this.#open(i))
    )
    if (JSON.stringify(this.interfaces()) !== before) this.emit('changed')
    return opened.includes(true)
  }

  async #open(on: LocalInterface): Promise<boolean> {
    const { port, group4, group6, log } = this.#options
    const outlet = new BeaconOutlet(on, {
      port,
      group4,
      group6,
      heard: (bytes, from) => this.#receive(bytes, from),
      broken: (why, err) => {
        if (this.#failures.get(on.signature) !== why)
          log.warn({ interface: on.name, address: on.address, err }, 'The beacon cannot use this interface.')
        this.#failures.set(on.signature, why)
        this.#close(outlet)
      }
    })
    this.#outlets.set(on.signature, outlet)
    const opened = await outlet.open()
    if (opened) this.#failures.delete(on.signature)
    return opened
  }

  #close(outlet: BeaconOutlet): void {
    if (this.#outlets.get(outlet.on.signature) !== outlet) return
    this.#outlets.delete(outlet.on.signature)
    outlet.close()
  }

  #outletTo(address: string): BeaconOutlet | undefined {
    const zone = address.split('%')[1]
    const family = address.includes(':') ? 6 : 4
    const fitting = [...this.#outlets.values()].filter(({ ready, on }) => ready && !on.loopback && on.family === family)
    return fitting.find(({ on }) => on.zone === zone) ?? fitting[0]
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const { membership } = this.#options
    const filter = this.#filter
    if (!looksLikeBeacon(bytes) || !filter.worthOpening(bytes, from.address)) return
    const opened = openBeacon(bytes, membership)
    if (!opened) return filter.forged(from.address)
    if (opened.kind === 'other-version')
      return void this.emit('otherVersion', { address: from.address, version: opened.version })
    const { message } = opened
    if (!filter.worthChecking(message)) return
    // A removed device still knows the fleet's secret, but no other device's key.
    if (!opened.isSigned()) return filter.forged(from.address)
    if (filter.accept(bytes, message)) this.emit('heard', { message, address: from.address, port: from.port })
  }

  #announceBurst(): void {
    this.#cancelBurst()
    for (const ms of BURST_MS) {
      if (ms === 0) this.#announce(true)
      else
        this.#burst.push(
          this.#options.clock.after(ms * (0.75 + this.#options.random() / 2), () => this.#announce(true))
        )
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

  /** A separate counter for each outlet: a listener that hears more than one learns more than one address. */
  #announce(replyWanted: boolean): void {
    if (!this.#running) return
    for (const outlet of this.#outlets.values()) {
      if (!outlet.ready) continue
      for (const bytes of this.#encode({ goodbye: false, replyWanted }))
        void outlet.announce(bytes).then((changed) => {
          if (changed && this.#running) this.emit('changed')
        })
    }
  }

  /** One beacon, for the holders of each secret; a holder of both takes the second for a copy. */
  #encode(flags: Pick<BeaconMessage, 'goodbye' | 'replyWanted'>): Buffer[] {
    const { device, bootId, peerPort, membership } = this.#options
    const message = { bootId, port: peerPort(), counter: ++this.#counter, ...flags }
    return Array.from({ length: membership.secrets }, (_, secret) => encodeBeacon(message, membership, device, secret))
  }
}
