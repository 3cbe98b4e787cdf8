import { EventEmitter } from 'node:events'
import type { CachedContent, PartialContent, StoredVersion } from '../cache/cache.ts'
import type { Claim, Decision } from '../claims/claims.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { SwarmMessage } from '../contract/peer-messages.ts'
import type { ContentKind, ReasonCode, SourceSplit, WaitingFor } from '../contract/request.ts'
import type { TransferView } from '../contract/snapshot.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Timer } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { ServedContent } from '../peers/network.ts'
import { pieceLength, type PiecePlan } from '../pieces/plan.ts'
import { Arrivals } from './arrivals.ts'
import { Blame } from './blame.ts'
import { firstGap } from './choose-run.ts'
import type { HotPieces } from './hot-pieces.ts'
import { InFlight } from './in-flight.ts'
import { Intake } from './intake.ts'
import { Interests, type Interest } from './interests.ts'
import type { Job, TransferWorld } from './job.ts'
import { Mastership } from './mastership.ts'
import { OriginLane, type OriginSource } from './origin-lane.ts'
import { Patience } from './patience.ts'
import { PeerLanes } from './peer-lanes.ts'
import { Swarm } from './swarm.ts'
import type { PieceSupply } from './supply.ts'
import { TransferNews } from './transfer-news.ts'
import { whyOrigin } from './why-origin.ts'

/** A new master waits so long for the piece maps of its neighbours before it asks the origin for anything. */
const MAPS_WAIT_MS = 300
const TICK_MS = 500
const PROGRESS_EVERY_MS = 1000

export interface TransferInit extends OriginSource {
  readonly key: ContentKey
  readonly plan: PiecePlan
  /** Digest of the whole, when one is known beforehand. */
  readonly expected: Sha256Hex | null
  readonly stored: StoredVersion
  readonly kind: ContentKind
}

interface TransferEvents {
  changed: []
  /** All bytes are here and right; the transfer goes on as a holder. */
  done: [CachedContent]
  failed: [LarderError]
}

/**
 * The running job for one content on this agent.
 *
 *     electing ──► active ──► finishing ──► holding
 *        │         ▲    │          │
 *        └► paused ┘    └──────────┴──► failed
 *
 * While active it takes pieces from neighbours; as elected master, or after a fallback, also from the origin.
 */
export class Transfer extends EventEmitter<TransferEvents> implements PieceSupply {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly startedWallMs: number
  readonly #init: TransferInit
  readonly #world: TransferWorld
  readonly #partial: PartialContent
  readonly #swarm: Swarm
  readonly #inFlight: InFlight
  readonly #intake: Intake
  readonly #peerLanes: PeerLanes
  readonly #originLane: OriginLane
  readonly #claim: Claim
  readonly #mastership: Mastership
  readonly #patience: Patience
  readonly #blame: Blame
  readonly #news: TransferNews
  readonly #interests = new Interests()
  readonly #timers: Timer[] = []

  #state: TransferView['state'] = 'electing'
  /** Why it downloads from the origin although it is not master; null: it does not. */
  #direct: ReasonCode | null = null
  #mapsDueMs = 0
  /** The first coordinator was of no use and another was asked. */
  #appealed = false
  #pumpDue = false
  #started = false
  #closed = false
  #content: CachedContent | null = null
  #originError: LarderError | null = null

