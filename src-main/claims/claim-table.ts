// Why it is like this: docs/decisions/0004-complete-holders-need-no-master.md
// and, for small contents: docs/decisions/0065-a-small-content-is-over-in-one-exchange.md
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimDecision, ClaimPut, MasterHistory } from '../contract/peer-messages.ts'
import { ClaimRoster, type Claimant } from './claim-roster.ts'
import { MOST_BROKEN_OFF } from './claims.ts'
import { elect, isElectable, type Candidate } from './election.ts'
import { learnFrom } from './former-decisions.ts'
import { MAX_EPOCH, mergeMasters, rememberMaster } from './master-history.ts'
import { MasterReports } from './master-reports.ts'
import { ringOfHolders } from './ring-of-holders.ts'
import type { Elsewhere, Surroundings, TableEffect, TableEvent } from './table-events.ts'

/** An epoch so far ahead of the table's is not believed: nobody lives through so many elections between two messages. */
const MAX_EPOCH_LEAD = 65_536
/** So much of an election is told: for a small content the first and the second, which says why. */
const MOST_CANDIDATES = 16
const BRIEF_CANDIDATES = 2

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
  readonly #reports = new MasterReports()
  #phase: TablePhase = 'gathering'
  #epoch = 0
  #master: PeerId | null = null
  /** When the master was heard last, or named as such by another. */
  #masterHeardMs = 0
  #leaseEndsMs = 0
  #heldSinceMs = 0
  #electNotBeforeMs: number
  /** Earliest end of a brief election. */
  #settledAtMs: number
  /** Somebody was asked whose answer is not waited for: it has a window. */
  #askedInVain = false
  #masters: MasterHistory = []
  #brokenOff = 0
  #pieceCount = 0
  #order: readonly Candidate[] = []
  /** Why the mastership fell vacant, until it is filled. */
  #vacancy: string | null = null
  #why = 'the election is still open'
  /** Counts changes of master, epoch or phase. */
  #major = 0
  #asked = false
  /** The members are being asked because of the event at hand; whom it reaches is known after it. */
  #asking = false

  /**
   * @param electNotBeforeMs end of the first election window (monotonic)
   * @param settledAtMs for a brief election: when those that matter have been met
   */
  constructor(key: ContentKey, settings: TableSettings, electNotBeforeMs: number, settledAtMs = electNotBeforeMs) {
    this.key = key
    this.#settings = settings
    this.#electNotBeforeMs = electNotBeforeMs
    this.#settledAtMs = settledAtMs
  }

  get phase(): TablePhase {
    return this.#phase
  }
  get epoch(): number {
    return this.#epoch
  }
  get master(): PeerId | null {
    return this.#master
  }
  get masters(): MasterHistory {
    return this.#masters
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
    if (this.#master !== null) return Math.min(this.#leaseEndsMs, this.#reports.dueMs)
    if (this.#phase !== 'gathering') return Infinity
    return this.#roster.awaitsAnswers ? this.#answersDueMs : this.#windowEndsMs
  }

  /** This one was asked what it holds: whoever has it all makes an election unnecessary, so the answer is worth waiting for. */
  await(id: PeerId): void {
    if (this.#phase !== 'held') this.#roster.await(id)
  }

  /** This one was asked as well, but did not answer the last time. */
  askedInVain(): void {
    this.#askedInVain = true
  }

  /** Once all have answered a brief election needs no window. */
  get #windowEndsMs(): number {
    const allHeard = this.isBrief && this.#asked && !this.#asking && !this.#askedInVain && !this.#roster.awaitsAnswers
    return allHeard ? Math.min(this.#settledAtMs, this.#electNotBeforeMs) : this.#electNotBeforeMs
  }

  /** A PC under heavy load answers late; one that hangs must not keep the others waiting for long. */
  get #answersDueMs(): number {
    return this.#electNotBeforeMs + this.#settings.leaseMs / 2
  }

  on(event: TableEvent, world: Surroundings): TableEffect[] {
    this.#asking = false
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
        this.#electNotBeforeMs = Math.min(this.#electNotBeforeMs, world.nowMs + this.#settings.windowMs)
        return this.#settle(world)
      case 'decidedElsewhere':
        return this.#settle(world)
      case 'stoodBack':
        if (this.#master === event.self) this.#clearMaster()
        this.#electNotBeforeMs = Math.max(this.#electNotBeforeMs, event.untilMs)
        this.#settledAtMs = Math.max(this.#settledAtMs, event.untilMs)
        return this.#settle(world)
      case 'timePassed':
        return this.#timePassed(world)
    }
  }

  /** What this agent is to know now; marks it as told. Undefined while the election is open. */
  decisionFor(id: PeerId): ClaimDecision | undefined {
    if (this.#phase === 'gathering') return undefined
    const claimant = this.#roster.get(id)
    if (claimant) {
      claimant.toldMajor = this.#major
      claimant.toldMinor = this.#revision
    }
    return {
      t: 'claim.decision',
      key: this.key,
      epoch: this.#epoch,
      master: this.#master,
      leaseMs: this.#settings.leaseMs,
      holders: ringOfHolders(id, this.isBrief ? this.#roster.listedWithPieces() : this.#roster.listed()),
      masters: this.#masters,
      ...(this.#brokenOff > 0 && { brokenOff: this.#brokenOff }),
      candidates: this.#order
        .slice(0, this.isBrief ? BRIEF_CANDIDATES : MOST_CANDIDATES)
        .map(({ id, pieces, weight, eligible, about }) => ({ id, pieces, weight, eligible, ...(about && { about }) })),
      why: this.#why.slice(0, 200)
    }
  }

  /** Claimants that do not know the newest. Those that have the whole content care for the master only, as long as one is needed. */
  outdated(): PeerId[] {
    if (this.#phase === 'gathering') return []
    const ids: PeerId[] = []
    for (const { id, role, toldMajor, toldMinor } of this.#roster.claimants()) {
      if (role === 'holding' && this.#phase === 'held') continue
      if (toldMajor < this.#major || (role !== 'holding' && toldMinor < this.#revision)) ids.push(id)
    }
    return ids
  }

  #put(from: PeerId, put: ClaimPut, world: Surroundings): TableEffect[] {
    const registered = this.#roster.put(from, put)
    // A visitor beyond the bound is not registered, but must not be left without a word either.
    if (registered === undefined) return this.#knows(put) ? [] : [{ type: 'tell', to: from }]
    const { claimant, holdersChanged } = registered
    this.#pieceCount = Math.max(this.#pieceCount, put.pieceCount)

    const effects: TableEffect[] = put.role === 'holding' ? [] : this.#askOnce()
    const majorBefore = this.#major
    if (holdersChanged) effects.push({ type: 'tellAll', when: 'lazily' })
    effects.push(...this.#learn(claimant, put, world))
    if (this.#master === from) {
      this.#masterHeardMs = world.nowMs
      this.#leaseEndsMs = world.nowMs + this.#settings.leaseMs
      if (put.role === 'holding') this.#clearMaster()
      else if (!isElectable(claimant)) effects.push(...this.#replaceMaster('it may not download any more'))
    }
    effects.push(...this.#settle(world))
    const willBeTold = this.#major !== majorBefore && effects.some((e) => e.type === 'tellAll' && e.when === 'now')
    // Who comes from another coordinator and knows all of this hears of the holders soon enough.
    if (this.#phase !== 'gathering' && !willBeTold && !this.#knows(put)) effects.push({ type: 'tell', to: from })
    return effects
  }

  /** Who the master was is all the same to whoever has it all, once nobody needs one. */
  #knows(put: ClaimPut): boolean {
    if (put.epoch !== this.#epoch) return false
    return put.master === this.#master || (put.role === 'holding' && this.#phase === 'held')
  }

  /** Counts what is news to those that seek. */
  get #revision(): number {
    return this.isBrief ? this.#roster.completeRevision : this.#roster.revision
  }

  /** Takes over what a claimant knows of earlier decisions. */
  #learn(from: Claimant, put: ClaimPut, world: Surroundings): TableEffect[] {
    if (put.epoch === 0 || put.epoch > this.#epoch + MAX_EPOCH_LEAD) return []
    this.#masters = mergeMasters(this.#masters, put.masters, put.epoch)
    if (put.master !== null) this.#masters = rememberMaster(this.#masters, put.epoch, put.master)
    const lesson = learnFrom(from, put, {
      epoch: this.#epoch,
      master: this.#master,
      masterPieces: this.#master === null ? -1 : (this.#roster.get(this.#master)?.pieces ?? -1),
      why: this.#why,
      isOpen: this.#phase === 'gathering',
      couldBeMaster: (id) => this.#couldBeMaster(id, world)
    })
    if (lesson === null) return []
    if (lesson.master !== null) return this.#adoptMaster(lesson.master, lesson.epoch, lesson.why, world)
    this.#epoch = lesson.epoch
    if (this.#phase === 'gathering') return []
    this.#major++
    return [{ type: 'tellAll', when: 'soon' }]
  }

  /**
   * A follower named this one master: believable unless we know better. Whoever names it was connected with it when it
   * moved here; so it may be one that this coordinator, fresh on the network, is yet to meet. That is not enough to put
   * another master unseated.
   */
  #couldBeMaster(id: PeerId, world: Surroundings): boolean {
    if (this.#master !== null && !world.isLive(id)) return false
    const claimant = this.#roster.get(id)
    return claimant === undefined || (isElectable(claimant) && !claimant.silent && !claimant.reported)
  }

  /** Another agent's decision becomes ours. A master that was only named has one lease to put its own claim. */
  #adoptMaster(master: PeerId, epoch: number, why: string, world: Surroundings): TableEffect[] {
    const isReplaced = this.#phase !== 'gathering'
    if (master !== this.#master) {
      this.#masterHeardMs = world.nowMs
      this.#leaseEndsMs = world.nowMs + this.#settings.leaseMs
    }
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
    this.#master = master
    this.#epoch = epoch
    this.#why = why
    this.#vacancy = null
    this.#masters = rememberMaster(this.#masters, epoch, master)
    this.#reports.forget()
    this.#major++
  }

  #clearMaster(): void {
    this.#master = null
    this.#reports.forget()
  }

  #replaceMaster(why: string): TableEffect[] {
    const master = this.#master!
    this.#clearMaster()
    this.#vacancy = why
    return [{ type: 'masterLost', epoch: this.#epoch, master, why }]
  }

  #closed(from: PeerId, world: Surroundings): TableEffect[] {
    const claimant = this.#roster.get(from)
    if (!claimant) return []
    if (from === this.#master && this.#roster.claimantCount > 1 && !world.isRightful()) {
      // It has most likely moved to the rightful coordinator and goes on there; those who have not yet must not elect a second one.
      this.#leaseEndsMs = world.nowMs + this.#settings.leaseMs
      return this.#removed(from, 'closed', world)
    }
    const effects = from === this.#master ? this.#replaceMaster('it left') : []
    if (claimant.role === 'holding' && this.#phase === 'held') {
      this.#roster.delete(from, 'known')
      if (this.#roster.completeHolders().length === 0) {
        // Its bytes may still lie in its cache: it gets one window to say so.
        this.#electNotBeforeMs = world.nowMs + this.#settings.windowMs
        this.#asked = false
      }
    }
    return [...effects, ...this.#removed(from, 'closed', world)]
  }

  #lost(id: PeerId, world: Surroundings): TableEffect[] {
    const wasAwaited = this.#roster.giveUp(id)
    if (id !== this.#master && !this.#roster.knows(id)) return wasAwaited ? this.#settle(world) : []
    const effects = id === this.#master ? this.#replaceMaster('its connection is gone') : []
    return [...effects, ...this.#removed(id, 'lost', world)]
  }

  #removed(id: PeerId, how: 'closed' | 'lost', world: Surroundings): TableEffect[] {
    if (how === 'lost') this.#roster.lose(id)
    else this.#roster.delete(id, 'news')
    this.#reports.delete(id)
    if (this.#roster.claimantCount === 0) return [{ type: 'emptied' }]
    return [{ type: 'tellAll', when: 'lazily' }, ...this.#settle(world)]
  }

  #holding(from: PeerId, pieces: number, complete: boolean, world: Surroundings): TableEffect[] {
    // Who passes on what others have is worth asking even while it has nothing.
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
    if (from !== this.#master || epoch !== this.#epoch) return []
    // One word counts once: a second PC has to see it for itself.
    if (brokeOff) this.#brokenOff = Math.min(MOST_BROKEN_OFF, this.#brokenOff + 1)
    return [...this.#replaceMaster(`it resigned (${why})`), ...this.#settle(world)]
  }

  #reported(from: PeerId, epoch: number, problem: string, world: Surroundings): TableEffect[] {
    const claimant = this.#roster.get(from)
    if (!claimant || claimant.role === 'holding' || epoch !== this.#epoch || from === this.#master) return []
    // The other table judges its master; who gets nothing by way of this agent asks the next coordinator.
    if (this.#master !== null && this.#master === world.elsewhere()?.master) return []
    // A report names nobody but the epoch, which holders share with the master before them: this one may still mean that master.
    if (this.#phase === 'held' && world.nowMs - this.#heldSinceMs < this.#settings.leaseMs / 5) return []
    this.#reports.add(from, world.nowMs)
    return this.#judge(`followers reported it as ${problem}`, world)
  }

  #judge(why: string, world: Surroundings): TableEffect[] {
    const current = this.#master === null ? undefined : this.#roster.get(this.#master)
    let followers = 0
    let others = false
    for (const c of this.#roster.claimants()) {
      if (c.role !== 'holding' && c.id !== this.#master) followers++
      if (c !== current && isElectable(c) && !c.silent && !c.reported) others = true
    }
    const verdict = this.#reports.judge({
      nowMs: world.nowMs,
      leaseMs: this.#settings.leaseMs,
      held: this.#phase === 'held',
      master: this.#master === null ? 'none' : world.isLive(this.#master) ? 'live' : 'lost',
      masterHeardMs: this.#masterHeardMs,
      followers,
      others
    })
    if (verdict === 'nothing') return []
    if (verdict === 'suspect') {
      this.#roster.suspectHolders()
      return this.#settle(world)
    }
    if (current) current.reported = true
    return [...this.#replaceMaster(why), ...this.#settle(world)]
  }

  #timePassed(world: Surroundings): TableEffect[] {
    if (this.#master !== null && world.nowMs >= this.#leaseEndsMs) {
      if (this.#master === world.elsewhere()?.master) {
        this.#leaseEndsMs = world.nowMs + this.#settings.leaseMs
        return []
      }
      const current = this.#roster.get(this.#master)
      if (current) current.silent = true
      return [...this.#replaceMaster('its lease ran out'), ...this.#settle(world)]
    }
    if (world.nowMs >= this.#reports.dueMs) return this.#judge('followers reported it and it was silent', world)
    return this.#settle(world)
  }

  /** Brings the table to rest: nobody is master when somebody has it all, otherwise a vacant mastership is filled. */
  #settle(world: Surroundings): TableEffect[] {
    const complete = this.#roster.completeHolders()
    if (complete.length > 0) {
      if (this.#phase === 'held' && this.#master === null) return []
      const wasOpen = this.#phase === 'gathering'
      this.#clearMaster()
      this.#phase = 'held'
      this.#heldSinceMs = world.nowMs
      this.#why = `finished: ${complete.length === 1 ? 'one PC has' : `${complete.length} PCs have`} all of it`
      this.#major++
      return [{ type: 'tellAll', when: wasOpen ? 'now' : 'soon' }]
    }
    const elsewhere = world.elsewhere()
    if (elsewhere !== null && elsewhere.master !== this.#master && elsewhere.epoch >= this.#epoch)
      return this.#follow(elsewhere, world)
    if (this.#master !== null) return []

    const effects = this.#askOnce()
    if (world.nowMs < this.#windowEndsMs) {
      this.#phase = 'gathering'
      return effects
    }
    if (this.#phase === 'gathering') {
      if (this.#asking || (this.#roster.awaitsAnswers && world.nowMs < this.#answersDueMs)) return effects
      if (this.#roster.awaitsAnswers) effects.push({ type: 'unanswered', by: this.#roster.giveUpAll() })
    }
    const isOver = this.#brokenOff >= MOST_BROKEN_OFF
    const fresh = [...this.#roster.claimants()]
      .filter((c) => !c.silent)
      .map((c) => (isOver ? { ...snapshot(c), eligible: false } : snapshot(c)))
    const unreported = fresh.map((c) => (this.#roster.get(c.id)!.reported ? { ...c, eligible: false } : c))
    let election = elect(this.key, unreported, this.#pieceCount)
    if (election.winner === null) election = elect(this.key, fresh, this.#pieceCount)
    const { winner, why, order } = election
    if (winner === null) {
      if (this.#phase === 'leaderless') return effects
      this.#phase = 'leaderless'
      this.#order = order
      this.#why = isOver ? 'nobody may download: the origin breaks off each time' : why
      this.#major++
      return [...effects, { type: 'tellAll', when: 'now' }]
    }
    this.#order = order
    this.#leaseEndsMs = world.nowMs + this.#settings.leaseMs
    this.#masterHeardMs = world.nowMs
    this.#setMaster(
      winner.id,
      Math.min(this.#epoch + 1, MAX_EPOCH),
      this.#vacancy === null ? why : `${why}; the master before: ${this.#vacancy}`
    )
    return [
      ...effects,
      { type: 'masterElected', epoch: this.#epoch, master: winner.id, why: this.#why, order },
      { type: 'tellAll', when: 'now' }
    ]
  }

  #askOnce(): TableEffect[] {
    if (this.#asked) return []
    this.#asked = true
    this.#asking = true
    return [{ type: 'askMembers' }]
  }
}

function snapshot({ id, pieces, weight, eligible, about, role }: Claimant): Candidate {
  return { id, pieces, weight, eligible, about, role }
}
