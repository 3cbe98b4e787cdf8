// Why it is like this: docs/decisions/0045-judged-knowingly-and-passed-on.md
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage, ClaimPut } from '../contract/peer-messages.ts'
import type { MasterView } from '../contract/snapshot.ts'
import { ClaimTable } from './claim-table.ts'
import type { CoordinatorWorld } from './coordinator-world.ts'
import { FloodGuard } from './flood-guard.ts'
import { HostedTable } from './hosted-table.ts'
import { HolderQuestions } from './holder-questions.ts'
import type { Surroundings, TableEffect, TableEvent } from './table-events.ts'

/** Most claim tables one agent keeps. */
export const MAX_TABLES = 10_000

/** Most tables one member may have claims in here. */
export const MAX_CLAIMS_PER_MEMBER = 5000

/** Tables of one member that are looked at for an idle one before the oldest has to do. */
const MAX_LOOKED_AT = 64

/** Keeps the claim tables of the contents this agent coordinates: carries out what {@link ClaimTable} decides. */
export class Coordinator {
  readonly #world: CoordinatorWorld
  readonly #tables = new Map<ContentKey, HostedTable>()
  readonly #claimsOf = new Map<PeerId, number>()
  readonly #guard: FloodGuard
  readonly #questions: HolderQuestions
  /** Nobody is elected before that time (monotonic). */
  #standsBackUntilMs = -Infinity

  constructor(world: CoordinatorWorld) {
    this.#world = world
    this.#guard = new FloodGuard(world.clock)
    this.#questions = new HolderQuestions(world, this.#guard, this.#tables)
  }

  get tableCount(): number {
    return this.#tables.size
  }

