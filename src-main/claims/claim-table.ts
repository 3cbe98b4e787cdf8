// Why it is like this: docs/decisions/0004-complete-holders-need-no-master.md
// and, for small contents: docs/decisions/0065-a-small-content-is-over-in-one-exchange.md
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimDecision, ClaimPut, MasterHistory } from '../contract/peer-messages.ts'
import { ClaimRoster, type Claimant } from './claim-roster.ts'
import { electClaimant } from './elect-claimant.ts'
import { ElectionWindow } from './election-window.ts'
import { MOST_BROKEN_OFF } from './claims.ts'
import { isElectable, type Candidate } from './election.ts'
import { MasterLease } from './master-lease.ts'
import type { Elsewhere, Surroundings, TableEffect, TableEvent } from './table-events.ts'
import { TableNews, type Decided } from './table-news.ts'

export interface TableSettings {
  readonly windowMs: number
  readonly leaseMs: number
}

/**
 *     gathering ──► led ◄──► leaderless         led: there is a master
 *         │          ▲ │         ▲              held: complete holders serve, nobody needs the origin
 *         └──► held ◄┘ └─► gathering            leaderless: nobody may download
 *
 * Any phase goes to `held` when a complete holder turns up, and back to an election when the last one is lost.
 */
export type TablePhase = 'gathering' | 'led' | 'held' | 'leaderless'

/**
 * The claims on one content, kept by its coordinator. Pure: events in, effects out; the caller owns clocks, timers and
 * connections, and wakes the table at {@link wakeAtMs}.
 *
 * Epochs never go back here: whoever puts a claim that knows a later epoch lifts the table beyond it.
 */
export class ClaimTable {
  readonly key: ContentKey
  readonly #settings: TableSettings
  readonly #roster = new ClaimRoster()
  readonly #lease: MasterLease
  readonly #window: ElectionWindow
  readonly #news = new TableNews(this.#roster)
  #phase: TablePhase = 'gathering'
  #heldSinceMs = 0
  #brokenOff = 0
  #pieceCount = 0
  #order: readonly Candidate[] = []
  #why = 'the election is still open'

  /**
   * @param electNotBeforeMs end of the first election window (monotonic)
   * @param settledAtMs for a brief election: when those that matter have been met
   */
  constructor(key: ContentKey, settings: TableSettings, electNotBeforeMs: number, settledAtMs = electNotBeforeMs) {
    this.key = key
    this.#settings = settings
    this.#lease = new MasterLease(this.#roster, settings.leaseMs)
    this.#window = new ElectionWindow(electNotBeforeMs, settledAtMs, settings.leaseMs)
  }

