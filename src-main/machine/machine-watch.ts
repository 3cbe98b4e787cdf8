import { EventEmitter } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../lib/clock.ts'
import { LinkWatch, systemLinkProbe } from './link-watch.ts'
import { linkOf, type LinkFacts, type LinkProbe, type Links } from './links.ts'
import { BusyMeter } from './busy-meter.ts'
import { desktopHardwareProbe } from './hardware-probe-desktop.ts'
import { linuxHardwareProbe } from './hardware-probe-linux.ts'
import { unknownHardware, type Hardware, type HardwareProbe, type MachineFacts } from './machine-facts.ts'
import { weighMachine, type Weight, type WeightRules } from './weigh-machine.ts'

const BUSY_EVERY_MS = 60_000
/** An agent starts without an answer of its system after this long; the answer counts when it comes. */
const FIRST_ANSWER_MS = 500

/** How this PC is looked at, and how often: reading files is cheap, starting programs is not. */
export interface MachineProbes {
  readonly links: { readonly probe: LinkProbe; readonly everyMs: number }
  readonly hardware: { readonly probe: HardwareProbe; readonly everyMs: number }
  readonly busy: Pick<BusyMeter, 'look'>
  readonly listing: typeof networkInterfaces
}

export function systemMachineProbes(platform: NodeJS.Platform = process.platform): MachineProbes {
  const hardware =
    platform === 'linux'
      ? { probe: linuxHardwareProbe(), everyMs: 10_000 }
      : { probe: desktopHardwareProbe(), everyMs: 120_000 }
  return { links: systemLinkProbe(platform), hardware, busy: new BusyMeter(), listing: networkInterfaces }
}

/** Keeps the weight of this PC up to date while it is plugged in and out, moved to Wi-Fi, or runs out of space. */
export class MachineWatch extends EventEmitter<{ changed: [Weight] }> {
  readonly links: LinkWatch
  readonly #clock: Clock
  readonly #probes: MachineProbes
  readonly #rules: () => WeightRules
  readonly #freeBytes: () => number | null
  readonly #timers: Timer[] = []
  #hardware: Hardware = unknownHardware
  #busy: number | null = null
  #weight: Weight
  #reading: Promise<void> | undefined

  /**
   * @param rules as they are set now
   * @param freeBytes on the disk of the cache; null while unknown
   */
  constructor(clock: Clock, probes: MachineProbes, rules: () => WeightRules, freeBytes: () => number | null) {
    super()
    this.#clock = clock
    this.#probes = probes
    this.#rules = rules
    this.#freeBytes = freeBytes
    this.links = new LinkWatch(clock, probes.links)
    this.#weight = weighMachine(this.#facts(), rules())
  }

  get weight(): Weight {
    return this.#weight
  }

  /** False also where the system does not say. */
  get onBattery(): boolean {
    return this.#hardware.battery?.discharging ?? false
  }

  async start(): Promise<void> {
    const { hardware } = this.#probes
    this.links.on('changed', () => this.#weigh())
    this.#timers.push(
      this.#clock.every(hardware.everyMs, () => void this.#readHardware()),
      this.#clock.every(BUSY_EVERY_MS, () => {
        this.#busy = this.#probes.busy.look()
        this.#weigh()
      })
    )
    const first = Promise.all([this.links.start(), this.#readHardware()])
    const limit = Promise.withResolvers<void>()
    this.#timers.push(this.#clock.after(FIRST_ANSWER_MS, limit.resolve))
    await Promise.race([first, limit.promise])
  }

  /** Power or network changed: looks again now. */
  refresh(): void {
    void this.links.refresh()
    void this.#readHardware()
  }

  stop(): void {
    this.links.stop()
    for (const timer of this.#timers.splice(0)) timer.cancel()
  }

  #readHardware(): Promise<void> {
    return (this.#reading ??= this.#probes.hardware.probe.read().then((hardware) => {
      this.#reading = undefined
      if (hardware) this.#hardware = hardware
      this.#weigh()
    }))
  }

  #weigh(): void {
    const weight = weighMachine(this.#facts(), this.#rules())
    const { value, why } = this.#weight
    this.#weight = weight
    if (weight.value !== value || weight.why !== why) this.emit('changed', weight)
  }

  #facts(): MachineFacts {
    return {
      ...this.#hardware,
      link: uplinkOf(this.links.latest, this.#probes.listing()),
      busy: this.#busy,
      freeBytes: this.#freeBytes()
    }
  }
}

/** The interface that leads to origins: that of the default route, or where there is none the best this PC has. */
export function uplinkOf(links: Links, listing: ReturnType<typeof networkInterfaces>): LinkFacts | null {
  if (links.defaultName !== null) return linkOf(links, links.defaultName)
  const names = Object.entries(listing)
    .filter(([, infos]) => infos?.some((info) => !info.internal))
    .map(([name]) => name)
  const facts = names.map((name) => linkOf(links, name))
  return (
    facts.find(({ kind }) => kind === 'wired') ??
    facts.find(({ kind }) => kind === 'unknown') ??
    facts.find(({ kind }) => kind === 'wireless') ??
    facts[0] ??
    null
  )
}