  message(from: PeerId, message: ClaimMessage): void {
    if (message.t === 'claim.put') return this.#put(from, message)
    if (message.t === 'claim.holding') this.#questions.answered(from)
    const hosted = this.#tables.get(message.key)
    if (!hosted) return
    switch (message.t) {
      case 'claim.close':
        return this.#apply(hosted, { type: 'claimClosed', from }, from)
      case 'claim.report':
        return this.#apply(hosted, { type: 'masterReported', from, epoch: message.epoch, problem: message.problem })
      case 'claim.resign':
        return this.#apply(hosted, {
          type: 'masterResigned',
          from,
          epoch: message.epoch,
          why: message.why,
          brokeOff: message.brokeOff
        })
      case 'claim.holding':
        return this.#apply(hosted, {
          type: 'holdingAnswered',
          from,
          pieces: message.pieces,
          complete: message.complete
        })
    }
  }

  memberJoined(id: PeerId): void {
    this.#questions.askNewcomer(id)
  }

  memberLost(id: PeerId): void {
    this.#questions.memberLost(id)
    for (const hosted of this.#tables.values()) this.#withdraw(hosted, id)
  }

  /** As claimant this agent was told something, or has moved. */
  decidedElsewhere(key: ContentKey): void {
    const hosted = this.#tables.get(key)
    if (hosted) this.#apply(hosted, { type: 'decidedElsewhere' })
  }

  /** After a standstill so long that others may have gone on without this agent, it elects nobody for a while. */
  standBack(untilMs: number): void {
    this.#standsBackUntilMs = untilMs
    for (const hosted of this.#tables.values())
      this.#apply(hosted, { type: 'stoodBack', self: this.#world.self, untilMs })
  }

  masters(): Set<PeerId> {
    const masters = new Set<PeerId>()
    for (const { table } of this.#tables.values()) if (table.master !== null) masters.add(table.master)
    return masters
  }

  masterOf(key: ContentKey): PeerId | null {
    return this.#tables.get(key)?.table.master ?? null
  }

  hosts(key: ContentKey): boolean {
    return this.#tables.has(key)
  }

  /** Somebody else coordinates this content, and its claimants know. */
  forget(key: ContentKey): void {
    const hosted = this.#tables.get(key)
    if (!hosted) return
    for (const id of hosted.table.claimantIds()) this.#count(id, -1)
    this.#close(hosted)
  }

  /** It is out of the game for this content, and stays a member for all others. */
  memberBanned(id: PeerId, key: ContentKey): void {
    const hosted = this.#tables.get(key)
    if (hosted) this.#withdraw(hosted, id)
  }

  /** It no longer has this content. A claimant says so in its claim. */
  holderGone(id: PeerId, key: ContentKey): void {
    const hosted = this.#tables.get(key)
    if (hosted && !hosted.table.hasClaimant(id)) this.#withdraw(hosted, id)
  }

  view(nameOf: (id: PeerId) => string): Omit<MasterView, 'url' | 'masterName' | 'coordinatorName'>[] {
    return [...this.#tables.values()].map(({ table, sinceWallMs }) => ({
      key: table.key,
      coordinator: this.#world.self,
      master: table.master,
      self: table.master === this.#world.self,
      finished: table.phase === 'held' && table.master === null,
      epoch: table.epoch,
      since: sinceWallMs,
      members: table.memberCount,
      candidates: table.order.map(({ id, pieces, weight, eligible, about }) => ({
        id,
        name: nameOf(id),
        pieces,
        weight,
        eligible,
        ...(about && { about })
      })),
      why: table.why
    }))
  }

  stop(): void {
    for (const hosted of this.#tables.values()) hosted.close()
    this.#tables.clear()
    this.#claimsOf.clear()
    this.#questions.stop()
  }

  #put(from: PeerId, put: ClaimPut): void {
    let hosted = this.#tables.get(put.key)
    if (!hosted?.table.hasClaimant(from)) {
      if (from !== this.#world.self && (this.#claimsOf.get(from) ?? 0) >= MAX_CLAIMS_PER_MEMBER) return
      if (!hosted) {
        if (!this.#makeRoom(from)) return
        hosted = this.#openTable(from, put)
      }
    }
    this.#apply(hosted, { type: 'claimPut', from, put }, from)
    if (hosted.unasked && hosted.table.wantsHolders) this.#askMembers(hosted, from)
  }

  /** One member's tables never take the places of others'. @returns false when there is none */
  #makeRoom(from: PeerId): boolean {
    if (from !== this.#world.self && !this.#guard.mayOpen(from, this.#world.live.size + 1)) {
      this.#world.onFlood?.(from)
      return false
    }
    const isFull = this.#guard.isFull(from)
    if (!isFull && this.#tables.size < MAX_TABLES) return true
    const greedy = isFull ? from : this.#guard.greediest(from)
    if (greedy === null) return false
    this.#world.onFlood?.(greedy)
    let oldest: HostedTable | undefined
    let looked = 0
    for (const key of this.#guard.openedBy(greedy)) {
      const hosted = this.#tables.get(key)
      if (!hosted) continue
      oldest ??= hosted
      const isIdle =
        hosted.table.claimantCount === 0 || (hosted.table.claimantCount === 1 && hosted.table.hasClaimant(greedy))
      if (isIdle) oldest = hosted
      if (isIdle || ++looked === MAX_LOOKED_AT) break
    }
    if (!oldest) return false
    this.forget(oldest.table.key)
    return true
  }

  #close(hosted: HostedTable): void {
    hosted.close()
    this.#tables.delete(hosted.table.key)
    this.#guard.closed(hosted.openedBy, hosted.table.key)
  }

  #openTable(from: PeerId, put: ClaimPut): HostedTable {
    const { clock, settings } = this.#world
    const nowMs = clock.monotonicMs()
    const { windowMs, settledMs } = this.#firstWindow(put, nowMs)
    const table = new ClaimTable(
      put.key,
      settings,
      Math.max(nowMs + windowMs, this.#standsBackUntilMs),
      Math.max(nowMs + settledMs, this.#standsBackUntilMs)
    )
    const hosted = new HostedTable(
      { table, openedBy: from, gatherUntilMs: nowMs + settings.windowMs },
      {
        clock,
        leaseMs: settings.leaseMs,
        timePassed: (one) => this.#apply(one, { type: 'timePassed' }),
        tell: (one, to) => this.#tell(one, to)
      }
    )
    this.#tables.set(put.key, hosted)
    this.#guard.opened(from, put.key)
    return hosted
  }

  /** How long the first election waits at most, and at least: from then on it may end with the last answer. */
  #firstWindow(put: ClaimPut, nowMs: number): { windowMs: number; settledMs: number } {
    const { live, settings } = this.#world
    const unsettledMs = Math.max(0, this.#world.settledAtMs() - nowMs)
    if (live.size === 0 && unsettledMs === 0) return { windowMs: 0, settledMs: 0 }
    // A claim that moves here comes from agents that know each other already, and others of them follow.
    const isKnownElsewhere = put.epoch > 0
    if (isKnownElsewhere) {
      const windowMs = live.size === 0 ? unsettledMs : settings.windowMs
      return { windowMs, settledMs: windowMs }
    }
    // Whoever asks the wrong one has not met the right one yet, but will.
    const settledMs = this.#world.isRightful(put.key) ? unsettledMs : Math.max(unsettledMs, settings.settleMs)
    return { windowMs: settings.windowMs + settledMs, settledMs }
  }

  /** @param concerned whose claim may come or go with this event */
  #apply(hosted: HostedTable, event: TableEvent, concerned?: PeerId): void {
    const { clock } = this.#world
    const { table } = hosted
    const before = {
      master: table.master,
      epoch: table.epoch,
      isClaimant: concerned !== undefined && table.hasClaimant(concerned)
    }
    const world: Surroundings = {
      nowMs: clock.monotonicMs(),
      isLive: (id) => id === this.#world.self || this.#world.live.has(id),
      elsewhere: () => this.#world.elsewhere(table.key),
      isRightful: () => this.#world.isRightful(table.key)
    }
    const effects = table.on(event, world)
    if (concerned !== undefined)
      this.#count(concerned, Number(table.hasClaimant(concerned)) - Number(before.isClaimant))
    if (table.master !== before.master || table.epoch !== before.epoch) hosted.turned()
    for (const effect of effects) this.#carryOut(hosted, effect, concerned ?? hosted.openedBy)
    hosted.armWake()
  }

  #count(id: PeerId, change: number): void {
    const count = (this.#claimsOf.get(id) ?? 0) + change
    if (count === 0) this.#claimsOf.delete(id)
    else this.#claimsOf.set(id, count)
  }

  #carryOut(hosted: HostedTable, effect: TableEffect, because: PeerId): void {
    const { table } = hosted
    const { key } = table
    const nowMs = this.#world.clock.monotonicMs()
    switch (effect.type) {
      case 'tell':
        return this.#tell(table, effect.to)
      case 'tellAll':
        return hosted.tellAll(effect.when)
      case 'askMembers':
        return this.#askMembers(hosted, because)
      case 'unanswered':
        return this.#questions.unanswered(effect.by)
      case 'masterElected':
        return this.#world.onElected?.({
          key,
          epoch: effect.epoch,
          master: effect.master,
          why: effect.why,
          candidates: effect.order,
          tookMs: nowMs - hosted.vacantSinceMs
        })
      case 'masterLost':
        hosted.vacantSinceMs = nowMs
        return this.#world.onMasterLost?.({ key, epoch: effect.epoch, master: effect.master, why: effect.why })
      case 'emptied':
        this.#close(hosted)
    }
  }

  #askMembers(hosted: HostedTable, because: PeerId): void {
    const { registered } = this.#world
    if (!registered) return this.#questions.askMembers(hosted, because)
    for (const id of registered(hosted.table.key))
      this.#apply(hosted, { type: 'holdingAnswered', from: id, pieces: 1, complete: true })
  }

  #tell(table: ClaimTable, to: PeerId): void {
    const decision = table.decisionFor(to)
    if (decision) this.#world.send(to, decision)
  }

  #withdraw(hosted: HostedTable, id: PeerId): void {
    this.#apply(hosted, { type: 'memberLost', id }, id)
    const standsBack = this.#world.clock.monotonicMs() < this.#standsBackUntilMs
    if (!standsBack && hosted.table.phase === 'gathering' && this.#world.isRightful(hosted.table.key))
      this.#apply(hosted, { type: 'becameRightful' })
  }
}
