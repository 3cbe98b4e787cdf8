import type { PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { divideBudget } from './divide-budget.ts'

/** A share that has not changed is said again after this time. */
const SAY_AGAIN_MS = 20_000
/** Smaller changes are not worth a message. */
const WORTH = 0.05

export interface SiteBudgetWorld {
  readonly clock: Clock
  /** Bytes per second of the site; null: no limit. */
  readonly budget: () => number | null
  readonly masters: () => ReadonlySet<PeerId>
  readonly tell: (to: PeerId, bytesPerSecond: number | null) => void
}

interface Given {
  share: number
  saidMs: number
  used: number | null
}

/** Who downloads for a site is told how fast it may, so that all of them keep within one budget. */
export class SiteBudget {
  readonly #world: SiteBudgetWorld
  readonly #given = new Map<PeerId, Given>()

  constructor(world: SiteBudgetWorld) {
    this.#world = world
  }

  /** A PC says what it gets from origins. */
  used(by: PeerId, bytesPerSecond: number): void {
    const given = this.#given.get(by)
    if (given) given.used = bytesPerSecond
  }

  lost(id: PeerId): void {
    this.#given.delete(id)
  }

  /** To be called about once a second. */
  divide(): void {
    const { budget, masters, tell, clock } = this.#world
    const perSecond = budget()
    const now = perSecond === null ? [] : [...masters()]
    for (const id of this.#given.keys()) {
      if (now.includes(id)) continue
      this.#given.delete(id)
      tell(id, null)
    }
    if (perSecond === null || now.length === 0) return
    const users = now.map((id) => this.#given.get(id) ?? { used: null, share: null })
    const shares = divideBudget(perSecond, users)
    const nowMs = clock.monotonicMs()
    for (const [i, id] of now.entries()) {
      const share = Math.max(1, shares[i]!)
      const given = this.#given.get(id)
      const isNews = !given || share < given.share || share > given.share * (1 + WORTH)
      if (!isNews && nowMs - given.saidMs < SAY_AGAIN_MS) continue
      const said = isNews ? share : given.share
      this.#given.set(id, { share: said, saidMs: nowMs, used: given?.used ?? null })
      tell(id, said)
    }
  }
}
