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

export interface OriginLaneHooks {
  /** What to download next; null when nothing is left for the origin now. */
  readonly nextGap: () => Run | null
  readonly sign: (index: number, digest: Buffer) => PieceRecord
  /** Content bytes have come in, verified or not. */
  readonly received: (bytes: number) => void
  /** A piece from the origin is stored. */
  readonly arrived: (index: number, bytes: number) => void
}

/** Downloads what is missing from the origin, gap by gap, one connection at a time. */
export class OriginLane {
  readonly #job: Job
  readonly #inFlight: InFlight
  readonly #hooks: OriginLaneHooks

  constructor(job: Job, inFlight: InFlight, hooks: OriginLaneHooks) {
    this.#job = job
    this.#inFlight = inFlight
    this.#hooks = hooks
  }

  /**
   * Runs until no gap is left or `signal` is aborted.
   * @throws the codes of {@link OriginClient.open}, DISK_FULL, CACHE_UNUSABLE
   */
  async run(version: OriginVersion, headers: Record<string, string> | undefined, signal: AbortSignal): Promise<void> {
    for (let gap = this.#hooks.nextGap(); gap !== null && !signal.aborted; gap = this.#hooks.nextGap()) await this.#download(version, gap, headers, signal)
  }

  async #download(version: OriginVersion, gap: Run, headers: Record<string, string> | undefined, signal: AbortSignal): Promise<void> {
    const { plan, partial, world } = this.#job
    const end = Math.min(plan.lengthBytes, pieceStart(plan, gap.first + gap.count))
    this.#inFlight.start(gap.first, LANE, world.clock.monotonicMs())
    const writes = new Set<Promise<void>>()
    let failure: unknown
    let index = gap.first
    try {
      const body = await world.origin.open(version, { start: pieceStart(plan, gap.first), end }, { signal, priority: this.#job.priority(), ...(headers ? { headers } : {}) })
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
          this.#hooks.received(chunk.length)
          for (let at = 0; at < chunk.length; ) {
            const n = Math.min(chunk.length - at, piece.data.length - filled)
            piece.data.set(chunk.subarray(at, at + n), filled)
            at += n
            filled += n
            if (filled < piece.data.length) continue
            const done = index
            const { data, release } = piece
            if (!partial.have.has(done)) {
              const bytes = data.length
              const write = partial
                .writeFromOrigin(data, done, (digest) => this.#hooks.sign(done, digest))
                .then(() => this.#hooks.arrived(done, bytes))
                .catch((error: unknown) => {
                  failure ??= error
                  this.#inFlight.giveBack(done, LANE, false)
                })
                .finally(() => {
                  release()
                  writes.delete(write)
                })
              writes.add(write)
            } else release()
            if (writes.size >= PENDING_WRITES) await Promise.race(writes)
            if (failure !== undefined) throw LarderError.from(failure, 'CACHE_UNUSABLE')
            if (++index >= gap.first + gap.count || this.#othersHave(index, gap)) return
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
