import { EventEmitter } from 'node:events'
import type { Clock, Timer } from '../lib/clock.ts'
import { linuxLinkProbe } from './link-probe-linux.ts'
import { macosLinkProbe } from './link-probe-macos.ts'
import { windowsLinkProbe } from './link-probe-windows.ts'
import { noLinks, sameLinks, type LinkProbe, type Links } from './links.ts'

/** The probe for this system, and how often it may be used: reading files is cheap, starting programs is not. */
export function systemLinkProbe(platform: NodeJS.Platform = process.platform): { probe: LinkProbe; everyMs: number } {
  if (platform === 'linux') return { probe: linuxLinkProbe(), everyMs: 10_000 }
  if (platform === 'win32') return { probe: windowsLinkProbe(), everyMs: 300_000 }
  if (platform === 'darwin') return { probe: macosLinkProbe(), everyMs: 60_000 }
  return { probe: { read: async () => noLinks }, everyMs: 3_600_000 }
}

/** Keeps the newest reading of a {@link LinkProbe}; one reading at a time. */
export class LinkWatch extends EventEmitter<{ changed: [] }> {
  readonly #clock: Clock
  readonly #probe: LinkProbe
  readonly #everyMs: number
  #latest: Links = noLinks
  #reading: Promise<void> | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, { probe, everyMs }: { probe: LinkProbe; everyMs: number }) {
    super()
    this.#clock = clock
    this.#probe = probe
    this.#everyMs = everyMs
  }

  get latest(): Links {
    return this.#latest
  }

  /** Reads at once and from then on regularly. */
  start(): Promise<void> {
    this.#timer ??= this.#clock.every(this.#everyMs, () => void this.refresh())
    return this.refresh()
  }

  /** Reads now; resolves when it is read. */
  refresh(): Promise<void> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)))
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #read(): Promise<void> {
    const links = await this.#probe.read()
    if (!links || sameLinks(links, this.#latest)) return
    this.#latest = links
    this.emit('changed')
  }
}
