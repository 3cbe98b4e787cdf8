// Why it is like this: docs/decisions/0092-peers-are-pinged-where-something-hangs-on-them.md
import type { Clock, Timer } from '../../lib/clock.ts'

/** How soon the end of a peer must be noticed, ms: `pingMs` without a word are followed by a ping, `silenceMs` are the end. */
interface Pace {
  readonly pingMs: number
  readonly silenceMs: number
}

/** Two pings may go unanswered. */
const CLOSE: Pace = { pingMs: 5000, silenceMs: 12_000 }
const DISTANT: Pace = { pingMs: 60_000, silenceMs: 130_000 }
/** Up to this much of the time before a ping an end may be early. */
const EARLY = 0.2
/** A silent peer gets this long to answer when somebody starts to depend on it. */
const ROUSED_MS = 5000
/** A peer that should be there gets this long to answer an extra ping. */
const PROBE_MS = 2000

/**
 * How closely an agent watches its peers: closely while it has downloads, whose masters and coordinators may go at any moment. Everybody pinging
 * everybody every few seconds costs a subnet of some hundred PCs more than all else that Larder does while nothing goes on.
 */
export class Attention {
  #close: boolean
  readonly #watchers = new Set<() => void>()

  constructor(close = true) {
    this.#close = close
  }

  get pace(): Pace {
    return this.#close ? CLOSE : DISTANT
  }

  turn(close: boolean): void {
    if (close === this.#close) return
    this.#close = close
    for (const changed of [...this.#watchers]) changed()
  }

  /** @returns how to end it */
  onTurn(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }
}

export interface HeartbeatPorts {
  ping(): void
  /** Nothing was heard for this long, or in spite of a probe (null). */
  lost(silentMs: number | null): void
}

/**
 * Signs of life of one peer. Whatever comes from it is one; a ping only goes out where nothing has come. Of two ends at the same pace one is
 * always a little earlier, so that its ping does for both.
 */
export class Heartbeat {
  readonly #clock: Clock
  readonly #attention: Attention
  readonly #ports: HeartbeatPorts
  readonly #share: number
  readonly #endWatch: () => void
  #heardAt: number
  #pingedAt: number
  /** Silence before this time does not count. */
  #countsFrom: number
  #due: Timer | undefined
  #probe: Timer | undefined
  #probedAt = -Infinity
  #ended = false

  /** @param early 0 to 1, by chance */
  constructor(clock: Clock, attention: Attention, early: number, ports: HeartbeatPorts) {
    this.#clock = clock
    this.#share = 1 - EARLY * early
    this.#attention = attention
    this.#ports = ports
    this.#heardAt = this.#pingedAt = this.#countsFrom = clock.monotonicMs()
    this.#endWatch = attention.onTurn(() => this.#turned())
    this.#wait()
  }

  heard(): void {
    this.#heardAt = this.#clock.monotonicMs()
  }

  /** Makes sure it is still there: without a sign of life within a short time it is lost. One that is under way does, until it is answered. */
  probe(): void {
    if (this.#ended || (this.#probe && this.#heardAt < this.#probedAt)) return
    this.#probe?.cancel()
    this.#probedAt = this.#clock.monotonicMs()
    this.#ping()
    if (this.#ended) return
    this.#probe = this.#clock.after(PROBE_MS, () => {
      this.#probe = undefined
      if (this.#heardAt < this.#probedAt) this.#ports.lost(null)
    })
  }

  end(): void {
    this.#ended = true
    this.#endWatch()
    this.#due?.cancel()
    this.#probe?.cancel()
  }

  get #pace(): Pace {
    const { pingMs, silenceMs } = this.#attention.pace
    return { pingMs: pingMs * this.#share, silenceMs }
  }

  #turned(): void {
    if (this.#ended) return
    const { pingMs, silenceMs } = this.#pace
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#heardAt >= pingMs) {
      this.#countsFrom = nowMs + ROUSED_MS - silenceMs
      this.#ping()
    }
    this.#wait()
  }

  /** One timer for whatever is next, however much is heard meanwhile; none when a ping has ended it. */
  #wait(): void {
    if (this.#ended) return
    const { pingMs, silenceMs } = this.#pace
    const pingAt = Math.max(this.#heardAt, this.#pingedAt) + pingMs
    const lostAt = Math.max(this.#heardAt, this.#countsFrom) + silenceMs
    this.#due?.cancel()
    this.#due = this.#clock.after(Math.min(pingAt, lostAt) - this.#clock.monotonicMs(), () => this.#onTime())
  }

  #onTime(): void {
    const { pingMs, silenceMs } = this.#pace
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - Math.max(this.#heardAt, this.#countsFrom) >= silenceMs) return this.#ports.lost(nowMs - this.#heardAt)
    if (nowMs - Math.max(this.#heardAt, this.#pingedAt) >= pingMs) this.#ping()
    this.#wait()
  }

  #ping(): void {
    this.#pingedAt = this.#clock.monotonicMs()
    this.#ports.ping()
  }
}
