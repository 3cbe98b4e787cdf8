import type { ReasonCode } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import { MachineRun } from '../lib/machine-run.ts'
import {
  newRequest,
  step as stepRequest,
  toldState,
  type DirectTarget,
  type Outcome,
  type RequestEffect,
  type RequestEvent,
  type RequestState
} from '../requests/request-machine.ts'
import { Teller } from '../requests/teller.ts'
import { OriginSlots, type SlotTicket } from '../transfers/origin-slots.ts'
import type { TransferEffect, TransferEvent, TransferState } from '../transfers/transfer-events.ts'
import { step as stepTransfer } from '../transfers/transfer-machine.ts'
import { isPaused, mayAskOrigin, newTransfer, transferWaits } from '../transfers/transfer-state.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** The steps under test; others can be put in to see that the model notices. */
export interface Machines {
  readonly request: typeof stepRequest
  readonly transfer: typeof stepTransfer
}

export const machines: Machines = { request: stepRequest, transfer: stepTransfer }

const PIECES = 3
const outcome: Outcome = { sha256: 'a'.repeat(64) as Outcome['sha256'], lengthBytes: PIECES, verifiedBy: 'origin' }
const errors = new Map<LarderError['code'], LarderError>()

/** An error of this code, always the same one. */
export function error(code: LarderError['code']): LarderError {
  const made = errors.get(code) ?? new LarderError(code, code)
  errors.set(code, made)
  return made
}

const limits = { firstByteMs: 10_000, stallMs: 5000 }

/** Time that passes when it is told to; timers of the same moment fire in order. */
class ModelClock implements Clock {
  #now = 0
  #timers: { at: number; fn: () => void }[] = []
  wallMs = () => this.#now
  monotonicMs = () => this.#now
  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + ms, fn }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((t) => t !== timer)) }
  }
  every(): Timer {
    throw new Error('the model has no tickers')
  }
  pass(ms: number): void {
    this.#now += ms
    for (;;) {
      const due = this.#timers.findIndex(({ at }) => at <= this.#now)
      if (due < 0) return
      this.#timers.splice(due, 1)[0]!.fn()
    }
  }
}

/** What the disk and the origin have of one content, and what the origin was asked for. */
class ModelContent {
  readonly have = new Set<number>()
  cached = false
  readonly asked = Array.from({ length: PIECES }, () => 0)
  /** How often a piece that was asked for, or had, was lost again. */
  readonly lost = Array.from({ length: PIECES }, () => 0)
}

type Answer = { readonly about: string; readonly run: (choice: number) => void }

/** One request: its machine, what runs for it, and what its user knows. */
export class ModelRequest {
  readonly machine: MachineRun<RequestState, RequestEvent, RequestEffect>
  readonly content: ModelContent
  ticket: SlotTicket | null = null
  direct: 'none' | 'running' | 'held' | 'stopping' = 'none'
  transfer: ModelTransfer | null = null
  /** What it waits for an answer to. */
  answers: Answer[] = []
  /** As its user last said. */
  wantedPaused: boolean
  stopped: LarderError | null = null
  ends = 0
  delivered = false
  deliveryAborted = false
  lastTold = ''
  readonly #model: TransferModel
  readonly #kind: 'shared' | DirectTarget
  readonly #delivers: boolean

  constructor(model: TransferModel, content: ModelContent, kind: 'shared' | DirectTarget, delivers: boolean) {
    this.#model = model
    this.#kind = kind
    this.#delivers = delivers || kind === 'file'
    this.content = content
    this.wantedPaused = model.allPaused
    this.machine = new MachineRun(newRequest(this.#delivers, model.allPaused), model.machines.request, (effect) =>
      this.#perform(effect)
    )
    // What its maker is given.
    this.lastTold = this.told
  }

  get ended(): boolean {
    return this.machine.state.phase.at === 'ended'
  }

  get told(): string {
    return toldState(this.machine.state, this.transfer?.waits ?? null)
  }

  tell(): void {
    this.#model.teller.changed(this, this.ended)
  }

  /** Takes an answer out of what is awaited. */
  answer(which: number, choice: number): void {
    this.answers.splice(which, 1)[0]!.run(choice)
  }

  stop(reason: LarderError): void {
    if (!this.ended) this.stopped ??= reason
    this.machine.happened({ e: 'stopped', error: reason })
  }

  joined(transfer: ModelTransfer): void {
    this.transfer = transfer
    this.machine.happened({ e: 'joined' })
  }

  #await(about: string, run: (choice: number) => void): void {
    this.answers.push({ about, run })
  }

