import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Timer } from '../lib/clock.ts'
import type { ClaimTable } from './claim-table.ts'
import type { CoordinatorWorld } from './coordinator-world.ts'
import type { FloodGuard } from './flood-guard.ts'
import type { HostedTable } from './hosted-table.ts'
import { coordinatorScore } from './rendezvous.ts'

/** A table asks the members, and all tables ask one newcomer, no more often than this. */
const ASK_AGAIN_MS = 5000

/** Most tables a newcomer is asked about. */
const MAX_ASKS_PER_NEWCOMER = 500

/** The coordinator's questions to members without a claim: who holds something of this content? */
export class HolderQuestions {
  readonly #world: CoordinatorWorld
  readonly #guard: FloodGuard
  readonly #tables: ReadonlyMap<ContentKey, HostedTable>
  /** Elections went on without the answer of these; nobody waits for them until they answer one question. */
  readonly #silent = new Set<PeerId>()
  /** Newcomers asked a short time ago; true: it has joined again since and is asked once more when the time is over. */
  readonly #newcomers = new Map<PeerId, { timer: Timer; again: boolean }>()

  constructor(world: CoordinatorWorld, guard: FloodGuard, tables: ReadonlyMap<ContentKey, HostedTable>) {
    this.#world = world
    this.#guard = guard
    this.#tables = tables
  }

  answered(from: PeerId): void {
    this.#silent.delete(from)
  }

  unanswered(by: readonly PeerId[]): void {
    for (const id of by) this.#silent.add(id)
  }

  memberLost(id: PeerId): void {
    this.#silent.delete(id)
  }

  /** Asks a new member about all contents that somebody seeks. */
  askNewcomer(id: PeerId): void {
    const asked = this.#newcomers.get(id)
    if (asked) {
      asked.again = true
      return
    }
    let asks = 0
    for (const [key, { table }] of this.#tables) {
      if (!table.wantsHolders || table.hasClaimant(id)) continue
      // It is about to coordinate this content itself.
      if (coordinatorScore(key, id) > coordinatorScore(key, this.#world.self)) continue
      if (++asks > MAX_ASKS_PER_NEWCOMER) break
      this.#ask(table, id)
    }
    if (asks === 0) return
    const timer = this.#world.clock.after(ASK_AGAIN_MS, () => {
      const again = this.#newcomers.get(id)?.again === true && this.#world.live.has(id)
      this.#newcomers.delete(id)
      if (again) this.askNewcomer(id)
    })
    this.#newcomers.set(id, { timer, again: false })
  }

  /** Asks all members about one content. @param because who wants them to be asked */
  askMembers(hosted: HostedTable, because: PeerId): void {
    const { table } = hosted
    const { self, live, clock } = this.#world
    const sinceMs = clock.monotonicMs() - hosted.askedAtMs
    if (sinceMs < ASK_AGAIN_MS) {
      return hosted.askAgainIn(ASK_AGAIN_MS - sinceMs, () => {
        if (table.wantsHolders) this.askMembers(hosted, because)
      })
    }
    // Its own cache counts as well, and costs nobody anything.
    if (!table.hasClaimant(self)) this.#ask(table, self)
    if (live.size === 0) return
    hosted.unasked = because !== self && !this.#guard.mayAsk(because, live.size)
    if (hosted.unasked) return this.#world.onFlood?.(because)
    hosted.askedAtMs = clock.monotonicMs()
    for (const id of live) if (!table.hasClaimant(id)) this.#ask(table, id)
  }

  stop(): void {
    for (const { timer } of this.#newcomers.values()) timer.cancel()
    this.#newcomers.clear()
    this.#silent.clear()
  }

  #ask(table: ClaimTable, id: PeerId): void {
    this.#world.send(id, { t: 'claim.ask', key: table.key, ...(table.isBrief && { soon: true }) })
    if (this.#world.isBanned(id, table.key)) return
    if (this.#silent.has(id)) table.askedInVain()
    else table.await(id)
  }
}
