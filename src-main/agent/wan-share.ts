import type { PeerId } from '../contract/ids.ts'
import type { HubBudget, ToHub } from '../contract/hub-messages.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import type { Rates } from '../rates/rates.ts'

const TELL_MS = 1000
/** A hub says a share again within 20 s: one that is not heard of any more limits nothing. */
const FORGOTTEN_MS = 60_000
/** Hubs whose shares are kept. */
const MAX_SHARES = 64

export interface WanShareWorld {
  readonly clock: Clock
  readonly rates: Pick<Rates, 'wanBytes' | 'limitWan'>
  readonly send: (hub: PeerId, message: ToHub) => void
}

/** What this PC may get from origins of the budget of its site, by what its hubs say; the least of them counts. */
export class WanShare {
  readonly #world: WanShareWorld
  /** By the hub that gives it. `through`: the one this PC is connected to, which passes it on. */
  readonly #shares = new Map<PeerId, { bytesPerSecond: number; heardMs: number; through: PeerId }>()
  #timer: Timer | null = null
  #toldBytes = 0

  constructor(world: WanShareWorld) {
    this.#world = world
  }

  heard(through: PeerId, { bytesPerSecond, by = through }: Omit<HubBudget, 't'>): void {
    const { clock, rates } = this.#world
    if (bytesPerSecond === null) this.#shares.delete(by)
    else keepLatest(this.#shares, by, { bytesPerSecond, heardMs: clock.monotonicMs(), through }, MAX_SHARES)
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
    for (const [by, { heardMs, through }] of this.#shares) {
      if (nowMs - heardMs >= FORGOTTEN_MS) this.#shares.delete(by)
      else send(through, { t: 'hub.wan', bytesPerSecond: used, ...(by !== through && { to: by }) })
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
