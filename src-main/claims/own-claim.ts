// Why it is like this: docs/decisions/0038-who-gets-nothing-appeals-before-it-goes-alone.md
import { EventEmitter } from 'node:events'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimDecision, ClaimMessage, ClaimPut, MasterHistory } from '../contract/peer-messages.ts'
import type { MasterView } from '../contract/snapshot.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Claim, ClaimInit, ClaimSettings, Decision, Holder, Machine } from './claims.ts'
import { mergeMasters, sameMasters } from './master-history.ts'
import { PutSchedule } from './put-schedule.ts'
import type { Elsewhere } from './table-events.ts'

/** The same problem is reported again only after this. */
const REPORT_AGAIN_MS = 1000

/** What a claim needs of the agent around it. */
export interface ClaimWorld {
  readonly self: PeerId
  readonly clock: Clock
  readonly settings: ClaimSettings
  send(to: PeerId, message: ClaimMessage): void
  isLive(id: PeerId): boolean
  /** Who coordinates a content, as this agent sees it. */
  rightful(key: ContentKey): PeerId
  closed(claim: OwnClaim): void
  /** What the weight of this machine was decided on, for people. */
  about(): string
}

/**
 * This agent's claim on one content. Tells whoever coordinates it, and takes its decisions. The last decision stays in
 * force until another one arrives: a master without any coordinator goes on.
 */
export class OwnClaim extends EventEmitter<{ decision: [Decision] }> implements Claim {
  readonly key: ContentKey
  readonly #world: ClaimWorld
  readonly #pieceCount: number
  #weight: number
  #about: string
  #pieces: number
  #bytes = 0
  #eligible: boolean
  #complete = false
  #closed = false
  #coordinator: PeerId | null = null
  /** Coordinators under which nothing came. */
  readonly #passedOver = new Set<PeerId>()
  /** Former coordinators that are told of our leaving a little later. */
  readonly #leaving = new Map<PeerId, Timer>()

  #decision: Decision = { role: 'undecided' }
  #epoch = 0
  #master: PeerId | null = null
  #masters: MasterHistory = []
  #decidedBy: PeerId | null = null
  #lastMessage: ClaimDecision | null = null
  #sinceWallMs: number

  readonly #puts: PutSchedule
  #lastReport: { epoch: number; problem: string; atMs: number } | null = null