  get phase(): TablePhase {
    return this.#phase
  }
  get epoch(): number {
    return this.#lease.epoch
  }
  get master(): PeerId | null {
    return this.#lease.master
  }
  get masters(): MasterHistory {
    return this.#lease.masters
  }
  get why(): string {
    return this.#why
  }
  /** The last election, best first. */
  get order(): readonly Candidate[] {
    return this.#order
  }
  /** Agents in the swarm: claimants, and members that answered that they hold something. */
  get memberCount(): number {
    return this.#roster.memberCount
  }
  /**
   * A content of one piece is over before a better master is found: its election ends with the last answer, and there is nothing
   * that followers could exchange.
   */
  get isBrief(): boolean {
    return this.#pieceCount <= 1
  }
  claimantIds(): PeerId[] {
    return [...this.#roster.claimants()].map(({ id }) => id)
  }

  get claimantCount(): number {
    return this.#roster.claimantCount
  }
  hasClaimant(id: PeerId): boolean {
    return this.#roster.get(id) !== undefined
  }
  /** Somebody seeks and nobody is known to have it all: a member that joins now is worth asking. */
  get wantsHolders(): boolean {
    return this.#phase !== 'held' && this.#roster.claimantCount > 0
  }

  /** When {@link on} wants `timePassed`, monotonic; Infinity for never. */
  get wakeAtMs(): number {
    if (this.#lease.master !== null) return Math.min(this.#lease.endsMs, this.#lease.reportsDueMs)
    if (this.#phase !== 'gathering') return Infinity
    return this.#roster.awaitsAnswers ? this.#window.answersDueMs : this.#windowEndsMs
  }

  /** This one was asked what it holds: whoever has it all makes an election unnecessary, so the answer is worth waiting for. */
  await(id: PeerId): void {
    if (this.#phase !== 'held') this.#roster.await(id)
  }

  /** This one was asked as well, but did not answer the last time. */
  askedInVain(): void {
    this.#window.askedInVain()
  }

  get #windowEndsMs(): number {
    return this.#window.endsMs({ isBrief: this.isBrief, awaitsAnswers: this.#roster.awaitsAnswers })
  }

  on(event: TableEvent, world: Surroundings): TableEffect[] {
    this.#window.asksNoMore()
    const effects = this.#handle(event, world)
    return effects.some((e) => e.type === 'emptied') ? [{ type: 'emptied' }] : effects
  }

  #handle(event: TableEvent, world: Surroundings): TableEffect[] {
    switch (event.type) {
      case 'claimPut':
        return this.#put(event.from, event.put, world)
      case 'claimClosed':
        return this.#closed(event.from, world)
      case 'holdingAnswered':
        return this.#holding(event.from, event.pieces, event.complete, world)
      case 'masterReported':
        return this.#reported(event.from, event.epoch, event.problem, world)
      case 'masterResigned':
        return this.#resigned(event.from, event, world)
      case 'memberLost':
        return this.#lost(event.id, world)
      case 'becameRightful':
        this.#window.bringForward(world.nowMs + this.#settings.windowMs)
        return this.#settle(world)
      case 'decidedElsewhere':
        return this.#settle(world)
      case 'stoodBack':
        if (this.#lease.master === event.self) this.#lease.clear()
        this.#window.putOff(event.untilMs)
        return this.#settle(world)
      case 'timePassed':
        return this.#timePassed(world)
    }
  }

  /** What this agent is to know now; marks it as told. Undefined while the election is open. */
  decisionFor(id: PeerId): ClaimDecision | undefined {
    return this.#phase === 'gathering' ? undefined : this.#news.tell(id, this.#decided)
  }

  /** Claimants that do not know the newest. */
  outdated(): PeerId[] {
    return this.#phase === 'gathering' ? [] : this.#news.outdated(this.#decided)
  }

  get #decided(): Decided {
    return {
      key: this.key,
      epoch: this.#lease.epoch,
      master: this.#lease.master,
      leaseMs: this.#settings.leaseMs,
      masters: this.#lease.masters,
      brokenOff: this.#brokenOff,
      order: this.#order,
      why: this.#why,
      isBrief: this.isBrief,
      isHeld: this.#phase === 'held'
    }
  }

  #put(from: PeerId, put: ClaimPut, world: Surroundings): TableEffect[] {
    const registered = this.#roster.put(from, put)
    if (registered === undefined) return this.#visited(from, put, world)
    const { claimant, holdersChanged } = registered
    this.#pieceCount = Math.max(this.#pieceCount, put.pieceCount)

    const effects: TableEffect[] = put.role === 'holding' ? [] : this.#askOnce()
    const majorBefore = this.#news.major
    if (holdersChanged) effects.push({ type: 'tellAll', when: 'lazily' })
    effects.push(...this.#learn(claimant, put, world))
    if (this.#lease.master === from) {
      this.#lease.renew(world.nowMs)
      if (put.role === 'holding') this.#lease.clear()
      else if (!isElectable(claimant)) effects.push(...this.#lease.vacate('it may not download any more'))
    }
    effects.push(...this.#settle(world))
    const willBeTold = this.#news.major !== majorBefore && effects.some((e) => e.type === 'tellAll' && e.when === 'now')
    // A claimant that comes from another coordinator and knows all of this hears of the holders soon enough.
    if (this.#phase !== 'gathering' && !willBeTold && !this.#knows(put)) effects.push({ type: 'tell', to: from })
    return effects
  }

  /** A visitor beyond the bound is not registered, but its answer is not waited for any more, and it must not be left without a word. */
  #visited(from: PeerId, put: ClaimPut, world: Surroundings): TableEffect[] {
    const effects = this.#holding(from, put.pieces, put.role === 'holding', world)
    if (!this.#knows(put)) effects.push({ type: 'tell', to: from })
    return effects
  }

  /** Complete holders do not care who the master was once nobody needs one. */
  #knows(put: ClaimPut): boolean {
    if (put.epoch !== this.#lease.epoch) return false
    return put.master === this.#lease.master || (put.role === 'holding' && this.#phase === 'held')
  }

  /** Takes over what a claimant knows of earlier decisions. */
  #learn(from: Claimant, put: ClaimPut, world: Surroundings): TableEffect[] {
    const lesson = this.#lease.learn(from, put, { why: this.#why, isOpen: this.#phase === 'gathering', world })
    if (lesson === null) return []
    if (lesson.master !== null) return this.#adoptMaster(lesson.master, lesson.epoch, lesson.why, world)
    this.#lease.skipTo(lesson.epoch)
    if (this.#phase === 'gathering') return []
    this.#news.changed()
    return [{ type: 'tellAll', when: 'soon' }]
  }

  /** Another agent's decision becomes ours. A master that was only named has one lease to put its own claim. */
  #adoptMaster(master: PeerId, epoch: number, why: string, world: Surroundings): TableEffect[] {
    const isReplaced = this.#phase !== 'gathering'
    if (master !== this.#lease.master) this.#lease.renew(world.nowMs)
    this.#setMaster(master, epoch, why)
    return [{ type: 'tellAll', when: isReplaced ? 'now' : 'lazily' }]
  }

  /** Two tables for one content, because not everybody sees everybody: the other one counts, and its pieces come by way of this agent. */
  #follow({ via, epoch, master }: Elsewhere, world: Surroundings): TableEffect[] {
    this.#roster.answered(via, 1, false)
    return this.#adoptMaster(master, epoch, 'elected by the coordinator of another part of the site', world)
  }

  #setMaster(master: PeerId, epoch: number, why: string): void {
    this.#phase = 'led'
    this.#lease.set(master, epoch)
    this.#why = why
    this.#news.changed()
  }

  #closed(from: PeerId, world: Surroundings): TableEffect[] {
    const claimant = this.#roster.get(from)
    if (!claimant) return []
    if (from === this.#lease.master && this.#roster.claimantCount > 1 && !world.isRightful()) {
      // It has most likely moved to the rightful coordinator and goes on there; those who have not yet must not elect a second one.
      this.#lease.extend(world.nowMs)
      return this.#removed(from, 'closed', world)
    }
    const effects = from === this.#lease.master ? this.#lease.vacate('it left') : []
    if (claimant.role === 'holding' && this.#phase === 'held') {
      this.#roster.delete(from, 'known')
      if (this.#roster.completeHolders().length === 0) {
        // Its bytes may still lie in its cache: it gets one window to say so.
        this.#window.reopen(world.nowMs + this.#settings.windowMs)
      }
    }
    return [...effects, ...this.#removed(from, 'closed', world)]
  }

  #lost(id: PeerId, world: Surroundings): TableEffect[] {
    const wasAwaited = this.#roster.giveUp(id)
    if (id !== this.#lease.master && !this.#roster.knows(id)) return wasAwaited ? this.#settle(world) : []
    const effects = id === this.#lease.master ? this.#lease.vacate('its connection is gone') : []
    return [...effects, ...this.#removed(id, 'lost', world)]
  }

  #removed(id: PeerId, how: 'closed' | 'lost', world: Surroundings): TableEffect[] {
    if (how === 'lost') this.#roster.lose(id)
    else this.#roster.delete(id, 'news')
    this.#lease.forgetReporter(id)
    if (this.#roster.claimantCount === 0) return [{ type: 'emptied' }]
    return [{ type: 'tellAll', when: 'lazily' }, ...this.#settle(world)]
  }

  #holding(from: PeerId, pieces: number, complete: boolean, world: Surroundings): TableEffect[] {
    // A relay is worth asking even while it has nothing.
    const changed = this.#roster.answered(
      from,
      from === world.elsewhere()?.via ? Math.max(1, pieces) : pieces,
      complete
    )
    if (changed !== 'holders') return changed === 'awaited' ? this.#settle(world) : []
    return [{ type: 'tellAll', when: 'lazily' }, ...this.#settle(world)]
  }

  #resigned(
    from: PeerId,
    { epoch, why, brokeOff = false }: { epoch: number; why: string; brokeOff?: boolean | undefined },
    world: Surroundings
  ): TableEffect[] {
    const claimant = this.#roster.get(from)
    if (!claimant) return []
    if (brokeOff) claimant.reported = true
    else claimant.eligible = false
    if (from !== this.#lease.master || epoch !== this.#lease.epoch) return []
    // One word counts once: a second PC has to see it for itself.
    if (brokeOff) this.#brokenOff = Math.min(MOST_BROKEN_OFF, this.#brokenOff + 1)
    return [...this.#lease.vacate(`it resigned (${why})`), ...this.#settle(world)]
  }

  #reported(from: PeerId, epoch: number, problem: string, world: Surroundings): TableEffect[] {
    const claimant = this.#roster.get(from)
    if (!claimant || claimant.role === 'holding' || epoch !== this.#lease.epoch || from === this.#lease.master)
      return []
    // The other table judges its master; a PC that gets nothing through this agent asks the next coordinator.
    if (this.#lease.master !== null && this.#lease.master === world.elsewhere()?.master) return []
    // A report names nobody but the epoch, which holders share with the master before them: this one may still mean that master.
    if (this.#phase === 'held' && world.nowMs - this.#heldSinceMs < this.#settings.leaseMs / 5) return []
    this.#lease.reportedBy(from, world.nowMs)
    return this.#judge(`followers reported it as ${problem}`, world)
  }

  #judge(why: string, world: Surroundings): TableEffect[] {
    const verdict = this.#lease.judge(this.#phase === 'held', world)
    if (verdict === 'nothing') return []
    if (verdict === 'suspect') {
      this.#roster.suspectHolders()
      return this.#settle(world)
    }
    if (this.#lease.claimant) this.#lease.claimant.reported = true
    return [...this.#lease.vacate(why), ...this.#settle(world)]
  }

  #timePassed(world: Surroundings): TableEffect[] {
    if (this.#lease.master !== null && world.nowMs >= this.#lease.endsMs) {
      if (this.#lease.master === world.elsewhere()?.master) {
        this.#lease.extend(world.nowMs)
        return []
      }
      if (this.#lease.claimant) this.#lease.claimant.silent = true
      return [...this.#lease.vacate('its lease ran out'), ...this.#settle(world)]
    }
    if (world.nowMs >= this.#lease.reportsDueMs) return this.#judge('followers reported it and it was silent', world)
    return this.#settle(world)
  }

  /** Brings the table to rest: nobody is master when somebody has it all, otherwise a vacant mastership is filled. */
  #settle(world: Surroundings): TableEffect[] {
    const complete = this.#roster.completeHolders()
    if (complete.length > 0) {
      if (this.#phase === 'held' && this.#lease.master === null) return []
      const wasOpen = this.#phase === 'gathering'
      this.#lease.clear()
      this.#phase = 'held'
      this.#heldSinceMs = world.nowMs
      this.#why = `finished: ${complete.length === 1 ? 'one PC has' : `${complete.length} PCs have`} all of it`
      this.#news.changed()
      return [{ type: 'tellAll', when: wasOpen ? 'now' : 'soon' }]
    }
    const elsewhere = world.elsewhere()
    if (elsewhere !== null && elsewhere.master !== this.#lease.master && elsewhere.epoch >= this.#lease.epoch)
      return this.#follow(elsewhere, world)
    if (this.#lease.master !== null) return []

    const effects = this.#askOnce()
    if (world.nowMs < this.#windowEndsMs) {
      this.#phase = 'gathering'
      return effects
    }
    if (this.#phase === 'gathering') {
      if (this.#window.asking || (this.#roster.awaitsAnswers && world.nowMs < this.#window.answersDueMs)) return effects
      if (this.#roster.awaitsAnswers) effects.push({ type: 'unanswered', by: this.#roster.giveUpAll() })
    }
    const isOver = this.#brokenOff >= MOST_BROKEN_OFF
    const { winner, why, order } = electClaimant(this.key, this.#roster, { pieceCount: this.#pieceCount, isOver })
    if (winner === null) {
      if (this.#phase === 'leaderless') return effects
      this.#phase = 'leaderless'
      this.#order = order
      this.#why = isOver ? 'nobody may download: the origin breaks off each time' : why
      this.#news.changed()
      return [...effects, { type: 'tellAll', when: 'now' }]
    }
    this.#order = order
    this.#lease.renew(world.nowMs)
    this.#setMaster(winner.id, this.#lease.nextEpoch, this.#lease.explain(why))
    return [
      ...effects,
      { type: 'masterElected', epoch: this.#lease.epoch, master: winner.id, why: this.#why, order },
      { type: 'tellAll', when: 'now' }
    ]
  }

  #askOnce(): TableEffect[] {
    return this.#window.askOnce() ? [{ type: 'askMembers' }] : []
  }
}
