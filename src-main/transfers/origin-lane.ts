import { LarderError } from '../lib/errors.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { PieceBuffer } from '../pieces/piece-buffers.ts'
import { pieceLength, pieceStart } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { Run } from './choose-run.ts'
import type { InFlight } from './in-flight.ts'
import type { Job } from './job.ts'

const LANE = 'origin'
/** Pieces being hashed and written before the origin is made to wait. */
const PENDING_WRITES = 4
/** So many pieces ahead that somebody else has are worth a new range request. */
const WORTH_SKIPPING = 4

/** Where the missing bytes come from. */
export interface OriginSource {
  readonly version: OriginVersion
  /** Header fields for the origin; none that could carry a secret. */
  readonly headers: Record<string, string> | undefined
}

export interface OriginLaneHooks {
  /** What to download next; null when nothing is left for the origin now. */
  readonly nextGap: () => Run | null
  /** How often it may be begun where it cannot be gone on with. */
  readonly starts: () => number
  readonly sign: (index: number, digest: Buffer) => PieceRecord
  /** Content bytes have come in, verified or not. */
  readonly received: () => void
  /** A piece from the origin is stored. @returns false when it does not count, because it had come already or was dropped meanwhile */
  readonly arrived: (index: number, bytes: number) => boolean
  /** It has downloaded all there was to download. */
  readonly idle: () => void
  /** After {@link OriginLane.stop}: what it had asked for is free for others. */
  readonly stopped: () => void
  /** It cannot go on: the codes of {@link OriginClient.open}, DISK_FULL, CACHE_UNUSABLE. */
  readonly failed: (error: LarderError) => void
}

/** Downloads what is missing from the origin, gap by gap, one connection at a time. */
export class OriginLane {
  readonly #job: Job
  readonly #source: OriginSource
  readonly #inFlight: InFlight
  readonly #hooks: OriginLaneHooks
  #run: AbortController | null = null
  #held: PromiseWithResolvers<void> | null = null
  #receivedBytes = 0
  #last: Promise<void> = Promise.resolve()

  constructor(job: Job, source: OriginSource, inFlight: InFlight, hooks: OriginLaneHooks) {
    this.#job = job
    this.#source = source
    this.#inFlight = inFlight
    this.#hooks = hooks
  }

  /** It downloads, or holds what it has open. */
  get active(): boolean {
    return this.#run !== null
  }

  /** Content bytes that came in so far, verified or not. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Begins with the gaps there are, and goes on until none is left. Not to be called while it is active. */
  start(): void {
    this.#last = this.#fill(this.#last)
  }

  stop(): void {
    this.#run?.abort(new LarderError('CANCELLED', 'The download from the origin was stopped'))
    this.#run = null
    this.goOn()
  }

  /** Reads nothing more and asks for nothing more, but keeps what it has open, until {@link goOn} or {@link stop}. */
  hold(): void {
    if (this.active) this.#held ??= Promise.withResolvers()
  }

  goOn(): void {
    this.#held?.resolve()
    this.#held = null
  }

  /** @param last what was stopped before gives back first what it had asked for */
  async #fill(last: Promise<void>): Promise<void> {
    const run = new AbortController()
    this.#run = run
    let failure: LarderError | null = null
    try {
      await last
      await this.#downloadGaps(run.signal)
    } catch (error) {
      failure = LarderError.from(error, 'ORIGIN_UNREACHABLE')
    }
    if (this.#run !== run) return this.#hooks.stopped()
    this.#run = null
    if (failure === null) this.#hooks.idle()
    else this.#hooks.failed(failure)
  }

