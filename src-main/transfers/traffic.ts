import { TRAFFIC_SECONDS, type TrafficCounters, type TrafficPoint } from '../contract/traffic.ts'
import type { Clock } from '../lib/clock.ts'

const WAYS = ['originBytes', 'peerBytes', 'servedBytes'] as const
type Way = (typeof WAYS)[number]

/** Bytes as they come in and go out, over all contents, second by second: what a chart of the last minutes is drawn from. */
export class Traffic {
  readonly #clock: Clock
  readonly #counters: Record<Way, number> = { originBytes: 0, peerBytes: 0, servedBytes: 0 }
  /** A ring of seconds; slots older than the ring are emptied when time passes over them. */
  readonly #seconds: Record<Way, Float64Array>
  readonly #startedSecond: number
  #second: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#second = this.#startedSecond = this.#now()
    const ring = () => new Float64Array(TRAFFIC_SECONDS + 1)
    this.#seconds = { originBytes: ring(), peerBytes: ring(), servedBytes: ring() }
  }

  note(way: Way, bytes: number): void {
    this.#roll()
    this.#counters[way] += bytes
    this.#seconds[way][this.#second % (TRAFFIC_SECONDS + 1)]! += bytes
  }

  get counters(): TrafficCounters {
    return { ...this.#counters }
  }

  /** The whole seconds since it began, {@link TRAFFIC_SECONDS} at most, oldest first. */
  points(): TrafficPoint[] {
    this.#roll()
    const count = Math.min(TRAFFIC_SECONDS, this.#second - this.#startedSecond)
    const endedAt = this.#clock.wallMs() - (this.#clock.monotonicMs() - this.#second * 1000)
    return Array.from({ length: count }, (_, i) => {
      const slot = (this.#second - count + i) % (TRAFFIC_SECONDS + 1)
      const at = (way: Way) => this.#seconds[way][slot]!
      return {
        at: Math.round(endedAt - (count - 1 - i) * 1000),
        origin: at('originBytes'),
        peersIn: at('peerBytes'),
        peersOut: at('servedBytes')
      }
    })
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / 1000)
  }

  #roll(): void {
    const now = this.#now()
    for (let skip = Math.min(now - this.#second, TRAFFIC_SECONDS + 1); skip > 0; skip--)
      for (const way of WAYS) this.#seconds[way][(now - skip + 1) % (TRAFFIC_SECONDS + 1)] = 0
    this.#second = now
  }
}
