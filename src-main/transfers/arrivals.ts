import type { Clock } from '../lib/clock.ts'
import { RateMeter } from '../lib/rate-meter.ts'
import type { Traffic } from './traffic.ts'

/** Told at most this often that bytes have come in. */
const TELL_EVERY_MS = 250

/** What one connection brings in for a transfer, from its first byte to its last. */
export interface Arrival {
  /** Bytes of pieces that are wanted have come in; nothing is verified yet. */
  received(bytes: number): void
  /** So many of them are no longer on their way: stored, or thrown away. */
  settled(bytes: number): void
  /** The same for one piece: to be called when it is stored or thrown away; called again it does nothing. */
  piece(bytes: number): () => void
  /** Whatever is not settled by now is lost. Idempotent. */
  end(): void
}

/**
 * Bytes of one transfer as they come in. Pieces tell of verified bytes a MiB at a time; on a thin line that is once in seven
 * seconds, too seldom for a rate.
 */
export class Arrivals {
  readonly #clock: Clock
  readonly #rate: RateMeter
  readonly #traffic: Pick<Traffic, 'note'>
  readonly #moved: () => void
  readonly #received = { origin: 0, peer: 0 }
  #underWay = 0
  #toldMs = -Infinity

  /** @param traffic counts over all transfers @param moved bytes have come in; called now and then */
  constructor(clock: Clock, traffic: Pick<Traffic, 'note'>, moved: () => void) {
    this.#clock = clock
    this.#rate = new RateMeter(clock)
    this.#traffic = traffic
    this.#moved = moved
  }

  /** Over the last seconds, of all connections. */
  get bytesPerSecond(): number {
    return this.#rate.bytesPerSecond
  }

  /** Received and not yet verified. */
  get underWay(): number {
    return this.#underWay
  }

  /** All that has come in, by where it came from; bytes that came twice count twice. */
  get received(): Readonly<{ origin: number; peer: number }> {
    return this.#received
  }

  open(from: 'origin' | 'peer'): Arrival {
    let pending = 0
    let ended = false
    const settle = (bytes: number) => {
      const settled = Math.min(bytes, pending)
      pending -= settled
      this.#underWay -= settled
    }
    return {
      received: (bytes) => {
        if (ended) return
        pending += bytes
        this.#underWay += bytes
        this.#received[from] += bytes
        this.#rate.add(bytes)
        this.#traffic.note(from === 'origin' ? 'originBytes' : 'peerBytes', bytes)
        const now = this.#clock.monotonicMs()
        if (now - this.#toldMs < TELL_EVERY_MS) return
        this.#toldMs = now
        this.#moved()
      },
      settled: settle,
      piece: (bytes) => {
        let stored = false
        return () => {
          if (!stored) settle(bytes)
          stored = true
        }
      },
      end: () => {
        ended = true
        settle(pending)
      }
    }
  }
}
