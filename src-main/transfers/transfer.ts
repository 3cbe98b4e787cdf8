import { EventEmitter } from 'node:events'
import type { CachedContent, PartialContent, StoredVersion } from '../cache/cache.ts'
import type { Claim, Decision } from '../claims/claims.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { MasterHistory, SwarmMessage } from '../contract/peer-messages.ts'
import { reasonTexts, type ContentKind, type Priority, type ReasonCode } from '../contract/request.ts'
import type { TransferView } from '../contract/snapshot.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Timer } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { ServedContent } from '../peers/network.ts'
import { pieceLength, type PiecePlan } from '../pieces/plan.ts'
import { createRecordVerifier, signRecord, type PieceRecord } from '../pieces/record.ts'
import { checkRecord } from './check-record.ts'
import { firstGap } from './choose-run.ts'
import { decideFallback } from './fallback.ts'
import type { HotPieces } from './hot-pieces.ts'
import { InFlight } from './in-flight.ts'
import type { Job, TransferWorld } from './job.ts'
import { OriginLane } from './origin-lane.ts'
import { PeerLanes } from './peer-lanes.ts'
import { PieceSources } from './piece-sources.ts'
import { RateMeter } from './rate-meter.ts'
import { Standstill } from './standstill.ts'
import { Swarm } from './swarm.ts'
import type { PieceSupply } from './supply.ts'

/** A new master waits so long for the piece maps of its neighbours before it asks the origin for anything. */
const MAPS_WAIT_MS = 300
const TICK_MS = 500
const PROGRESS_EVERY_MS = 1000

/** What a request contributes to the transfer it waits for. */
export interface Interest {
  readonly priority: Priority
  /** Monotonic ms. */
  readonly deadlineMs: number
  /** The transfer took bytes from where the request did not expect it. */
  noteReason(code: ReasonCode): void
}

export interface TransferInit {
  readonly key: ContentKey
  readonly plan: PiecePlan
  readonly version: OriginVersion
  /** Digest of the whole, when one is known beforehand. */
  readonly expected: Sha256Hex | null
  readonly stored: StoredVersion
  readonly kind: ContentKind
  /** Header fields for the origin; none that could carry a secret. */
  readonly headers: Record<string, string> | undefined
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
  readonly #sources: PieceSources
  readonly #peerLanes: PeerLanes
  readonly #originLane: OriginLane
  readonly #claim: Claim
  readonly #rate: RateMeter
  readonly #standstill: Standstill
  readonly #interests = new Set<Interest>()
  readonly #timers: Timer[] = []
  readonly #split = { originBytes: 0, peerBytes: 0, cacheBytes: 0 }
  /** Pieces of convicted signers, kept to name the guilty one when the origin's word is known. */
  readonly #suspects = new Map<number, PieceRecord>()

  #state: TransferView['state'] = 'electing'
  #direct: ReasonCode | null = null
  #masters: MasterHistory = []
  #originRun: AbortController | null = null
  #originReceived = 0
  #masterBytes = 0
  #haveBytes = 0
  #activeSinceMs: number
  #progressAtMs: number | null = null
  #pieceAtMs: number | null = null
  #mapsDueMs = 0
  #epochSigned = 0
  #notedMaster: PeerId | null = null
  #notedEpoch = 0
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
    this.#activeSinceMs = world.clock.monotonicMs()
    this.#standstill = new Standstill(TICK_MS, this.#activeSinceMs)
    this.#rate = new RateMeter(world.clock)
    for (const i of partial.have) this.#haveBytes += pieceLength(init.plan, i)
    this.#split.cacheBytes = this.#haveBytes