  async #downloadGaps(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#held?.promise
      const gap = signal.aborted ? null : this.#hooks.nextGap()
      if (gap === null) return
      await this.#download(gap, signal)
    }
  }

  async #download(gap: Run, signal: AbortSignal): Promise<void> {
    const { version, headers } = this.#source
    const { plan, partial, world } = this.#job
    const end = Math.min(plan.lengthBytes, pieceStart(plan, gap.first + gap.count))
    this.#inFlight.start(gap.first, LANE, world.clock.monotonicMs())
    const writes = new Set<Promise<void>>()
    const arrival = this.#job.arrivals.open('origin')
    let failure: unknown
    let index = gap.first
    let readBytes = 0
    let keptBytes = 0
    try {
      const body = await world.origin.open(
        version,
        { start: pieceStart(plan, gap.first), end },
        { signal, priority: this.#job.priority, starts: this.#hooks.starts(), ...(headers ? { headers } : {}) }
      )
      try {
        // An origin without ranges starts at 0: what comes before the gap is read past, or used where it is missing.
        if (body.start === 0 && gap.first > 0) {
          this.#inFlight.giveBack(gap.first, LANE, partial.have.has(gap.first))
          index = 0
          this.#take(index)
        }
        let piece = this.#buffer(index)
        let filled = 0
        for await (const chunk of body) {
          await this.#held?.promise
          this.#receivedBytes += chunk.length
          readBytes += chunk.length
          this.#hooks.received()
          for (let at = 0; at < chunk.length;) {
            const n = Math.min(chunk.length - at, piece.data.length - filled)
            piece.data.set(chunk.subarray(at, at + n), filled)
            if (!partial.have.has(index)) arrival.received(n)
            at += n
            filled += n
            if (filled < piece.data.length) continue
            const done = index
            const { data, release } = piece
            if (!partial.have.has(done)) {
              const bytes = data.length
              const stored = arrival.piece(bytes)
              const write = partial
                .writeFromOrigin(
                  data,
                  done,
                  (digest) => this.#hooks.sign(done, digest),
                  () => {
                    stored()
                    if (this.#hooks.arrived(done, bytes)) keptBytes += bytes
                  }
                )
                // Not called where a peer has brought the piece meanwhile.
                .finally(stored)
                .then(() => {})
                .catch((error: unknown) => {
                  failure ??= error
                  this.#inFlight.giveBack(done, LANE, false)
                })
                .finally(() => {
                  release()
                  writes.delete(write)
                })
              writes.add(write)
            } else {
              release()
              arrival.settled(data.length)
            }
            if (writes.size >= PENDING_WRITES) await Promise.race(writes)
            if (failure !== undefined) throw LarderError.from(failure, 'CACHE_UNUSABLE')
            if (++index >= gap.first + gap.count || this.#othersHave(index, gap)) {
              await Promise.all(writes)
              if (failure !== undefined) throw LarderError.from(failure, 'CACHE_UNUSABLE')
              return
            }
            this.#take(index)
            piece = this.#buffer(index)
            filled = 0
          }
        }
        throw new LarderError('ORIGIN_PROTOCOL', `The origin ended before byte ${end}`, { index })
      } finally {
        body.destroy()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await Promise.all(writes)
      arrival.end()
      world.discarded?.(readBytes - keptBytes)
      if (index < plan.count) this.#inFlight.giveBack(index, LANE, partial.have.has(index))
    }
    if (failure !== undefined) throw LarderError.from(failure, 'CACHE_UNUSABLE')
  }

  #buffer(index: number): PieceBuffer {
    return this.#job.world.buffers.take(pieceLength(this.#job.plan, index))
  }

  #take(index: number): void {
    if (this.#inFlight.wanted.has(index)) this.#inFlight.start(index, LANE, this.#job.world.clock.monotonicMs())
  }

  /** The next pieces of this gap came or are coming from elsewhere, so many that a new request is cheaper than reading past them. */
  #othersHave(index: number, gap: Run): boolean {
    const last = Math.min(index + WORTH_SKIPPING, gap.first + gap.count)
    for (let i = index; i < last; i++) if (this.#inFlight.wanted.has(i)) return false
    return index >= gap.first
  }
}