  #perform(effect: RequestEffect): void {
    const happened = (event: RequestEvent) => this.machine.happened(event)
    switch (effect.do) {
      case 'prepare':
        return this.#await('prepare', (choice) =>
          happened(
            choice === 1
              ? { e: 'versionFailed', error: error('DESTINATION_INVALID') }
              : { e: 'prepared', outcome: this.content.cached && choice === 2 ? outcome : null }
          )
        )
      case 'askVersion':
        return this.#await('version', (choice) => {
          if (choice === 1) return happened({ e: 'versionFailed', error: error('ORIGIN_UNREACHABLE') })
          if (this.#kind !== 'shared') return happened({ e: 'versionFound', route: { by: 'direct', to: this.#kind } })
          happened({ e: 'versionFound', route: this.content.cached ? { by: 'cache', outcome } : { by: 'transfer' } })
        })
      case 'join':
        return this.#model.join(this)
      case 'tellTransfer':
        return this.transfer?.pausedChanged(this, effect.paused)
      case 'leave': {
        const { transfer } = this
        this.transfer = null
        this.#model.leaveStarting(this)
        return transfer?.leave(this)
      }
      case 'enterLine':
        this.ticket = this.#model.slots.enter('foreground', () => happened({ e: 'slotGranted' }))
        return
      case 'leaveLine':
        this.ticket?.leave()
        this.ticket = null
        return
      case 'startDirect':
        this.#model.check(this.direct === 'none', 'one direct download runs at a time')
        this.direct = 'running'
        return this.#awaitDirect(effect.to)
      case 'holdDirect':
        this.direct = 'held'
        return
      case 'goOnDirect':
        this.#model.check(this.direct === 'held', 'what goes on was held')
        this.direct = 'running'
        return
      case 'abortDirect':
        this.direct = 'stopping'
        return
      case 'deliver':
        return this.#await('delivery', (choice) => {
          // Broken off, unless the last step was under way.
          if (this.deliveryAborted && choice !== 2) return happened({ e: 'deliveryFailed', error: error('CANCELLED') })
          if (choice === 1) return happened({ e: 'deliveryFailed', error: error('DESTINATION_UNWRITABLE') })
          this.delivered = true
          happened({ e: 'delivered' })
        })
      case 'abortDelivery':
        this.deliveryAborted = true
        return
      case 'end':
        this.ends++
        return this.tell()
      case 'tellChanged':
      case 'noteReason':
        return this.tell()
      default:
        return
    }
  }

  #awaitDirect(to: DirectTarget): void {
    this.#await('direct', (choice) => {
      const was = this.direct
      this.direct = 'none'
      // Stopped, it ends with an error, unless the last step was under way.
      if ((was === 'stopping' && choice !== 2) || choice === 1)
        return this.machine.happened({ e: 'directFailed', error: error(choice === 1 ? 'ORIGIN_CHANGED' : 'CANCELLED') })
      if (to === 'file') this.delivered = true
      this.machine.happened({ e: 'directDone', outcome })
    })
  }
}

/** One transfer: its machine, and what its lanes do. */
export class ModelTransfer {
  readonly machine: MachineRun<TransferState, TransferEvent, TransferEffect>
  readonly content: ModelContent
  readonly members = new Map<ModelRequest, number>()
  ticket: SlotTicket | null = null
  lane: 'none' | 'running' | 'held' = 'none'
  /** What the origin is sending. */
  piece: number | null = null
  askingPeers = false
  completing = false
  lookDue = false
  open = true
  readonly #model: TransferModel
  #ids = 0