    const records = createRecordVerifier()
    const job: Job = { key: init.key, plan: init.plan, partial, priority: () => this.#priority, world }
    this.#inFlight = new InFlight(partial.have, new Bitmap(init.plan.count))
    this.#sources = new PieceSources(init.plan.count)
    this.#swarm = new Swarm(job)
    this.#peerLanes = new PeerLanes(job, this.#swarm, this.#inFlight, {
      master: () => this.master,
      checkRecord: ({ record }) =>
        checkRecord(record, { masters: this.#masters, memberKey: (id) => world.network.memberKey(id), verify: (r, spki) => records.verify(init.key, r, spki) }),
      arrived: (index, bytes, from) => this.#arrived(index, bytes, 'peerBytes', from.id),
      convict: (from, why) => this.#convict(from, why),
      failed: (from, problem) => this.#report(from, problem),
      broken: (error) => this.#fail(error),
      idle: () => this.#pumpSoon()
    })
    this.#originLane = new OriginLane(job, this.#inFlight, {
      nextGap: () => this.#nextGap(),
      sign: (index, digest) => this.#sign(index, digest),
      received: (bytes) => this.#receivedFromOrigin(bytes),
      arrived: (index, bytes) => this.#arrived(index, bytes, 'originBytes', null)
    })
    this.#claim = world.claims.open({ key: init.key, pieceCount: init.plan.count, pieces: partial.have.count, weight: world.weight(), eligible: true })
    this.#claim.on('decision', (decision) => this.#decided(decision))
    this.#swarm.on('offered', () => this.#pumpSoon())
    this.#swarm.on('progress', (from, bytes) => {
      if (from !== this.master || bytes <= this.#masterBytes) return
      this.#masterBytes = bytes
      this.#progressAtMs = world.clock.monotonicMs()
    })
    this.#timers.push(world.clock.every(TICK_MS, () => this.#tick()), world.clock.every(PROGRESS_EVERY_MS, () => this.#tellProgress()))
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
    const { role } = this.#claim.decision
    return role === 'undecided' ? 'none' : role
  }

  get master(): PeerId | null {
    const decision = this.#claim.decision
    if (decision.role === 'master') return this.#world.network.self
    return decision.role === 'follower' ? decision.master : null
  }

  get epoch(): number {
    const decision = this.#claim.decision
    return decision.role === 'undecided' ? 0 : decision.epoch
  }

  get haveBytes(): number {
    return this.#haveBytes
  }

  get split(): Readonly<{ originBytes: number; peerBytes: number; cacheBytes: number }> {
    return this.#split
  }

  get rateBytesPerSecond(): number {
    return this.#state === 'active' || this.#state === 'finishing' ? this.#rate.bytesPerSecond : 0
  }

  get interested(): number {
    return this.#interests.size
  }

  attach(interest: Interest): void {
    this.#interests.add(interest)
    if (this.#direct !== null) interest.noteReason(this.#direct)
    else if (this.role === 'master') interest.noteReason('elected')
  }

  detach(interest: Interest): void {
    this.#interests.delete(interest)
  }

  pause(): void {
    if (this.#closed || this.#state === 'holding' || this.#state === 'paused') return
    this.#state = 'paused'
    this.#peerLanes.stop()
    this.#stopOrigin('paused')
    this.#claim.update({ eligible: false })
    if (this.#claim.decision.role === 'master') this.#claim.resign('paused')
    this.#changed()
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = this.#claim.decision.role === 'undecided' ? 'electing' : 'active'
    this.#activeSinceMs = this.#world.clock.monotonicMs()
    this.#progressAtMs = null
    this.#claim.update({ eligible: true })
    this.#changed()
    this.#pump()
  }

  /** While it does not serve, this agent offers nothing of the content and leaves the office of master to others. */
  setServing(serving: boolean): void {
    if (this.#closed) return
    this.#swarm.mute(!serving)
    this.#claim.update({ eligible: serving && this.#state !== 'paused' && this.#world.weight() > 0 })
    if (!serving && this.#claim.decision.role === 'master' && this.#swarm.neighbours.size > 0) this.#claim.resign('paused')
  }

  /** A letter per piece, as `PieceLetters` of the contract. */
  get pieces(): string {
    return this.#sources.letters(this.#partial.have, this.#inFlight)
  }

  handle(from: PeerId, message: SwarmMessage): void {
    this.#swarm.handle(from, message)
  }

  memberLost(id: PeerId): void {
    this.#swarm.forget(id)
    if (id === this.master && this.#state !== 'holding') {
      const name = this.#world.network.nameOf(id)
      this.#world.emit('masterLost', `${name}, the master for ${this.#init.stored.url}, is gone; another one is being elected.`, { key: this.key, url: this.#init.stored.url, peer: id, peerName: name, epoch: this.epoch })
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
      haveBytes: this.#haveBytes,
      pieceCount: this.plan.count,
      havePieces: this.#partial.have.count,
      state: this.#state,
      role: this.role,
      master: this.master,
      epoch: this.epoch,
      split: { ...this.#split },
      peers: [...this.#swarm.neighbours.all()]
        .filter((n) => n.receivedPieces > 0)
        .map((n) => ({ peer: n.id, name: this.#world.network.nameOf(n.id), bytes: n.receivedBytes, pieces: n.receivedPieces })),
      rateBytesPerSecond: this.rateBytesPerSecond,
      requests: this.#interests.size
    }
  }

  /** Ends the job; verified pieces stay on disk. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const t of this.#timers) t.cancel()
    this.#peerLanes.stop()
    this.#stopOrigin('leaving')
    this.#swarm.close()
    this.#claim.close()
    if (this.#state !== 'holding') await this.#partial.close()
    this.removeAllListeners()
  }

  #decided(decision: Decision): void {
    if (this.#closed || decision.role === 'undecided' || this.#state === 'holding' || this.#state === 'failed') return
    const now = this.#world.clock.monotonicMs()
    this.#masters = decision.masters
    this.#noteMaster(decision)
    for (const holder of decision.holders) this.#swarm.join(holder.id)
    if (decision.role === 'follower') {
      if (decision.master !== null) this.#swarm.join(decision.master)
      if (this.#direct === null) this.#stopOrigin('leaving')
      // Nobody may or can be master: no use in waiting. Who may be one itself knows better, and soon the coordinator does.
      const leaderless = decision.master === null && !decision.holders.some((h) => h.complete)
      const mayBeMaster = this.#originError === null && this.#world.weight() > 0
      if (leaderless && !mayBeMaster && this.#state !== 'paused') this.#fallBack(this.#originError === null ? 'no-peers' : 'origin-error')
    }
    if (this.#state === 'electing') {
      this.#state = 'active'
      this.#activeSinceMs = now
    }
    if (decision.role === 'master' && this.#epochSigned !== decision.epoch) {
      this.#epochSigned = decision.epoch
      this.#mapsDueMs = now + MAPS_WAIT_MS
      this.#world.clock.after(MAPS_WAIT_MS + 1, () => this.#pump())
      for (const interest of this.#interests) interest.noteReason('elected')
    }
    this.#changed()
    this.#pump()
  }

  #noteMaster(decision: Exclude<Decision, { role: 'undecided' }>): void {
    const master = decision.role === 'master' ? this.#world.network.self : decision.master
    if (master === null || (master === this.#notedMaster && decision.epoch === this.#notedEpoch)) return
    this.#notedMaster = master
    this.#notedEpoch = decision.epoch
    const name = decision.role === 'master' ? 'This PC' : this.#world.network.nameOf(master)
    this.#masterBytes = 0
    this.#world.emit('masterElected', `${name} is master for ${this.#init.stored.url}.`, { key: this.key, url: this.#init.stored.url, peer: master, peerName: name, epoch: decision.epoch })
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

  get #priority(): Priority {
    return [...this.#interests].some((i) => i.priority === 'foreground') ? 'foreground' : 'background'
  }

  /** Starts whatever can run now; called after everything that may have made something possible. */
  #pump(): void {
    if (this.#closed || this.#state !== 'active') return
    if (this.#partial.have.complete) return void this.#finish()
    // Until the origin has said which of the dropped pieces were lies, nobody here knows whom to ask.
    if (this.#suspects.size === 0) this.#peerLanes.fill()
    const mayAskOrigin = this.#direct !== null || this.role === 'master'
    if (!mayAskOrigin || this.#originRun !== null) return
    if (this.#direct === null && this.#swarm.unanswered > 0 && this.#world.clock.monotonicMs() < this.#mapsDueMs) return
    if (this.#nextGap() !== null) void this.#runOrigin()
  }

  #nextGap() {
    return firstGap(this.#inFlight.wanted, this.#direct === null ? this.#swarm.neighbours.holders : null)
  }

  async #runOrigin(): Promise<void> {
    const run = new AbortController()
    this.#originRun = run
    const priority = this.#priority === 'foreground' ? 1 : 0
    try {
      await this.#world.originQueue.add(() => this.#originLane.run(this.#init.version, this.#init.headers, run.signal), { priority, signal: run.signal })
      if (this.#originRun === run) this.#originRun = null
      this.#pump()
    } catch (error) {
      if (this.#originRun === run) this.#originRun = null
      if (!run.signal.aborted) this.#originFailed(LarderError.from(error, 'ORIGIN_UNREACHABLE'))
    }
  }

  #stopOrigin(why: 'paused' | 'leaving'): void {
    this.#originRun?.abort(new LarderError('CANCELLED', `The download from the origin was stopped (${why})`))
    this.#originRun = null
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
    const hopeless = disk || error.code === 'ORIGIN_CHANGED' || this.#direct !== null || this.#swarm.neighbours.size === 0
    if (hopeless) this.#fail(error)
    else for (const interest of this.#interests) interest.noteReason('origin-error')
  }

  #sign(index: number, digest: Buffer): PieceRecord {
    const epoch = this.#direct === null ? this.#epochSigned : 0
    return signRecord(this.key, { index, epoch, digest, signer: this.#world.network.self }, (message) => this.#world.network.sign(message))
  }

  #receivedFromOrigin(bytes: number): void {
    this.#originReceived += bytes
    this.#progressAtMs = this.#world.clock.monotonicMs()
  }

  #arrived(index: number, bytes: number, source: 'originBytes' | 'peerBytes', from: PeerId | null): void {
    if (!this.#inFlight.arrived(index)) return
    const now = this.#world.clock.monotonicMs()
    this.#progressAtMs = now
    this.#pieceAtMs = now
    this.#haveBytes += bytes
    this.#split[source] += bytes
    this.#sources.note(index, source === 'originBytes' ? 'o' : 'p')
    this.#rate.add(bytes)
    const record = this.#partial.record(index)
    if (record && from !== null) {
      const credential = this.#swarm.credential(record.signer)
      if (credential) this.#partial.addCredential(credential, record.signer)
    }
    if (record && source === 'originBytes') this.#judgeSuspect(index, record)
    this.#swarm.announce(index, source === 'originBytes')
    this.#claim.update({ pieces: this.#partial.have.count, bytes: this.#haveBytes })
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
      this.#suspects.set(i, this.#partial.record(i)!)
      this.#haveBytes -= pieceLength(this.plan, i)
      this.#split.peerBytes = Math.max(0, this.#split.peerBytes - pieceLength(this.plan, i))
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
    this.#haveBytes = 0
    for (let i = 0; i < this.plan.count; i++) {
      if (this.#partial.have.has(i)) this.#haveBytes += pieceLength(this.plan, i)
      else this.#inFlight.lost(i)
    }
    this.#state = 'active'
    this.#swarm.announceLoss()
    this.#changed()
    this.#pump()
    return true
  }

  /** A piece came from the origin anew: was the record we had before it a lie? */
  #judgeSuspect(index: number, truth: PieceRecord): void {
    const suspect = this.#suspects.get(index)
    if (!suspect) return
    this.#suspects.delete(index)
    if (!suspect.digest.equals(truth.digest)) this.#convict(suspect.signer, `signed a wrong record for piece ${index}`)
  }

  #convict(peer: PeerId, why: string): void {
    if (this.#world.network.isBanned(peer, this.key)) return
    this.#world.network.ban(peer, this.key, why)
    this.#swarm.forget(peer)
    const name = this.#world.network.nameOf(peer)
    this.#world.emit('peerBanned', `${name} was banned for this content: it ${why}.`, { peer, peerName: name, key: this.key, url: this.#init.stored.url, reason: 'peer-corrupt', code: 'PIECE_DIGEST_MISMATCH' })
    this.#report(peer, 'corrupt')
    this.#pump()
  }

  /** The coordinator can do something about a bad master, and about complete holders when none of them is of use. */
  #report(peer: PeerId | null, problem: 'unreachable' | 'stalled' | 'corrupt'): void {
    const { master } = this
    const others = [...this.#swarm.neighbours.all()].some((n) => n.id !== peer && n.offered?.complete)
    if ((peer !== null && peer === master) || (master === null && !others)) this.#claim.report(problem)
  }

  #tick(): void {
    const stoodStillMs = this.#standstill.tick(this.#world.clock.monotonicMs())
    this.#activeSinceMs += stoodStillMs
    if (this.#progressAtMs !== null) this.#progressAtMs += stoodStillMs
    if (this.#pieceAtMs !== null) this.#pieceAtMs += stoodStillMs
    if (this.#state === 'electing') this.#activeSinceMs = Math.min(this.#activeSinceMs, this.#world.clock.monotonicMs())
    if (this.#closed || (this.#state !== 'active' && this.#state !== 'electing')) return
    this.#pump()
    if (this.#direct !== null || this.role === 'master') return
    // Told that others have it all, but nobody of use is left: said again until the coordinator acts on it.
    if (this.role === 'follower' && this.master === null && this.#swarm.unanswered === 0) this.#report(null, 'unreachable')
    const now = this.#world.clock.monotonicMs()
    const neighbours = [...this.#swarm.neighbours.all()].filter((n) => n.offered !== null && n.offered.count > 0)
    const rate = this.#rate.bytesPerSecond
    const reason = decideFallback(
      {
        nowMs: now,
        sinceMs: this.#activeSinceMs,
        progressAtMs: this.#progressAtMs,
        pieceAtMs: this.#pieceAtMs,
        deadlineMs: Math.min(...[...this.#interests].map((i) => i.deadlineMs), Number.MAX_SAFE_INTEGER),
        remainingMs: rate > 0 ? ((this.plan.lengthBytes - this.#haveBytes) / rate) * 1000 : null,
        sources: neighbours.length,
        allBusy: neighbours.length > 0 && neighbours.every((n) => n.busy),
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
    if (this.#appealed || this.#originError !== null || reason === 'timeout' || reason === 'busy' || !this.#claim.appeal()) return false
    this.#appealed = true
    this.#activeSinceMs = this.#world.clock.monotonicMs()
    this.#progressAtMs = null
    this.#pieceAtMs = null
    this.#changed()
    return true
  }

  #fallBack(reason: ReasonCode): void {
    if (this.#direct !== null) return this.#pump()
    this.#direct = reason
    if (this.#state === 'electing') this.#state = 'active'
    for (const interest of this.#interests) interest.noteReason(reason)
    this.#world.emit('fallback', `Downloading directly from the origin: ${reasonTexts[reason]}`, { key: this.key, url: this.#init.stored.url, reason, bytes: this.#haveBytes })
    this.#changed()
    this.#pump()
  }

  #tellProgress(): void {
    if (this.#originRun === null) return
    this.#swarm.announceProgress(this.#originReceived)
    this.#claim.update({ bytes: Math.max(this.#haveBytes, Math.min(this.#originReceived, this.plan.lengthBytes)) })
  }

  #fail(error: LarderError): void {
    if (this.#closed || this.#state === 'failed') return
    this.#state = 'failed'
    this.#peerLanes.stop()
    this.#stopOrigin('leaving')
    this.#changed()
    this.emit('failed', error)
  }

  #changed(): void {
    this.emit('changed')
    this.#world.changed()
  }
}
