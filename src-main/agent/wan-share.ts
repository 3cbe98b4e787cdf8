import type { PeerId } from '../contract/ids.ts'
import type { ToHub } from '../contract/hub-messages.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Rates } from '../rates/rates.ts'

const TELL_MS = 1000
/** A hub says a share again within 20 s: one that is not heard of any more limits nothing. */
const FORGOTTEN_MS = 60_000

export interface WanShareWorld {
  readonly clock: Clock
  readonly rates: Pick<Rates, 'wanBytes' | 'limitWan'>
  readonly send: (hub: PeerId, message: ToHub) => void
}

/** What this PC may get from origins of the budget of its site, by what its hubs say; the least of them counts. */
export class WanShare {
  readonly #world: WanShareWorld
  readonly #shares = new Map<PeerId, { bytesPerSecond: number; heardMs: number }>()
  #timer: Timer | null = null
  #toldBytes = 0

  constructor(world: WanShareWorld) {
    this.#world = world
  }

  heard(hub: PeerId, bytesPerSecond: number | null): void {
    const { clock, rates } = this.#world
    if (bytesPerSecond === null) this.#shares.delete(hub)
    else this.#shares.set(hub, { bytesPerSecond, heardMs: clock.monotonicMs() })
    this.#apply()
    if (this.#shares.size === 0 || this.#timer) return
    this.#toldBytes = rates.wanBytes
    this.#timer = clock.every(TELL_MS, () => this.#tell())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #tell(): void {
    const { clock, rates, send } = this.#world
    const nowMs = clock.monotonicMs()
    const used = Math.round(((rates.wanBytes - this.#toldBytes) * 1000) / TELL_MS)
    this.#toldBytes = rates.wanBytes
    for (const [hub, { heardMs }] of this.#shares) {
      if (nowMs - heardMs >= FORGOTTEN_MS) this.#shares.delete(hub)
      else send(hub, { t: 'hub.wan', bytesPerSecond: used })
    }
    this.#apply()
  }

  #apply(): void {
    const shares = [...this.#shares.values()].map(({ bytesPerSecond }) => bytesPerSecond)
    this.#world.rates.limitWan(shares.length === 0 ? null : Math.min(...shares))
    if (shares.length > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }
}