  constructor(model: TransferModel, content: ModelContent) {
    this.#model = model
    this.content = content
    const first = newTransfer(model.clock.monotonicMs())
    this.machine = new MachineRun(first, model.machines.transfer, (effect) => this.#perform(effect))
  }

  get waits() {
    return transferWaits(this.machine.state, {
      ahead: this.ticket?.ahead ?? null,
      asking: this.askingPeers ? 1 : 0,
      received: this.content.have.size > 0
    })
  }

  get working(): boolean {
    return ['electing', 'active'].includes(this.machine.state.phase)
  }

  get nowMs(): number {
    return this.#model.clock.monotonicMs()
  }

  attach(request: ModelRequest): void {
    const id = this.#ids++
    this.members.set(request, id)
    request.joined(this)
    const { paused } = request.machine.state
    const interest = { priority: 'foreground', paused, deadlineMs: 1e9 } as const
    this.machine.happened({ e: 'interestJoined', id, interest, nowMs: this.nowMs })
  }

  leave(request: ModelRequest): void {
    const id = this.members.get(request)
    if (id === undefined) return
    this.members.delete(request)
    this.machine.happened({ e: 'interestLeft', id, nowMs: this.nowMs })
  }

  pausedChanged(request: ModelRequest, paused: boolean): void {
    const id = this.members.get(request)
    if (id !== undefined) this.machine.happened({ e: 'interestPaused', id, paused, nowMs: this.nowMs })
  }

  decide(role: 'none' | 'master' | 'follower', led: boolean): void {
    const elected = role === 'master' && this.machine.state.role !== 'master'
    const facts = { nowMs: this.nowMs, holderComplete: false, mayLead: true, elected }
    this.machine.happened({ e: 'decided', role, led: role === 'master' || (role === 'follower' && led), ...facts })
  }

  gate(open: boolean): void {
    this.machine.happened({ e: 'gateTurned', open, reason: open ? 'elected-for-site' : null })
  }

  look(): void {
    this.lookDue = false
    const complete = this.content.have.size === PIECES
    const gap = mayAskOrigin(this.machine.state) && !complete
    const before = this.waits?.what
    this.machine.happened({ e: 'looked', nowMs: this.nowMs, complete, gap, unanswered: 0, suspects: false })
    if (this.waits?.what !== before) for (const m of this.members.keys()) m.tell()
  }

  tick(): void {
    const facts = { sources: 0, allBusy: false, masterKnown: false, unanswered: 0, remainingMs: null, limits }
    this.machine.happened({ e: 'ticked', nowMs: this.nowMs, ...facts })
  }

  /** The piece that the origin is sending is here. */
  originSent(): void {
    this.content.have.add(this.piece!)
    this.piece = null
    this.machine.happened({ e: 'pieceArrived', nowMs: this.nowMs })
    if (this.lane === 'running') this.#nextFromOrigin()
  }

  peerSent(): void {
    const wanted = [0, 1, 2].find((i) => !this.content.have.has(i) && i !== this.piece)
    if (wanted === undefined) return
    this.content.have.add(wanted)
    this.machine.happened({ e: 'pieceArrived', nowMs: this.nowMs })
  }

  originFails(code: 'ORIGIN_CHANGED' | 'ORIGIN_UNREACHABLE' | 'DISK_FULL', neighbours: number): void {
    this.#losePiece()
    this.lane = 'none'
    this.machine.happened({ e: 'originFailed', error: error(code), neighbours })
  }

  completes(choice: number): void {
    this.completing = false
    if (choice === 0) {
      this.content.cached = true
      return this.machine.happened({ e: 'completed' })
    }
    if (choice !== 3)
      for (const i of [...this.content.have].slice(0, 2)) {
        this.content.have.delete(i)
        this.content.lost[i]!++
      }
    const again = ([null, 'foreign', 'damaged', 'unchecked'] as const)[choice] ?? null
    this.machine.happened({ e: 'completionFailed', error: error('DIGEST_MISMATCH'), again, nowMs: this.nowMs })
  }

  close(): void {
    this.open = false
    this.machine.happened({ e: 'closed' })
  }

  #perform(effect: TransferEffect): void {
    const members = [...this.members.keys()]
    switch (effect.do) {
      case 'look':
        this.lookDue = true
        return
      case 'askPeers':
        this.askingPeers = this.machine.state.role === 'follower'
        return
      case 'stopPeers':
        this.askingPeers = false
        return
      case 'enterLine':
        this.ticket = this.#model.slots.enter('foreground', () => this.machine.happened({ e: 'slotGranted' }))
        return
      case 'leaveLine':
        this.ticket?.leave()
        this.ticket = null
        return
      case 'startOrigin':
        this.#model.check(this.lane === 'none', 'one download from the origin runs at a time')
        this.lane = 'running'
        return this.#nextFromOrigin()
      case 'holdOrigin':
        this.lane = 'held'
        return
      case 'goOnOrigin':
        this.lane = 'running'
        if (this.piece === null) this.#nextFromOrigin()
        return
      case 'stopOrigin':
        this.#losePiece()
        this.lane = 'none'
        return
      case 'askNextCoordinator':
        return this.machine.happened({
          e: 'nextCoordinatorAsked',
          accepted: this.#model.hasNextCoordinator,
          otherwise: effect.otherwise satisfies ReasonCode,
          nowMs: this.nowMs
        })
      case 'complete':
        this.#model.check(!this.completing, 'it is completed once at a time')
        this.completing = true
        return
      case 'hold':
        for (const m of members) m.machine.happened({ e: 'transferDone', outcome })
        return
      case 'fail':
        this.#model.ended(this)
        for (const m of members) m.machine.happened({ e: 'transferFailed', error: effect.error })
        return
      case 'abandon':
        return this.#model.ended(this)
      case 'tellChanged':
        for (const m of members) m.tell()
        return
      default:
        return
    }
  }

