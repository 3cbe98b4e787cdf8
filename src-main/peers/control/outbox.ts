import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../../lib/clock.ts'
import { GatheredWrites, type Corkable } from '../../lib/gathered-writes.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'

/** Messages to one peer: well below what a receiver takes, so that nobody can make an honest agent flood others. */
export const SEND_RATE = { burst: 1000, perSecond: 1000 }
/** Bytes that may stay unread; more than that is a burst, and a peer that reads makes it less at once. */
export const STANDING_BYTES = 256 * 1024
/** What a burst may have. */
export const BURST_BYTES = 4 * 1024 * 1024
/** Most that waits for all peers together. */
export const ALL_UNREAD_BYTES = 64 * 1024 * 1024
/** A peer with more than the standing bytes has this long to take some. */
const TAKE_MS = 1000
const TAKE_BYTES = 64 * 1024

/** What waits for all peers of this agent. Whoever has most waiting goes when it becomes too much. */
export class Unread {
  readonly #outboxes = new Set<Outbox>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  changed(outbox: Outbox, bytes: number): void {
    this.#bytes += bytes
    this.#outboxes.add(outbox)
    while (this.#bytes > ALL_UNREAD_BYTES) {
      const most = [...this.#outboxes].reduce((a, b) => (b.unreadBytes > a.unreadBytes ? b : a))
      most.giveUp()
      if (this.#outboxes.has(most)) this.forget(most)
    }
  }

  forget(outbox: Outbox): void {
    if (this.#outboxes.delete(outbox)) this.#bytes -= outbox.unreadBytes
  }
}

/** What goes to one peer: in order, no faster than it may, and no more than it reads. */
export class Outbox {
  readonly #ws: WebSocket
  readonly #clock: Clock
  readonly #unread: Unread
  readonly #unreadable: () => void
  readonly #rate: TokenBucket
  readonly #writes: GatheredWrites | undefined
  readonly #later: string[] = []
  #laterTimer: Timer | undefined
  #watch: Timer | undefined
  #closed = false
  /** Neither taken by the system for the peer nor given up. */
  unreadBytes = 0
  #takenBytes = 0

  /** @param unreadable the peer does not read: the connection has to end @param socket what `ws` writes to */
  constructor(ws: WebSocket, clock: Clock, unread: Unread, unreadable: () => void, socket?: Corkable) {
    this.#writes = socket && new GatheredWrites(socket)
    this.#ws = ws
    this.#clock = clock
    this.#unread = unread
    this.#unreadable = unreadable
    this.#rate = new TokenBucket(clock, SEND_RATE)
  }

  /** @returns false when the message is lost, because too much waits already */
  send(text: string): boolean {
    if (this.#closed) return false
    if (this.unreadBytes > BURST_BYTES) {
      this.giveUp()
      return false
    }
    this.#count(text.length)
    if (this.#closed) return false
    if (this.#later.length === 0 && this.#rate.take()) this.#write(text)
    else {
      this.#later.push(text)
      this.#sendLater()
    }
    if (this.unreadBytes > STANDING_BYTES) this.#watchReading()
    return !this.#closed
  }

  /** The peer is given up: nothing more is sent, and the connection ends. */
  giveUp(): void {
    if (this.#closed) return
    this.close()
    this.#unreadable()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#laterTimer?.cancel()
    this.#watch?.cancel()
    this.#later.length = 0
    this.#unread.forget(this)
  }

  #write(text: string): void {
    this.#writes?.gather()
    this.#ws.send(text, () => {
      this.#takenBytes += text.length
      if (!this.#closed) this.#count(-text.length)
    })
  }

  #count(bytes: number): void {
    this.unreadBytes += bytes
    this.#unread.changed(this, bytes)
  }

  #sendLater(): void {
    this.#laterTimer ??= this.#clock.after(Math.max(10, this.#rate.waitMs), () => {
      this.#laterTimer = undefined
      let sent = 0
      while (sent < this.#later.length && this.#rate.take()) this.#write(this.#later[sent++]!)
      this.#later.splice(0, sent)
      if (this.#later.length > 0) this.#sendLater()
    })
  }

  #watchReading(): void {
    if (this.#watch) return
    const before = this.#takenBytes
    this.#watch = this.#clock.after(TAKE_MS, () => {
      this.#watch = undefined
      if (this.unreadBytes <= STANDING_BYTES) return
      // What waits for its turn here is not the peer's fault.
      if (this.#later.length === 0 && this.#takenBytes - before < TAKE_BYTES) this.giveUp()
      else this.#watchReading()
    })
  }
}
