import { EventEmitter } from 'node:events'
import type { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../../lib/clock.ts'
import {
  chooseInterfaces,
  withoutZone,
  type InterfaceChoice,
  type InterfaceRules,
  type LocalInterface
} from './interfaces.ts'
import type { LinkWatch } from '../../machine/link-watch.ts'

const RESCAN_MS = 10_000
/** What the system says about its links is worth waiting for this long: afterwards names must do. At the start the PC is not kept waiting. */
const FIRST_LINKS_MS = 500
const NEW_LINKS_MS = 3000

export interface InterfaceWatchOptions {
  readonly clock: Clock
  readonly listing: typeof networkInterfaces
  readonly links: LinkWatch
  readonly rules: InterfaceRules
}

interface InterfaceWatchEvents {
  /** After each scan, whether or not something changed; `renewed`: sockets are to be made again everywhere. */
  scanned: [{ renewed: boolean }]
  /** An address came, went or changed its meaning since the last scan. */
  changed: []
}

/** Scans the interfaces of this PC at regular times, because no system tells Node that one came or went. */
export class InterfaceWatch extends EventEmitter<InterfaceWatchEvents> {
  readonly #o: InterfaceWatchOptions
  readonly #linksChanged = (): void => this.#scan(false)
  #choice: InterfaceChoice
  #timer: Timer | undefined
  #running = false

  constructor(options: InterfaceWatchOptions) {
    super()
    this.#o = options
    this.#choice = this.#choose()
  }

  get interfaces(): readonly LocalInterface[] {
    return (this.#running ? this.#choice : this.#choose()).interfaces
  }

  async start(): Promise<void> {
    const { clock, links } = this.#o
    this.#running = true
    await this.#linksWithin(FIRST_LINKS_MS)
    if (!this.#running) return
    links.on('changed', this.#linksChanged)
    this.#timer = clock.every(RESCAN_MS, () => void this.#lookAndScan(false))
    this.#scan(false)
  }

  /** Network or power changed: nothing that was known before is relied on. */
  refresh(): void {
    if (!this.#running) return
    void this.#o.links.refresh()
    void this.#lookAndScan(true)
  }

  stop(): void {
    this.#running = false
    this.#timer?.cancel()
    this.#o.links.off('changed', this.#linksChanged)
  }

  /** Why nothing may be exchanged with peers over this own address, or null. */
  barredPath(ownAddress: string | undefined): string | null {
    return ownAddress === undefined ? null : (this.#choice.barred.get(withoutZone(ownAddress)) ?? null)
  }

  /** The way out of this network: no PC. */
  isRouter(address: string): boolean {
    return this.#o.links.latest.gateways.includes(withoutZone(address))
  }

  isThisPc(address: string): boolean {
    return address.startsWith('127.') || address === '::1' || this.#choice.own.has(withoutZone(address))
  }

  #choose(): InterfaceChoice {
    const { listing, links, rules } = this.#o
    return chooseInterfaces(listing(), links.latest, rules)
  }

  /** An interface that was not there before may be a VPN: the system is asked before anything is sent over it. */
  async #lookAndScan(renewed: boolean): Promise<void> {
    const before = new Set(this.#choice.interfaces.map(({ name }) => name))
    if (this.#choose().interfaces.some(({ name, used }) => used && !before.has(name)))
      await this.#linksWithin(NEW_LINKS_MS)
    if (this.#running) this.#scan(renewed)
  }

  async #linksWithin(ms: number): Promise<void> {
    const limit = Promise.withResolvers<void>()
    const timer = this.#o.clock.after(ms, limit.resolve)
    await Promise.race([this.#o.links.refresh(), limit.promise])
    timer.cancel()
  }

  #scan(renewed: boolean): void {
    const before = fingerprint(this.#choice)
    this.#choice = this.#choose()
    this.emit('scanned', { renewed })
    if (fingerprint(this.#choice) !== before) this.emit('changed')
  }
}

function fingerprint({ interfaces, own }: InterfaceChoice): string {
  return JSON.stringify([interfaces.map(({ signature, reason }) => [signature, reason]), [...own]])
}