  #nextFromOrigin(): void {
    const next = [0, 1, 2].find((i) => !this.content.have.has(i))
    if (next === undefined) {
      this.lane = 'none'
      return this.machine.happened({ e: 'originIdle' })
    }
    this.piece = next
    this.content.asked[next]!++
  }

  #losePiece(): void {
    if (this.piece !== null) this.content.lost[this.piece]!++
    this.piece = null
  }
}

/** Requests and transfers of one agent, without any world around them: what is awaited comes when the test says so. */
export class TransferModel {
  readonly machines: Machines
  readonly clock = new ModelClock()
  readonly contents = [new ModelContent(), new ModelContent()]
  readonly requests: ModelRequest[] = []
  readonly slots = new OriginSlots(1, this.clock)
  readonly teller = new Teller<ModelRequest>(this.clock, (request) => {
    request.lastTold = request.told
  })
  readonly transfers: ModelTransfer[] = []
  allPaused = false
  stopping = false
  hasNextCoordinator = false
  readonly faults: string[] = []
  /** Contents whose partial is being opened, and who waits for that. */
  readonly starting = new Map<ModelContent, Set<ModelRequest>>()

  constructor(using: Machines = machines) {
    this.machines = using
  }

  check(holds: boolean, what: string): void {
    if (!holds) this.faults.push(what)
  }

  live(content: ModelContent): ModelTransfer | undefined {
    return this.transfers.find((t) => t.open && t.content === content)
  }

  add(content: ModelContent, kind: 'shared' | DirectTarget, delivers: boolean): void {
    const request = new ModelRequest(this, content, kind, delivers)
    this.requests.push(request)
    request.machine.happened({ e: 'started' })
  }

  join(request: ModelRequest): void {
    const live = this.live(request.content)
    if (live?.machine.state.phase === 'holding') live.close()
    else if (live) return live.attach(request)
    const waiting = this.starting.get(request.content)
    if (waiting) waiting.add(request)
    else this.starting.set(request.content, new Set([request]))
  }

  leaveStarting(request: ModelRequest): void {
    this.starting.get(request.content)?.delete(request)
  }

  /** The partial is open, or could not be. */
  started(content: ModelContent, fails: boolean): void {
    const waiting = this.starting.get(content)!
    this.starting.delete(content)
    if (fails)
      return waiting.forEach((r) => r.machine.happened({ e: 'transferFailed', error: error('CACHE_UNUSABLE') }))
    if (waiting.size === 0) return
    const transfer = new ModelTransfer(this, content)
    this.transfers.push(transfer)
    for (const request of waiting) transfer.attach(request)
  }

  ended(transfer: ModelTransfer): void {
    transfer.close()
  }

  pause(request: ModelRequest): void {
    const { phase } = request.machine.state
    if (!['delivering', 'ended'].includes(phase.at) && request.stopped === null) request.wantedPaused = true
    request.machine.happened({ e: 'paused' })
  }

  resume(request: ModelRequest): void {
    if (request.stopped === null) request.wantedPaused = false
    request.machine.happened({ e: 'resumed' })
  }

  isPaused(transfer: ModelTransfer): boolean {
    return isPaused(transfer.machine.state)
  }
}