  constructor(world: ClaimWorld, init: ClaimInit) {
    super()
    this.#world = world
    this.key = init.key
    this.#pieceCount = init.pieceCount
    this.#pieces = init.pieces
    this.#weight = init.weight
    this.#about = world.about()
    this.#eligible = init.eligible
    this.#sinceWallMs = world.clock.wallMs()
    const facts = () => ({ complete: this.#complete, role: this.#decision.role })
    this.#puts = new PutSchedule(world.clock, world.settings, facts, () => this.#put())
  }

  get decision(): Decision {
    return this.#decision
  }

  /** Where the last put went; decisions of nobody else count. */
  get coordinator(): PeerId | null {
    return this.#coordinator
  }

  /** What another agent decided as coordinator, for those who take this one for it. */
  get elsewhere(): Elsewhere | null {
    const { self } = this.#world
    if (this.#closed || this.#complete || this.#coordinator === self || this.#coordinator !== this.#decidedBy)
      return null
    if (this.#master === null || !this.#world.isLive(this.#master)) return null
    return { via: self, epoch: this.#epoch, master: this.#master }
  }

  update(state: { pieces?: number; bytes?: number; eligible?: boolean; complete?: boolean }): void {
    if (this.#closed) return
    if (state.pieces !== undefined && state.pieces !== this.#pieces) {
      this.#pieces = Math.min(state.pieces, this.#pieceCount)
      this.#puts.noteProgress()
    }
    if (state.bytes !== undefined && state.bytes !== this.#bytes) {
      this.#bytes = state.bytes
      this.#puts.noteProgress()
    }
    const becomesComplete = state.complete === true && !this.#complete
    const changesEligibility = state.eligible !== undefined && state.eligible !== this.#eligible
    if (changesEligibility) this.#eligible = state.eligible!
    if (becomesComplete) {
      this.#complete = true
      this.#pieces = this.#pieceCount
      if (this.#master === this.#world.self) this.#master = null
      // Others may take this agent for the coordinator although it follows another one.
      this.#world.send(this.#world.self, { t: 'claim.holding', key: this.key, pieces: this.#pieces, complete: true })
    }
    if (becomesComplete || changesEligibility) this.#put()
    else if (this.#puts.hasProgress) this.#arm()
    if (becomesComplete && this.#decision.role !== 'undecided') {
      const { epoch, masters, holders } = this.#decision
      this.#decide({ role: 'follower', epoch, master: this.#master, masters, holders })
    }
  }

  /** The weight of this machine has changed. */
  reweigh({ weight, about }: Machine): void {
    if (this.#closed || (weight === this.#weight && about === this.#about)) return
    const tells = weight !== this.#weight
    this.#weight = weight
    this.#about = about
    // Words alone go along with the next put.
    if (tells) this.#put()
  }

  report(problem: 'unreachable' | 'stalled' | 'corrupt'): void {
    if (this.#closed || this.#complete || this.#coordinator === null || this.#decision.role !== 'follower') return
    const nowMs = this.#world.clock.monotonicMs()
    const last = this.#lastReport
    if (last && last.epoch === this.#epoch && last.problem === problem && nowMs - last.atMs < REPORT_AGAIN_MS) return
    this.#lastReport = { epoch: this.#epoch, problem, atMs: nowMs }
    this.#world.send(this.#coordinator, { t: 'claim.report', key: this.key, epoch: this.#epoch, problem })
  }

  askNextCoordinator(): boolean {
    const from = this.#coordinator
    if (
      this.#closed ||
      this.#complete ||
      from === null ||
      from === this.#world.self ||
      this.#decision.role === 'master'
    )
      return false
    this.#passedOver.add(from)
    this.moveTo(this.#world.rightful(this.key))
    return true
  }

  /** This agent has passed over this coordinator. */
  passesOver(id: PeerId): boolean {
    return this.#passedOver.has(id)
  }

  resign(why: 'origin-error' | 'disk-full' | 'paused' | 'leaving', { brokeOff } = { brokeOff: false }): void {
    if (this.#closed || this.#decision.role !== 'master') return
    if (!brokeOff) this.#eligible = false
    if (this.#coordinator !== null)
      this.#world.send(this.#coordinator, {
        t: 'claim.resign',
        key: this.key,
        epoch: this.#epoch,
        why,
        ...(brokeOff && { brokeOff })
      })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#puts.cancel()
    for (const timer of this.#leaving.values()) timer.cancel()
    const told = new Set(this.#leaving.keys())
    if (this.#coordinator !== null) told.add(this.#coordinator)
    for (const id of told) this.#world.send(id, { t: 'claim.close', key: this.key })
    this.#world.closed(this)
  }

  /** The first in rendezvous order is another one now. The transfer goes on as it is. */
  moveTo(coordinator: PeerId): void {
    if (this.#closed || coordinator === this.#coordinator) return
    const former = this.#coordinator
    this.#leaving.get(coordinator)?.cancel()
    this.#leaving.delete(coordinator)
    if (former !== null && this.#world.isLive(former)) this.#leave(former)
    this.#coordinator = coordinator
    this.#puts.startOver()
    // The new one believes who is master on our word.
    if (this.#master !== null && !this.#world.isLive(this.#master)) this.#master = null
    this.#put()
  }

  /** Its coordinator was away, and may have forgotten it. */
  putAgain(): void {
    this.#puts.startOver()
    this.#put()
  }

  /** A master leaves late: those who have not moved yet are not to elect a second one meanwhile. */
  #leave(former: PeerId): void {
    const close: ClaimMessage = { t: 'claim.close', key: this.key }
    if (this.#decision.role !== 'master' || former === this.#world.self) return this.#world.send(former, close)
    this.#world.send(former, this.#message())
    this.#leaving.set(
      former,
      this.#world.clock.after(this.#world.settings.leaseMs / 2, () => {
        this.#leaving.delete(former)
        this.#world.send(former, close)
      })
    )
  }

  /** After a standstill: what others decided meanwhile is not known, so the coordinator is asked who is master. */
  standBack(): void {
    if (this.#closed || this.#decision.role !== 'master') return
    this.#master = null
    this.#decision = { role: 'undecided' }
    this.#puts.startOver()
    this.#put()
    this.emit('decision', this.#decision)
  }

  memberLost(id: PeerId): void {
    this.#leaving.get(id)?.cancel()
    this.#leaving.delete(id)
    // A coordinator that has not noticed yet learns it from its followers.
    if (id === this.#master && this.#coordinator !== id && this.#coordinator !== this.#world.self)
      this.report('unreachable')
  }

  decided(from: PeerId, message: ClaimDecision): void {
    if (this.#closed || from !== this.#coordinator) return
    if (this.#decidedBy === from && message.epoch < this.#epoch) return
    const { self } = this.#world
    if (message.master !== this.#master || message.epoch !== this.#epoch) this.#sinceWallMs = this.#world.clock.wallMs()
    this.#decidedBy = from
    this.#epoch = message.epoch
    this.#masters = mergeMasters(this.#masters, message.masters)
    const isSameElection = this.#lastMessage?.epoch === message.epoch && this.#lastMessage.master === message.master
    const knowsElection = isSameElection && message.candidates.length === 0
    this.#lastMessage = knowsElection ? { ...message, candidates: this.#lastMessage!.candidates } : message
    const { epoch, holders, brokenOff } = message
    const masters = this.#masters
    if (message.master !== self) {
      this.#master = message.master
      return this.#decide({ role: 'follower', epoch, master: message.master, masters, holders, brokenOff })
    }
    if (this.#complete) {
      this.#master = null
      return this.#decide({ role: 'follower', epoch, master: null, masters, holders, brokenOff })
    }
    this.#master = self
    if (this.#mayBeMaster || this.#decision.role === 'master')
      return this.#decide({ role: 'master', epoch, masters, holders, brokenOff })
    // Elected by what we said before; the coordinator is about to learn better.
    this.#put()
  }

  view(nameOf: (id: PeerId) => string): Omit<MasterView, 'url' | 'masterName' | 'coordinatorName'> {
    const isMaster = this.#decision.role === 'master'
    const message = this.#lastMessage
    return {
      key: this.key,
      coordinator: this.#coordinator,
      master: this.#master,
      self: isMaster,
      finished: this.#complete || (this.#master === null && (message?.holders.some((h) => h.complete) ?? false)),
      epoch: this.#epoch,
      since: this.#sinceWallMs,
      members: 1 + (message?.holders.length ?? 0),
      candidates: (message?.candidates ?? []).map((c) => ({ ...c, name: nameOf(c.id) })),
      why: message?.why ?? (this.#coordinator === null ? 'not started' : 'the election is still open')
    }
  }

  get #mayBeMaster(): boolean {
    return this.#eligible && this.#weight > 0
  }

  #decide(decision: Exclude<Decision, { role: 'undecided' }>): void {
    const before = this.#decision
    const roleChanges = (before.role === 'master') !== (decision.role === 'master')
    const isNew = !sameDecision(before, decision)
    if (isNew) this.#decision = decision
    if (roleChanges && !this.#complete) this.#put()
    else this.#arm()
    if (isNew) this.emit('decision', decision)
  }

  #message(): ClaimPut {
    const isMaster = this.#decision.role === 'master' && this.#mayBeMaster
    return {
      t: 'claim.put',
      key: this.key,
      role: this.#complete ? 'holding' : isMaster ? 'mastering' : 'seeking',
      pieces: this.#pieces,
      pieceCount: this.#pieceCount,
      bytes: this.#bytes,
      weight: this.#weight,
      ...(this.#about && { about: this.#about }),
      eligible: this.#eligible,
      epoch: this.#epoch,
      master: this.#master,
      masters: this.#masters
    }
  }

  #put(): void {
    if (this.#coordinator === null || this.#closed) return
    this.#puts.sent()
    this.#world.send(this.#coordinator, this.#message())
    this.#puts.arm()
  }

  #arm(): void {
    if (this.#coordinator !== null && !this.#closed) this.#puts.arm()
  }
}

function sameDecision(a: Decision, b: Decision): boolean {
  if (a.role === 'undecided' || b.role === 'undecided') return a.role === b.role
  if (
    a.role !== b.role ||
    a.epoch !== b.epoch ||
    a.brokenOff !== b.brokenOff ||
    !sameMasters(a.masters, b.masters) ||
    !sameHolders(a.holders, b.holders)
  )
    return false
  return a.role === 'master' || b.role === 'master' || a.master === b.master
}

function sameHolders(a: readonly Holder[], b: readonly Holder[]): boolean {
  return a.length === b.length && a.every((h, i) => h.id === b[i]!.id && h.complete === b[i]!.complete)
}
