import { EventEmitter } from 'node:events'
import type { CachedContent, GrowingCopy, PartialContent, StoredVersion } from '../cache/cache.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Credential, SwarmMessage } from '../contract/peer-messages.ts'
import type { VerifiedBy } from '../contract/provenance.ts'
import type { SourceSplit, WaitingFor } from '../contract/request.ts'
import type { TransferView } from '../contract/snapshot.ts'
import type { Timer } from '../lib/clock.ts'
import type { LarderError } from '../lib/errors.ts'
import { MachineRun } from '../lib/machine-run.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { ServedContent } from '../peers/network.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { WholeInit } from './assembly.ts'
import type { HotPieces } from './hot-pieces.ts'
import type { Interest } from './interests.ts'
import type { TransferWorld } from './job.ts'
import type { OriginSource } from './origin-lane.ts'
import type { JoinedTransfer } from './supply.ts'
import type { TransferEffect, TransferEvent, TransferState } from './transfer-events.ts'
import { step } from './transfer-machine.ts'
import { newTransfer, toldTransferState, transferWaits } from './transfer-state.ts'
import { viewOf } from './transfer-view.ts'
import { whyOrigin } from './why-origin.ts'
import { openParts, sight, tellProgress, tickFacts, type TransferParts } from './transfer-parts.ts'
import type { Proof } from './verify/trust.ts'

const TICK_MS = 500
const PROGRESS_EVERY_MS = 1000
const USELESS_AFTER: readonly ErrorCode[] = ['ORIGIN_CHANGED', 'DIGEST_MISMATCH']

export interface TransferInit extends OriginSource, WholeInit {
  readonly key: ContentKey
  readonly plan: PiecePlan
}

/**
 * The running job for one content on this agent. What it does next is decided in `transfer-machine.ts`; here it is done, and what
 * comes of it goes back there as an event.
 */
