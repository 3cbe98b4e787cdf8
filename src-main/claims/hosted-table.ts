// Why it is like this: docs/decisions/0045-judged-knowingly-and-passed-on.md
import type { PeerId } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { ClaimTable } from './claim-table.ts'

/**
 * After a standstill of this process timers run before what has come in meanwhile is read. So a lease is looked at twice, this
 * long apart, and every decision that comes later than this is put off by as much as it is late, that it be made knowingly.
 */
const HEAR_OUT_MS = 50

const SOON_MS = 50
const LAZILY_MS = 250
/** In a large swarm holders come and go all the time; each claimant adds this to the time for which such news is gathered. */
const LAZILY_PER_CLAIMANT_MS = 4

export interface HostedTableInit {
  readonly table: ClaimTable
  readonly openedBy: PeerId
  /** No news of holders before: a swarm that moves here is complete only then. */
  readonly gatherUntilMs: number
}

export interface HostedTableWorld {
  readonly clock: Clock
  readonly leaseMs: number
  /** The table is to know that time has passed. */
  timePassed(hosted: HostedTable): void
  tell(table: ClaimTable, to: PeerId): void
}

/** A claim table as its coordinator keeps it: woken in time, and its claimants are told in time. */
export class HostedTable {
  readonly table: ClaimTable
  readonly openedBy: PeerId
  askedAtMs = -Infinity
  /** The member that wanted everybody asked had used up its share. */
  unasked = false
  vacantSinceMs: number
  sinceWallMs: number
  readonly #world: HostedTableWorld
  readonly #gatherUntilMs: number
  #wake: Timer | null = null
  #wakeAtMs = Infinity
  /** Until then everybody is heard out before the table decides. */
  #hearOutUntilMs: number | null = null
  #flush: Timer | null = null
  #flushAtMs = Infinity
  #askAgain: Timer | null = null
  #closed = false

  constructor({ table, openedBy, gatherUntilMs }: HostedTableInit, world: HostedTableWorld) {
    this.table = table
    this.openedBy = openedBy
    this.#gatherUntilMs = gatherUntilMs
    this.#world = world
    this.vacantSinceMs = world.clock.monotonicMs()
    this.sinceWallMs = world.clock.wallMs()
  }

  /** There is another master, or another epoch. */
  turned(): void {
    this.sinceWallMs = this.#world.clock.wallMs()
    this.#hearOutUntilMs = null
  }

  tellAll(when: 'now' | 'soon' | 'lazily'): void {
    const { clock } = this.#world
    const nowMs = clock.monotonicMs()
    if (when === 'now') {
      this.#flush?.cancel()
      this.#flush = null
      return this.#tellOutdated()
    }
    const gatherMs = this.#gatherUntilMs - nowMs
    const lazilyMs = Math.max(LAZILY_MS, LAZILY_PER_CLAIMANT_MS * this.table.claimantCount, gatherMs)
    const atMs = nowMs + (when === 'soon' ? SOON_MS : lazilyMs)
    if (this.#flush !== null && this.#flushAtMs <= atMs) return
    this.#flush?.cancel()
    this.#flushAtMs = atMs
    this.#flush = clock.after(atMs - nowMs, () => {
      this.#flush = null
      this.#tellOutdated()
    })
  }

  /** Once, however often it is wanted meanwhile. */
  askAgainIn(ms: number, ask: () => void): void {
    this.#askAgain ??= this.#world.clock.after(ms, () => {
      this.#askAgain = null
      ask()
    })
  }

  /** Wakes the table in time. A wake that comes too early, because a lease was renewed meanwhile, is set again then. */
  armWake(): void {
    const { clock } = this.#world
    if (this.#closed) return
    const atMs = Math.max(this.table.wakeAtMs, this.#hearOutUntilMs ?? 0)
    if (atMs === Infinity || (this.#wake !== null && this.#wakeAtMs <= atMs)) return
    this.#wake?.cancel()
    this.#wakeAtMs = atMs
    this.#wake = clock.after(Math.max(0, Math.ceil(atMs - clock.monotonicMs())), () => {
      this.#wake = null
      this.#woken(clock.monotonicMs())
    })
  }

  close(): void {
    this.#closed = true
    this.#wake?.cancel()
    this.#flush?.cancel()
    this.#askAgain?.cancel()
    this.#wake = null
    this.#flush = null
    this.#askAgain = null
  }

  #tellOutdated(): void {
    for (const id of this.table.outdated()) this.#world.tell(this.table, id)
  }

  #woken(nowMs: number): void {
    const { table } = this
    const heardOut = this.#hearOutUntilMs
    this.#hearOutUntilMs = null
    if (nowMs < table.wakeAtMs) return this.armWake()
    const lateMs = nowMs - Math.max(table.wakeAtMs, heardOut ?? 0)
    if (lateMs < HEAR_OUT_MS && (heardOut !== null || table.master === null)) return this.#world.timePassed(this)
    this.#hearOutUntilMs = nowMs + Math.min(Math.max(lateMs, HEAR_OUT_MS), this.#world.leaseMs / 2)
    this.armWake()
  }
}
