import type { PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { divideBudget } from './divide-budget.ts'
import type { SiteWanUser } from './store.ts'

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
  /** Says to the other hubs of the site who downloads by the tables of this one. @returns who does by theirs; absent: there are no others */
  readonly exchange?: (own: readonly SiteWanUser[]) => Promise<readonly SiteWanUser[]>
}

interface Given {
  share: number
  saidMs: number
  used: number | null
}

/**
 * Who downloads for a site is told how fast it may, so that all of them keep within one budget. Several hubs divide the same budget among
 * the same PCs, and each tells those of its own tables.
 */
export class SiteBudget {
  readonly #world: SiteBudgetWorld
  readonly #given = new Map<PeerId, Given>()
  /** Those of the other hubs; without the store as they were last. */
  #others: readonly SiteWanUser[] = []
  /** The other hubs may count some of this one. */
  #mayBeListed = false
  #isAsking = false

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

  /** To be called about once a second, and when somebody begins. */
  beat(): void {
    const { exchange } = this.#world
    const own = this.#own()
    if (!exchange || (own.length === 0 && !this.#mayBeListed)) return this.divide()
    if (this.#isAsking) return
    this.#isAsking = true
    // Whatever becomes of the answer.
    this.#mayBeListed = true
    void exchange(own)
      .then(
        (others) => {
          this.#others = own.length === 0 ? [] : others
          this.#mayBeListed = own.length > 0
        },
        () => {}
      )
      .finally(() => {
        this.#isAsking = false
        this.divide()
      })
  }

  #own(): SiteWanUser[] {
    if (this.#world.budget() === null) return []
    return [...this.#world.masters()].map((id) => {
      const { used = null, share = null } = this.#given.get(id) ?? {}
      return { id, used, share }
    })
  }

  divide(): void {
    const { budget, tell, clock } = this.#world
    const perSecond = budget()
    const own = this.#own()
    const now = new Set(own.map(({ id }) => id))
    for (const id of this.#given.keys()) {
      if (now.has(id)) continue
      this.#given.delete(id)
      tell(id, null)
    }
    if (perSecond === null || own.length === 0) return
    const others = new Map(this.#others.filter(({ id }) => !now.has(id)).map((user) => [user.id, user]))
    const shares = divideBudget(perSecond, [...own, ...others.values()])
    const nowMs = clock.monotonicMs()
    for (const [i, { id }] of own.entries()) {
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