export class Transfer
  extends EventEmitter<{
    changed: []
    /** All bytes are here and right; the transfer goes on as a holder. */
    done: [CachedContent]
    failed: [LarderError]
  }>
  implements JoinedTransfer
{
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly #init: TransferInit
  readonly #world: TransferWorld
  readonly #partial: PartialContent
  readonly #abandoned: () => void
  readonly #parts: TransferParts
  readonly #machine: MachineRun<TransferState, TransferEvent, TransferEffect>
  readonly #timers: Timer[] = []
  readonly #interests = new Map<Interest, number>()
  #interestIds = 0
  #lookDue = false
  #toldWaits: WaitingFor['what'] | undefined
  #closed = false
  /** The bytes that are here fit nothing: of a version that is no more, or not those they should be. */
  #useless = false
  #content: CachedContent | null = null

  /** @param abandoned nobody waits for it any more */
  constructor(init: TransferInit, partial: PartialContent, world: TransferWorld, abandoned: () => void) {
    super()
    // As many as read it while it comes in.
    this.setMaxListeners(0)
    this.key = init.key
    this.plan = init.plan
    this.#init = init
    this.#partial = partial
    this.#world = world
    this.#abandoned = abandoned
    const first = newTransfer(world.clock.monotonicMs(), world.site?.concerns(init.plan.lengthBytes) ?? false)
    this.#machine = new MachineRun(first, step, (effect) => this.#perform(effect))
    this.#parts = openParts(init, partial, world, {
      state: () => this.#machine.state,
      happened: (event) => this.#happened(event),
      look: () => this.#lookSoon(),
      moved: () => this.#changed()
    })
    this.#timers.push(
      world.clock.every(TICK_MS, () => this.#tick()),
      world.clock.every(PROGRESS_EVERY_MS, () => tellProgress(this.#parts, this.plan))
    )
  }

  /** What the origin said about the version. */
  get stored(): StoredVersion {
    return this.#init.stored
  }

  /** The finished content, once there is one. */
  get content(): CachedContent | null {
    return this.#content
  }

  /** The version it downloads. */
  get version(): OriginVersion {
    return this.#init.version
  }

  /** What somebody signed for a piece that is here. */
  signed(index: number): Pick<Proof, 'record' | 'credential'> | undefined {
    const record = this.#partial.record(index)
    if (!record) return undefined
    const credential = this.#parts.swarm.credential(record.signer) ?? this.#partial.credentials.get(record.signer)
    return { record, credential: credential ?? null }
  }

  /** By what it was verified; null: it is not complete yet. */
  get verifiedBy(): VerifiedBy | null {
    return this.#parts.assembly.verifiedBy
  }

  /** Content bytes asked of the origin only to compare what peers gave. */
  get sampledBytes(): number {
    return this.#parts.check.sampledBytes
  }

  get role(): TransferView['role'] {
    if (this.#machine.state.phase === 'holding') return 'none'
    return this.#machine.state.direct === null ? this.#machine.state.role : 'direct'
  }

  get master(): PeerId | null {
    return this.#parts.mastership.master
  }

  get haveBytes(): number {
    return this.#parts.assembly.received.haveBytes
  }

  /** Received and not verified yet. */
  get arrivingBytes(): number {
    return this.#parts.assembly.received.arrivingBytes
  }

  get split(): Readonly<SourceSplit> {
    return this.#parts.assembly.received.split
  }

  get rateBytesPerSecond(): number {
    return ['active', 'finishing'].includes(this.state) ? this.#parts.assembly.received.bytesPerSecond : 0
  }

  get waitingFor(): WaitingFor | null {
    return transferWaits(this.#machine.state, {
      ahead: this.#parts.originTurn.ahead,
      asking: this.#parts.peerLanes.active,
      received: this.#parts.assembly.received.hasReceived
    })
  }

  get state(): TransferView['state'] {
    return toldTransferState(this.#machine.state, this.waitingFor)
  }

  /** A letter per piece, as `PieceLetters` of the contract. */
  get pieces(): string {
    return this.#parts.assembly.received.letters(this.#parts.assembly.inFlight)
  }

  has(index: number): boolean {
    return this.#parts.assembly.has(index)
  }

  read(index: number): Promise<{ bytes: Buffer; digest: Buffer }> {
    return this.#parts.assembly.read(index)
  }

  copyTo(destination: string, options: { overwrite: boolean }): Promise<GrowingCopy | undefined> {
    return this.#partial.copyTo(destination, options)
  }

  served(hot: HotPieces, served: (peer: PeerId, bytes: number) => void): ServedContent {
    return this.#parts.assembly.served(hot, served)
  }

  attach(interest: Interest): void {
    const id = this.#interestIds++
    this.#interests.set(interest, id)
    interest.joined(this)
    const { priority, paused, deadlineMs } = interest
    this.#happened({ e: 'interestJoined', id, interest: { priority, paused, deadlineMs }, nowMs: this.#nowMs })
    if (this.#machine.state.direct !== null) interest.noteReason(this.#machine.state.direct)
    else if (this.role === 'master') interest.noteReason(this.#whyOrigin)
    this.#urgencyChanged()
  }

  detach(interest: Interest): void {
    const id = this.#interests.get(interest)
    if (id === undefined) return
    this.#interests.delete(interest)
    this.#happened({ e: 'interestLeft', id, nowMs: this.#nowMs })
    this.#urgencyChanged()
  }

  /** It was paused or resumed. */
  interestChanged(interest: Interest): void {
    const id = this.#interests.get(interest)
    if (id === undefined) return
    this.#happened({ e: 'interestPaused', id, paused: interest.paused, nowMs: this.#nowMs })
    this.#urgencyChanged()
  }

  /** While it does not serve, this agent offers nothing of the content and leaves the mastership to others. */
  setServing(serving: boolean): void {
    if (this.#closed) return
    this.#parts.swarm.mute(!serving)
    const mayLead = this.#world.weight() > 0
    this.#happened({ e: 'servingChanged', serving, mayLead, neighbours: this.#parts.swarm.neighbours.size })
  }

  /** Credentials of those who signed what is here. */
  signers(): Credential[] {
    return this.#parts.swarm.signers()
  }

  handle(from: PeerId, message: SwarmMessage): void {
    this.#parts.swarm.handle(from, message)
  }

  memberLost(id: PeerId): void {
    this.#parts.swarm.forget(id)
    this.#parts.site?.memberLost(id)
    this.#happened({ e: 'memberLost', wasMaster: id === this.master, nowMs: this.#nowMs })
  }

  view(): TransferView {
    return viewOf(this, this.#parts, {
      url: this.#init.stored.url,
      havePieces: this.#partial.have.count,
      requests: this.#interests.size,
      nameOf: (id) => this.#world.network.nameOf(id)
    })
  }

  /** Ends the job; verified pieces stay on disk. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const held = this.#machine.state.phase === 'holding'
    this.#happened({ e: 'closed' })
    for (const t of this.#timers) t.cancel()
    this.#parts.check.close()
    this.#parts.swarm.close()
    this.#parts.claim.close()
    this.#parts.site?.close()
    if (this.#useless) await this.#partial.discard()
    else if (!held) await this.#partial.close()
    this.removeAllListeners()
  }

  get #whyOrigin() {
    return whyOrigin(this.#world.network, this.#parts.swarm.leftOut.length > 0)
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs()
  }

  #tick(): void {
    this.#parts.originTurn.prioritise()
    this.#happened({ e: 'ticked', ...tickFacts(this.#parts, this.#world) })
  }

  #happened(event: TransferEvent): void {
    this.#machine.happened(event)
  }

  #perform(effect: TransferEffect): void {
    switch (effect.do) {
      case 'look':
        return this.#lookSoon()
      case 'askPeers':
        return this.#parts.peerLanes.fill()
      case 'stopPeers':
        return this.#parts.peerLanes.stop()
      case 'enterLine':
      case 'leaveLine':
      case 'startOrigin':
      case 'holdOrigin':
      case 'goOnOrigin':
      case 'stopOrigin':
        return this.#parts.originTurn.perform(effect)
      case 'lookWhenMapsAreDue':
        return void this.#world.clock.after(effect.inMs + 1, () => this.#lookSoon())
      case 'beEligible':
        this.#parts.site?.update({ eligible: effect.eligible })
        return this.#parts.claim.update({ eligible: effect.eligible })
      case 'resign':
        this.#parts.site?.notLed()
        if (effect.brokeOff) this.#parts.swarm.announceBrokeOff(this.#parts.originLane.receivedBytes)
        return this.#parts.claim.resign(effect.why, { brokeOff: effect.brokeOff === true })
      case 'askNextCoordinator': {
        const accepted = this.#parts.claim.askNextCoordinator()
        return this.#happened({ e: 'nextCoordinatorAsked', accepted, otherwise: effect.otherwise, nowMs: this.#nowMs })
      }
      case 'reportUseless':
        return this.#parts.faults.report(null, 'unreachable')
      case 'noteReason': {
        const code = effect.code === 'elected' ? this.#whyOrigin : effect.code
        for (const interest of this.#interests.keys()) interest.noteReason(code)
        return
      }
      case 'tellFallback':
        return this.#parts.news.fellBack(effect.code, this.haveBytes)
      case 'tellMasterLost':
        return this.master === null ? undefined : this.#parts.news.masterLost(this.master, this.#parts.mastership.epoch)
      case 'tellChanged':
        return this.#changed()
      case 'complete':
        return void this.#complete()
      case 'hold':
        for (const t of this.#timers) t.cancel()
        this.#parts.claim.update({ pieces: this.plan.count, bytes: this.plan.lengthBytes, complete: true })
        this.#parts.site?.completed()
        this.emit('done', this.#content!)
        for (const interest of [...this.#interests.keys()]) interest.transferDone(this.#content!)
        return
      case 'fail': {
        const waiting = [...this.#interests.keys()]
        this.#useless = USELESS_AFTER.includes(effect.error.code)
        if (this.#useless) this.#world.discarded?.(this.split.originBytes)
        this.emit('failed', effect.error)
        for (const interest of waiting) interest.transferFailed(effect.error)
        return
      }
      case 'abandon':
        return this.#abandoned()
    }
  }

  /** Once for everything that happens in this turn of the event loop. */
  #lookSoon(): void {
    if (this.#lookDue) return
    this.#lookDue = true
    const { soon = setImmediate } = this.#world
    soon(() => {
      this.#lookDue = false
      this.#happened(sight(this.#parts, this.#machine.state, this.#nowMs))
      // Peers that begin or cease to deliver are no event of the machine, but what it waits for changes.
      if (this.waitingFor?.what !== this.#toldWaits) this.#changed()
    })
  }

  async #complete(): Promise<void> {
    const completion = await this.#parts.assembly.complete()
    if ('content' in completion) {
      this.#content = completion.content
      return this.#happened({ e: 'completed' })
    }
    this.#happened({ e: 'completionFailed', ...completion, nowMs: this.#nowMs })
  }

  /** Neighbours and those in the line for a slot are to know. */
  #urgencyChanged(): void {
    this.#parts.swarm.tellWhetherWaiting()
    this.#parts.originTurn.prioritise()
  }

  #changed(): void {
    this.#toldWaits = this.waitingFor?.what
    this.emit('changed')
    for (const interest of [...this.#interests.keys()]) interest.transferChanged()
    this.#world.changed()
  }
}
