import type { SecureContext } from 'node:tls'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import type { ConnectedPeer } from '../network.ts'
import { PieceConnection } from './piece-connection.ts'
import { remoteIdentity } from '../fleet/tls-channel.ts'
import { MAX_PER_PEER } from './upload-slots.ts'

/** Connections for pieces to one peer: it gives no more slots to one ({@link MAX_PER_PEER}). */
const CONNECTIONS_PER_PEER = MAX_PER_PEER
/** An idle connection is given up before the peer's server does the same (after 20 s). */
const IDLE_MS = 15_000
const CONNECT_MS = 5000
/** An exchange that takes longer is worth another connection beside it. */
const LONG_EXCHANGE_MS = 100

/** Where pieces come from, or go. */
export interface PieceHost extends Pick<ConnectedPeer, 'id' | 'name' | 'address' | 'port'> {
  /** The device that answers there, where it is not known by the same id. */
  readonly certified?: PeerId
}

/** The connections for pieces to one peer: a few, used again, each checked to end at that peer before it carries anything. */
export class PiecePool {
  readonly #peer: PieceHost
  readonly #clock: Clock
  readonly #secureContext: SecureContext
  readonly #open = new Set<PieceConnection>()
  readonly #idle = new Map<PieceConnection, Timer>()
  readonly #waiting: (() => void)[] = []
  #taken = 0
  #closed = false
  #answeredAtMs = -Infinity

  constructor(peer: PieceHost, { clock, secureContext }: { clock: Clock; secureContext: SecureContext }) {
    this.#peer = peer
    this.#clock = clock
    this.#secureContext = secureContext
  }

  /**
   * A connection for one exchange; waits while all are in use. Give it back with {@link release}.
   * @throws PEER_LOST (also when the peer has answered nobody for `stallMs`: then `details.stalled`), PEER_PROTOCOL (somebody
   * else answers there; `details.impostor`), the signal's reason
   */
  async take(signal: AbortSignal, stallMs: number): Promise<PieceConnection> {
    if (this.#mustWait({ long: false })) await this.#waitForTurn(signal, stallMs)
    signal.throwIfAborted()
    if (this.#closed) throw this.#lost('is no longer connected')
    this.#taken++
    const idle = [...this.#idle.keys()].at(-1)
    if (idle) {
      this.#idle.get(idle)!.cancel()
      this.#idle.delete(idle)
      return idle
    }
    try {
      return await this.#dial(signal)
    } catch (error) {
      this.#free()
      throw error
    }
  }

  async #waitForTurn(signal: AbortSignal, stallMs: number): Promise<void> {
    const stall = new AbortController()
    const wait = { long: false }
    const limits = [
      this.#watchStall(stallMs, stall),
      this.#clock.after(LONG_EXCHANGE_MS, () => {
        wait.long = true
        for (const wake of this.#waiting.splice(0)) wake()
      })
    ]
    try {
      while (this.#mustWait(wait)) await this.#turn(AbortSignal.any([signal, stall.signal]))
    } catch (error) {
      // It may have been this one's turn.
      if (!this.#mustWait(wait)) this.#wakeOne()
      throw error
    } finally {
      for (const limit of limits) limit.cancel()
    }
  }

  /**
   * A further connection is made only when the others carry something long. Ten PCs that ask for many small files at once would
   * otherwise begin with hundreds of handshakes.
   */
  #mustWait(wait: { readonly long: boolean }): boolean {
    if (this.#closed || this.#idle.size > 0) return false
    return this.#taken >= CONNECTIONS_PER_PEER || (this.#taken > 0 && !wait.long)
  }

  #free(): void {
    this.#taken--
    this.#wakeOne()
  }

  #wakeOne(): void {
    this.#waiting.shift()?.()
  }

  /** The peer has answered one of the requests. */
  answered(): void {
    this.#answeredAtMs = this.#clock.monotonicMs()
  }

  /** `reusable`: its answer was complete. */
  release(connection: PieceConnection, reusable: boolean): void {
    if (reusable && !connection.closed && !this.#closed)
      this.#idle.set(
        connection,
        this.#clock.after(IDLE_MS, () => connection.destroy())
      )
    else connection.destroy()
    this.#free()
  }

  /** Ends all connections and whatever they carry. */
  close(): void {
    this.#closed = true
    for (const connection of this.#open) connection.destroy(this.#lost('is no longer connected'))
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** A long queue is not the peer's fault as long as others in it get their answers. */
  #watchStall(stallMs: number, stall: AbortController): Timer {
    const sinceMs = this.#clock.monotonicMs()
    let timer: Timer
    const arm = (ms: number) => {
      timer = this.#clock.after(ms, () => {
        const stillMs = this.#clock.monotonicMs() - Math.max(sinceMs, this.#answeredAtMs)
        if (stillMs < stallMs) arm(stallMs - stillMs)
        else
          stall.abort(
            new LarderError('PEER_LOST', `${this.#peer.name} has answered nobody for ${Math.round(stillMs)} ms`, {
              stalled: true
            })
          )
      })
    }
    arm(stallMs)
    return { cancel: () => timer.cancel() }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1)
        resolve()
      }
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(wake)
    }).then(() => signal.throwIfAborted())
  }

  #dial(signal: AbortSignal): Promise<PieceConnection> {
    const { id, certified = id, name, address, port } = this.#peer
    const connection = new PieceConnection(this.#secureContext, { host: address, port })
    const { socket } = connection
    this.#open.add(connection)
    socket.once('close', () => {
      this.#open.delete(connection)
      this.#idle.get(connection)?.cancel()
      this.#idle.delete(connection)
    })
    return new Promise((resolve, reject) => {
      let failure: Error = this.#lost('did not answer')
      const limit = this.#clock.after(CONNECT_MS, () => socket.destroy())
      const onAbort = () => {
        failure = signal.reason as Error
        socket.destroy()
      }
      const settle = () => {
        limit.cancel()
        signal.removeEventListener('abort', onAbort)
        socket.off('close', onClose)
      }
      const onClose = () => {
        settle()
        reject(failure)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once(
        'error',
        (error) =>
          (failure =
            error instanceof LarderError
              ? error
              : this.#lost(`cannot be reached (${systemCode(error) ?? error.message})`, error))
      )
      socket.once('close', onClose)
      socket.once('secureConnect', () => {
        const remote = remoteIdentity(socket)
        if (remote?.id === certified) {
          settle()
          return resolve(connection)
        }
        failure = new LarderError('PEER_PROTOCOL', `At ${address}:${port} is another agent than ${name}`, {
          actual: remote?.id ?? null,
          impostor: true
        })
        socket.destroy()
      })
    })
  }

  #lost(why: string, cause?: unknown): LarderError {
    return new LarderError('PEER_LOST', `${this.#peer.name} ${why}`, { cause })
  }
}
