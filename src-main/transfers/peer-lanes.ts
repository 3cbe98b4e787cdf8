import type { PeerId } from '../contract/ids.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { ReceivedPiece } from '../peers/network.ts'
import type { RecordVerdict } from './check-record.ts'
import { chooseRun, offeredByNone, type Run } from './choose-run.ts'
import type { InFlight } from './in-flight.ts'
import type { Job } from './job.ts'
import type { Neighbour } from './neighbours.ts'
import type { Swarm } from './swarm.ts'

const LANES_PER_NEIGHBOUR = 2
const MAX_LANES = 8
/** Across a router: what is under way there is lost with this PC, and has to cross it again. */
const MAX_FAR_LANES = 4
const LONGEST_RUN = 16
/** From the only neighbour there is, one lane: in order, pieces go into the digest of the whole while they are in memory. */
const LONGEST_RUN_ALONE = 32
/** Writes of one lane under way before it stops reading. */
const PENDING_WRITES = 8
const PIECE_STALL_MS = 5000
/** A piece asked for longer ago than this is asked for elsewhere too. */
const HEDGE_MS = 2500
const REST_AFTER_FAILURE_MS = 400
const FAILURES_BEFORE_DISREGARD = 5

export interface PeerLaneHooks {
  /** Whom to ask last; null when there is no master. */
  readonly master: () => PeerId | null
  /** What comes from this one crosses a router. */
  readonly isFar: (id: PeerId) => boolean
  /** Far ones are to be asked: one PC of a subnet does so for all of it. */
  readonly mayAskFar: () => boolean
  readonly checkRecord: (piece: ReceivedPiece) => RecordVerdict
  /** A verified piece from a peer is stored. */
  readonly arrived: (index: number, bytes: number, from: Neighbour) => void
  /** A peer served what it must not have served. */
  readonly ban: (from: PeerId, why: string) => void
  /** A peer did not deliver what it offered. */
  readonly failed: (from: PeerId, problem: 'unreachable' | 'stalled') => void
  /** Storing failed: the disk. */
  readonly broken: (error: LarderError) => void
  /** A lane is free again. */
  readonly idle: () => void
}

/** Fetches runs of pieces from neighbours, several at a time, and stores what proves right. */
export class PeerLanes {
  readonly #job: Job
  readonly #swarm: Swarm
  readonly #inFlight: InFlight
  readonly #hooks: PeerLaneHooks
  #abort = new AbortController()
  #lanes = 0
  #farLanes = 0
  #laneIds = 0

  constructor(job: Job, swarm: Swarm, inFlight: InFlight, hooks: PeerLaneHooks) {
    this.#job = job
    this.#swarm = swarm
    this.#inFlight = inFlight
    this.#hooks = hooks
  }

  get active(): number {
    return this.#lanes
  }

