import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PeerTable } from './peer-table.ts'

const FIRST_PENALTY_MS = 10_000
const LONGEST_PENALTY_MS = 600_000
/** The same refusal is told once in this time. */
const REPEAT_AFTER_MS = 600_000
const MAX_REMEMBERED = 256

/** What people can do about two PCs with one identity; the end of a clause. */
export const TWIN_REMEDY = '(a copied disk?); delete identity.pem on one of the two and restart it'

export interface Refusal {
  readonly address: string
  readonly id: PeerId | null
  /** A clause about whoever is at the address, e.g. `has another site key`. */
  readonly reason: string
}

/** Who was not let in, or did not let us in: shown in the table, told once, and members who offend stay out for a while. */
export class Refusals {
  readonly #clock: Clock
  readonly #table: PeerTable
  readonly #tell: (refusal: Refusal) => void
  readonly #told = new Map<string, number>()
  readonly #penalties = new Map<PeerId, { count: number; untilMs: number }>()

  constructor(clock: Clock, table: PeerTable, tell: (refusal: Refusal) => void) {
    this.#clock = clock
    this.#table = table
    this.#tell = tell
  }

  /** Somebody who has not proved anything; its id, if any, is only what it claims. */
  stranger(address: string, id: PeerId | null, reason: string): void {
    this.#table.refuseStranger(address, `${address} ${reason}.`)
    this.#once({ address, id, reason })
  }

  /** A peer announced by a member's beacon that could not be connected for a reason that lies in it. */
  member(id: PeerId, address: string, reason: string): void {
    this.#table.set(id, 'refused', `${this.#table.nameOf(id)} ${reason}.`, { address })
    this.#once({ address, id, reason })
  }

  /** A proven member broke the protocol: it stays out, longer each time. */
  offender(id: PeerId, address: string, reason: string): void {
    const count = (this.#penalties.get(id)?.count ?? 0) + 1
    const forMs = Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(count - 1, 10))
    this.#penalties.delete(id)
    this.#penalties.set(id, { count, untilMs: this.#clock.monotonicMs() + forMs })
    if (this.#penalties.size > MAX_REMEMBERED) this.#penalties.delete(this.#penalties.keys().next().value!)
    this.member(id, address, reason)
  }

  /** A member floods this agent and stays connected: others must hear of it. */
  flooding(id: PeerId, address: string, reason: string): void {
    this.#once({ address, id, reason })
  }

  isPenalised(id: PeerId): boolean {
    return (this.#penalties.get(id)?.untilMs ?? 0) > this.#clock.monotonicMs()
  }

  #once(refusal: Refusal): void {
    const what = `${refusal.id ?? refusal.address} ${refusal.reason}`
    const now = this.#clock.monotonicMs()
    const last = this.#told.get(what)
    if (last !== undefined && now - last < REPEAT_AFTER_MS) return
    this.#told.delete(what)
    this.#told.set(what, now)
    if (this.#told.size > MAX_REMEMBERED) this.#told.delete(this.#told.keys().next().value!)
    this.#tell(refusal)
  }
}