  constructor(init: TransferInit, partial: PartialContent, world: TransferWorld) {
    super()
    this.key = init.key
    this.plan = init.plan
    this.#init = init
    this.#partial = partial
    this.#world = world
    this.startedWallMs = world.clock.wallMs()
    this.#patience = new Patience(world.clock)
    const arrivals = new Arrivals(world.clock, () => this.#changed())
    this.#intake = new Intake(init.plan, partial.have, arrivals)
    this.#news = new TransferNews(init.key, init.stored.url, world)
    const job: Job = {
      key: init.key,
      plan: init.plan,
      partial,
      arrivals,
      priority: () => (this.#swarm.neighbours.anyWaits ? 'foreground' : this.#interests.priority),
      ownPriority: () => this.#interests.priority,
      world
    }
    this.#claim = world.claims.open({
      key: init.key,
      pieceCount: init.plan.count,
      pieces: partial.have.count,
      weight: world.weight(),
      eligible: true
    })
    this.#mastership = new Mastership(job, this.#claim, this.#news)
    this.#inFlight = new InFlight(partial.have, new Bitmap(init.plan.count))
    this.#swarm = new Swarm(job)
    this.#blame = new Blame(job, this.#swarm, this.#news, {
      master: () => this.master,
      report: (problem) => this.#claim.report(problem),
      convicted: () => this.#pump()
    })
    this.#peerLanes = new PeerLanes(job, this.#swarm, this.#inFlight, {
      master: () => this.master,
      checkRecord: ({ record }) => this.#mastership.check(record),
      arrived: (index, bytes) => this.#arrived(index, bytes, 'peer'),
      convict: (from, why) => this.#blame.convict(from, why),
      failed: (from, problem) => this.#blame.report(from, problem),
      broken: (error) => this.#fail(error),
      idle: () => this.#pumpSoon()
    })
    this.#originLane = new OriginLane(job, init, this.#inFlight, {
      nextGap: () => this.#nextGap(),
      sign: (index, digest) => this.#mastership.sign(index, digest, this.#direct === null ? 'master' : 'direct'),
      received: () => this.#patience.noteProgress(),
      arrived: (index, bytes) => this.#arrived(index, bytes, 'origin'),
      idle: () => this.#pump(),
      failed: (error) => this.#originFailed(error)
    })
    this.#claim.on('decision', (decision) => this.#decided(decision))
    this.#swarm.on('offered', () => this.#pumpSoon())
    this.#swarm.on('progress', (from, bytes) => {
      if (this.#mastership.hasProgressed(from, bytes)) this.#patience.noteProgress()
    })
    this.#timers.push(
      world.clock.every(TICK_MS, () => this.#tick()),
      world.clock.every(PROGRESS_EVERY_MS, () => this.#tellProgress())
    )
  }

  /** To be called after listeners are attached; harmless to repeat. */
  start(): void {
    if (this.#started) return
    this.#started = true
    if (this.#partial.have.complete) void this.#finish()
    else if (this.#claim.decision.role !== 'undecided') this.#decided(this.#claim.decision)
  }

  get state(): TransferView['state'] {
    return this.#state
  }

  /** The finished content, once there is one. */
  get content(): CachedContent | null {
    return this.#content
  }

  has(index: number): boolean {
    return this.#partial.have.has(index)
  }

  async read(index: number): Promise<{ bytes: Buffer; digest: Buffer }> {
    const record = this.#partial.record(index)
    const bytes = await this.#partial.read(index)
    return { bytes, digest: record?.digest ?? Buffer.alloc(32) }
  }

  get role(): TransferView['role'] {
    if (this.#state === 'holding') return 'none'
    if (this.#direct !== null) return 'direct'
    return this.#mastership.role
  }

  get master(): PeerId | null {
    return this.#mastership.master
  }

  get epoch(): number {
    return this.#mastership.epoch
  }

  get haveBytes(): number {
    return this.#intake.haveBytes
  }

  /** Received and not verified yet. */
  get arrivingBytes(): number {
    return this.#intake.arrivingBytes
  }

  get split(): Readonly<SourceSplit> {
    return this.#intake.split
  }

  get rateBytesPerSecond(): number {
    return this.#state === 'active' || this.#state === 'finishing' ? this.#intake.bytesPerSecond : 0
  }

  /** Null when bytes move, and when it has ended. */
  get waitingFor(): WaitingFor | null {
    if (this.#state === 'paused') return { what: 'resume', ahead: null }
    if (this.#state === 'electing') return { what: 'election', ahead: null }
    if (this.#state !== 'active') return null
    const { ahead } = this.#originLane
    if (ahead !== null) return { what: 'slot', ahead }
    const isFetching = this.#originLane.active || this.#peerLanes.active > 0
    return isFetching && this.#intake.hasReceived ? null : { what: 'pieces', ahead: null }
  }

  get interested(): number {
    return this.#interests.count
  }

  attach(interest: Interest): void {
    this.#interests.add(interest)
    this.#swarm.tellWhetherWaiting()
    if (this.#direct !== null) interest.noteReason(this.#direct)
    else if (this.role === 'master') interest.noteReason(whyOrigin(this.#world.network))
  }

  detach(interest: Interest): void {
    this.#interests.delete(interest)
    this.#swarm.tellWhetherWaiting()
  }

  pause(): void {
    if (this.#closed || this.#state === 'holding' || this.#state === 'paused') return
    this.#state = 'paused'
    this.#peerLanes.stop()
    this.#originLane.stop('paused')
    this.#claim.update({ eligible: false })
    if (this.#claim.decision.role === 'master') this.#claim.resign('paused')
    this.#changed()
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = this.#claim.decision.role === 'undecided' ? 'electing' : 'active'
    this.#patience.begin()
    this.#claim.update({ eligible: true })
    this.#changed()
    this.#pump()
  }

  /** While it does not serve, this agent offers nothing of the content and leaves the office of master to others. */
  setServing(serving: boolean): void {
    if (this.#closed) return
    this.#swarm.mute(!serving)
    this.#claim.update({ eligible: serving && this.#state !== 'paused' && this.#world.weight() > 0 })
    if (!serving && this.#claim.decision.role === 'master' && this.#swarm.neighbours.size > 0)
      this.#claim.resign('paused')
  }

  /** A letter per piece, as `PieceLetters` of the contract. */
  get pieces(): string {
    return this.#intake.letters(this.#inFlight)
  }

  handle(from: PeerId, message: SwarmMessage): void {
    this.#swarm.handle(from, message)
  }

  memberLost(id: PeerId): void {
    this.#swarm.forget(id)
    if (id === this.master && this.#state !== 'holding') {
      this.#news.masterLost(id, this.epoch)
      // The wait for this one is over; its successor gets as long.
      this.#patience.begin()
    }
    this.#pump()
  }

  /** This agent may serve what it has so far. */
  served(hot: HotPieces, served: (peer: PeerId, bytes: number) => void): ServedContent {
    const partial = this.#partial
    return {
      plan: this.plan,
      has: (i) => partial.have.has(i),
      record: (i) => partial.record(i)!,
      read: (i) => hot.get(partial.record(i)!.digest, pieceLength(this.plan, i), (into) => partial.read(i, into)),
      served,
      close: () => {}
    }
  }

  view(): TransferView {
    return {
      key: this.key,
      url: this.#init.stored.url,
      lengthBytes: this.plan.lengthBytes,
      haveBytes: this.haveBytes,
      arrivingBytes: this.arrivingBytes,
      pieceCount: this.plan.count,
      havePieces: this.#partial.have.count,
      state: this.#state,
      role: this.role,
      master: this.master,
      epoch: this.epoch,
      split: { ...this.split },
      peers: [...this.#swarm.neighbours.all()]
        .filter((n) => n.receivedPieces > 0)
        .map((n) => ({
          peer: n.id,
          name: this.#world.network.nameOf(n.id),
          bytes: n.receivedBytes,
          pieces: n.receivedPieces
        })),
      rateBytesPerSecond: this.rateBytesPerSecond,
      requests: this.interested
    }
  }

  /** Ends the job; verified pieces stay on disk. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const t of this.#timers) t.cancel()
    this.#peerLanes.stop()
    this.#originLane.stop('leaving')
    this.#swarm.close()
    this.#claim.close()
    if (this.#state !== 'holding') await this.#partial.close()
    this.removeAllListeners()
  }

  #decided(decision: Decision): void {
    if (this.#closed || this.#state === 'holding' || this.#state === 'failed') return
    // Whether this agent is still master is being asked; until then nothing more crosses the WAN.
    if (decision.role === 'undecided') return this.#direct === null ? this.#originLane.hold() : undefined
    const cameIntoOffice = this.#mastership.note(decision)
    for (const holder of decision.holders) this.#swarm.join(holder.id)
    if (decision.role === 'master') this.#originLane.goOn()
    if (decision.role === 'follower') {
      if (decision.master !== null) this.#swarm.join(decision.master)
      if (this.#direct === null) this.#originLane.stop('leaving')
      // Nobody may or can be master: no use in waiting. Who may be one itself knows better, and soon the coordinator does.
      const leaderless = decision.master === null && !decision.holders.some((h) => h.complete)
      const mayBeMaster = this.#originError === null && this.#world.weight() > 0
      if (leaderless && !mayBeMaster && this.#state !== 'paused')
        this.#fallBack(this.#originError === null ? 'no-peers' : 'origin-error')
    }
    if (this.#state === 'electing') {
      this.#state = 'active'
      this.#patience.begin()
    }
    if (cameIntoOffice) {
      this.#mapsDueMs = this.#world.clock.monotonicMs() + MAPS_WAIT_MS
      this.#world.clock.after(MAPS_WAIT_MS + 1, () => this.#pump())
      this.#interests.noteReason(whyOrigin(this.#world.network))
    }
    this.#changed()
    this.#pump()
  }

  /** Once for everything that happens in this turn of the event loop. */
  #pumpSoon(): void {
    if (this.#pumpDue) return
    this.#pumpDue = true
    setImmediate(() => {
      this.#pumpDue = false
      this.#pump()
    })
  }

  /** Starts whatever can run now; called after everything that may have made something possible. */
  #pump(): void {
    if (this.#closed || this.#state !== 'active') return
    if (this.#partial.have.complete) return void this.#finish()
    if (!this.#blame.isOpen) this.#peerLanes.fill()
    const mayAskOrigin = this.#direct !== null || this.role === 'master'
    if (!mayAskOrigin || this.#originLane.active) return
    if (this.#direct === null && this.#swarm.unanswered > 0 && this.#world.clock.monotonicMs() < this.#mapsDueMs) return
    if (this.#nextGap() !== null) this.#originLane.start()
  }

  #nextGap() {
    return firstGap(this.#inFlight.wanted, this.#direct === null ? this.#swarm.neighbours.holders : null)
  }

  #originFailed(error: LarderError): void {
    if (this.#closed) return
    this.#originError = error
    const disk = hasCode(error, 'DISK_FULL', 'CACHE_UNUSABLE')
    if (this.#direct === null && this.#claim.decision.role === 'master') {
      this.#claim.update({ eligible: false })
      this.#claim.resign(disk ? 'disk-full' : 'origin-error')
    }
    // Another one may still reach the origin or hold the rest; alone there is nobody to wait for.
    const hopeless =
      disk || error.code === 'ORIGIN_CHANGED' || this.#direct !== null || this.#swarm.neighbours.size === 0
    if (hopeless) this.#fail(error)
    else this.#interests.noteReason('origin-error')
  }

  #arrived(index: number, bytes: number, from: 'origin' | 'peer'): void {
    if (!this.#inFlight.arrived(index)) return
    this.#patience.notePiece()
    this.#intake.arrived(index, bytes, from)
    const record = this.#partial.record(index)
    if (record && from === 'origin') this.#blame.judge(index, record)
    else if (record) {
      const credential = this.#swarm.credential(record.signer)
      if (credential) this.#partial.addCredential(credential, record.signer)
    }
    this.#swarm.announce(index, from === 'origin')
    this.#claim.update({ pieces: this.#partial.have.count, bytes: this.haveBytes })
    this.#changed()
    this.#pumpSoon()
  }

  async #finish(): Promise<void> {
    if (this.#state === 'finishing' || this.#state === 'holding') return
    this.#state = 'finishing'
    this.#peerLanes.stop()
    this.#changed()
    try {
      const content = await this.#partial.complete(this.#init.expected, this.#init.stored, this.#init.kind)
      this.#content = content
      this.#state = 'holding'
      for (const t of this.#timers) t.cancel()
      this.#claim.update({ pieces: this.plan.count, bytes: this.plan.lengthBytes, complete: true })
      this.#changed()
      this.emit('done', content)
    } catch (error) {
      if (hasCode(error, 'DIGEST_MISMATCH') && (await this.#dropForeignPieces())) return
      if (hasCode(error, 'CACHE_DAMAGED') && this.#fetchDamagedAgain()) return
      this.#fail(LarderError.from(error, 'CACHE_UNUSABLE'))
    }
  }

  /** The whole is wrong although each piece matched its record: somebody signed wrong records. All that others signed goes. */
  async #dropForeignPieces(): Promise<boolean> {
    const foreign = [...this.#partial.have].filter((i) => this.#partial.record(i)!.signer !== this.#world.network.self)
    if (foreign.length === 0) return false
    for (const i of foreign) {
      this.#blame.suspect(i, this.#partial.record(i)!)
      this.#intake.dropped(i)
      this.#inFlight.lost(i)
    }
    await this.#partial.drop(foreign)
    this.#swarm.announceLoss()
    this.#state = 'active'
    this.#fallBack('peer-corrupt')
    return true
  }

  /** Pieces rotted on the disk between their check and the end; the partial has forgotten them. */
  #fetchDamagedAgain(): boolean {
    if (this.#closed || this.#partial.have.complete) return false
    this.#intake.recount()
    for (let i = 0; i < this.plan.count; i++) if (!this.#partial.have.has(i)) this.#inFlight.lost(i)
    this.#state = 'active'
    this.#swarm.announceLoss()
    this.#changed()
    this.#pump()
    return true
  }

  #tick(): void {
    if (this.#closed || (this.#state !== 'active' && this.#state !== 'electing')) return
    this.#pump()
    if (this.#direct !== null || this.role === 'master') return
    // Told that others have it all, but nobody of use is left: said again until the coordinator acts on it.
    if (this.role === 'follower' && this.master === null && this.#swarm.unanswered === 0)
      this.#blame.report(null, 'unreachable')
    const sources = [...this.#swarm.neighbours.all()].filter((n) => n.offered !== null && n.offered.count > 0)
    const reason = this.#patience.verdict(
      {
        deadlineMs: this.#interests.deadlineMs,
        remainingMs: this.#intake.remainingMs,
        sources: sources.length,
        allBusy: sources.length > 0 && sources.every((n) => n.busy),
        masterKnown: this.master !== null && this.#world.network.peer(this.master) !== undefined
      },
      this.#world.settings.transfers
    )
    if (reason === null || this.#appeals(reason)) return
    this.#fallBack(this.#originError !== null ? 'origin-error' : reason)
  }

  /**
   * Before everybody goes to the origin by itself, the next coordinator is asked, once: the first may be what is wrong, and
   * then one download still does for all. @returns true when the waiting begins anew
   */
  #appeals(reason: ReasonCode): boolean {
    if (
      this.#appealed ||
      this.#originError !== null ||
      reason === 'timeout' ||
      reason === 'busy' ||
      !this.#claim.appeal()
    )
      return false
    this.#appealed = true
    this.#patience.begin()
    this.#changed()
    return true
  }

  #fallBack(reason: ReasonCode): void {
    if (this.#direct !== null) return this.#pump()
    this.#direct = reason
    this.#originLane.goOn()
    if (this.#state === 'electing') this.#state = 'active'
    this.#interests.noteReason(reason)
    this.#news.fellBack(reason, this.haveBytes)
    this.#changed()
    this.#pump()
  }

  #tellProgress(): void {
    if (!this.#originLane.active) return
    const { receivedBytes } = this.#originLane
    this.#swarm.announceProgress(receivedBytes)
    this.#claim.update({ bytes: Math.max(this.haveBytes, Math.min(receivedBytes, this.plan.lengthBytes)) })
  }

  #fail(error: LarderError): void {
    if (this.#closed || this.#state === 'failed') return
    this.#state = 'failed'
    this.#peerLanes.stop()
    this.#originLane.stop('leaving')
    this.#changed()
    this.emit('failed', error)
  }

  #changed(): void {
    this.emit('changed')
    this.#world.changed()
  }
}
