import { EventEmitter } from 'node:events'
import type { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../lib/clock.ts'
import { chooseInterfaces, withoutZone, type InterfaceChoice, type InterfaceRules, type LocalInterface } from './interfaces.ts'
import type { LinkWatch } from './link-watch.ts'

const RESCAN_MS = 10_000
/** A first answer of the system about its links is worth waiting for so long: afterwards names must do. */
const FIRST_LINKS_MS = 500

export interface InterfaceWatchOptions {
  readonly clock: Clock
  readonly listing: typeof networkInterfaces
  readonly links: LinkWatch
  readonly rules: InterfaceRules
}

interface InterfaceWatchEvents {
  /** After each scan, whether or not something changed; `renewed`: sockets are to be made anew everywhere. */
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
    const limit = Promise.withResolvers<void>()
    const timer = clock.after(FIRST_LINKS_MS, limit.resolve)
    await Promise.race([links.refresh(), limit.promise])
    timer.cancel()
    if (!this.#running) return
    links.on('changed', this.#linksChanged)
    this.#timer = clock.every(RESCAN_MS, () => this.#scan(false))
    this.#scan(false)
  }

  /** Network or power changed: nothing that was known before is relied on. */
  refresh(): void {
    if (!this.#running) return
    void this.#o.links.refresh()
    this.#scan(true)
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

  isThisPc(address: string): boolean {
    return address.startsWith('127.') || address === '::1' || this.#choice.own.has(withoutZone(address))
  }

  #choose(): InterfaceChoice {
    const { listing, links, rules } = this.#o
    return chooseInterfaces(listing(), links.latest, rules)
  }

  #scan(renewed: boolean): void {
    const before = fingerprint(this.#choice)
    const choice = this.#choose()
    const same = fingerprint(choice) === before
    // A new link may need a new look at what it is.
    if (!same && !renewed) void this.#o.links.refresh()
    this.#choice = choice
    this.emit('scanned', { renewed })
    if (!same) this.emit('changed')
  }
}

function fingerprint({ interfaces, own }: InterfaceChoice): string {
  return JSON.stringify([interfaces.map(({ signature, reason }) => [signature, reason]), [...own]])
}