  /** Starts as many fetches as make sense now. Asked at each piece of news, most of which change nothing: must be quick then. */
  fill(): void {
    if (this.#lanes >= MAX_LANES) return
    const now = this.#job.world.clock.monotonicMs()
    const master = this.#hooks.master()
    // Near ones first; of them fewest lanes first, the master last, otherwise at random: spreads the load over the swarm.
    const candidates = this.#swarm.neighbours
      .available(now)
      .map((n) => ({
        n,
        far: this.#hooks.isFar(n.id),
        order: n.lanes * 4 + (n.id === master ? 2 : 0) + this.#job.world.random()
      }))
      .filter(({ far }) => !far || this.#hooks.mayAskFar())
      .sort((a, b) => Number(a.far) - Number(b.far) || a.order - b.order)
    const near = candidates.filter(({ far }) => !far).map(({ n }) => n.offered!)
    for (const { n, far } of candidates) {
      const most = this.#swarm.neighbours.size === 1 ? 1 : LANES_PER_NEIGHBOUR
      while (n.lanes < most && this.#lanes < MAX_LANES && (!far || this.#farLanes < MAX_FAR_LANES)) {
        const run = this.#runFor(n, far ? near : [], master, now)
        if (run === null) break
        void this.#fetch(n, run, far)
      }
    }
  }

  /** Breaks off everything under way. */
  stop(): void {
    this.#abort.abort(new LarderError('CANCELLED', 'The transfer stopped asking peers'))
    this.#abort = new AbortController()
  }

  /** @param nearer maps of those that are to be asked instead where they have it */
  #runFor(n: Neighbour, nearer: readonly Bitmap[], master: PeerId | null, now: number): Run | null {
    const { neighbours } = this.#swarm
    const alone = neighbours.size === 1
    const run = chooseRun({
      wanted: offeredByNone(this.#inFlight.wanted, nearer),
      offered: n.offered!,
      holders: neighbours.holders,
      onlyRare: n.id === master && this.#lanes > 0,
      inOrder: alone,
      maxRun: alone
        ? LONGEST_RUN_ALONE
        : Math.max(
            1,
            Math.min(LONGEST_RUN, Math.ceil(this.#inFlight.wanted.count / (neighbours.size * LANES_PER_NEIGHBOUR * 2)))
          ),
      random: this.#job.world.random
    })
    if (run !== null || n.lanes > 0) return run
    const slow = this.#inFlight.slowest(n.offered!, n.id, now - HEDGE_MS)
    return slow === null ? null : { first: slow, count: 1 }
  }

  async #fetch(n: Neighbour, run: Run, far: boolean): Promise<void> {
    const { world, key, plan, partial, priority } = this.#job
    const lane = `${n.id}#${++this.#laneIds}`
    this.#lanes++
    if (far) this.#farLanes++
    n.lanes++
    for (let i = run.first; i < run.first + run.count; i++) this.#inFlight.start(i, lane, world.clock.monotonicMs())
    const writes = new Set<Promise<void>>()
    const arrival = this.#job.arrivals.open('peer')
    const { signal } = this.#abort
    const sinceMs = world.clock.monotonicMs()
    let cameBytes = 0
    try {
      for await (const piece of world.network.fetchPieces(n.id, key, plan, run, {
        signal,
        stallMs: PIECE_STALL_MS,
        priority: priority(),
        progress: (bytes) => {
          cameBytes += bytes
          world.leftOut?.delivered(n.id, cameBytes)
          arrival.received(bytes)
        }
      })) {
        n.busy = false
        if (partial.have.has(piece.record.index)) {
          piece.release()
          arrival.settled(piece.data.byteLength)
          continue
        }
        const verdict = this.#hooks.checkRecord(piece)
        if (verdict === 'forged') return this.#hooks.ban(n.id, `sent piece ${piece.record.index} with a forged record`)
        if (verdict !== 'ok') return this.#failed(n, 1)
        const bytes = piece.data.byteLength
        const stored = arrival.piece(bytes)
        const write = partial
          .write(piece.data, piece.record, () => {
            stored()
            this.#hooks.arrived(piece.record.index, bytes, n)
          })
          .finally(stored)
          .then((right) => {
            if (!right) return this.#hooks.ban(n.id, `sent damaged bytes for piece ${piece.record.index}`)
            n.failures = 0
            n.receivedBytes += bytes
            n.receivedPieces++
          })
          .catch((error: unknown) => {
            if (!signal.aborted) this.#hooks.broken(LarderError.from(error, 'CACHE_UNUSABLE'))
          })
          .finally(() => {
            piece.release()
            writes.delete(write)
          })
        writes.add(write)
        if (writes.size >= PENDING_WRITES) await Promise.race(writes)
      }
    } catch (error) {
      if (!signal.aborted) this.#answered(n, error, cameBytes)
      // Others gave meanwhile what it was asked for; its silence is never waited for to the end then.
      else if (cameBytes === 0 && world.clock.monotonicMs() - sinceMs >= HEDGE_MS) void world.leftOut?.silent(n.id)
    } finally {
      // The next run is asked for while the last pieces of this one are written.
      this.#lanes--
      if (far) this.#farLanes--
      n.lanes--
      if (!signal.aborted) this.#hooks.idle()
      await Promise.all(writes)
      arrival.end()
      for (let i = run.first; i < run.first + run.count; i++) this.#inFlight.giveBack(i, lane, partial.have.has(i))
      if (!signal.aborted) this.#hooks.idle()
    }
  }

  #answered(n: Neighbour, thrown: unknown, cameBytes: number): void {
    const error = LarderError.from(thrown, systemCode(thrown) ? 'PEER_LOST' : 'INTERNAL')
    switch (error.code) {
      case 'PEER_BUSY': {
        const pause = typeof error.details['retryAfterMs'] === 'number' ? error.details['retryAfterMs'] : 100
        n.busy = true
        this.#rest(n, Math.min(pause, 5000) * (0.5 + this.#job.world.random()))
        return
      }
      case 'NOT_FOUND':
        // It lost it (evicted) or has another map than we think: ask again later.
        this.#swarm.disregard(n.id)
        return
      case 'PEER_PROTOCOL':
        this.#hooks.ban(n.id, error.message)
        return
      default:
        // What a peer that hangs offers must not keep a master from asking the origin.
        if (error.details['stalled'] === true) {
          if (cameBytes === 0) void this.#job.world.leftOut?.silent(n.id)
          this.#swarm.disregard(n.id)
        } else this.#failed(n, 1)
        this.#hooks.failed(n.id, error.details['stalled'] === true ? 'stalled' : 'unreachable')
    }
  }

  #failed(n: Neighbour, weight: number): void {
    n.failures += weight
    if (n.failures >= FAILURES_BEFORE_DISREGARD) this.#swarm.disregard(n.id)
    else this.#rest(n, REST_AFTER_FAILURE_MS * n.failures)
  }

  #rest(n: Neighbour, ms: number): void {
    n.restUntilMs = this.#job.world.clock.monotonicMs() + ms
    this.#job.world.clock.after(ms + 1, () => this.#hooks.idle())
  }
}
