import { EventEmitter } from 'node:events'
import { ToHub, type FromHub } from '../../contract/hub-messages.ts'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'
import type { ProvenSocket } from '../control/dial.ts'
import type { HubEntrance } from '../control/listener.ts'
import { Unread } from '../control/outbox.ts'
import type { DepositShelf, HubDoor, HubDoorEvents, HubMember } from '../network.ts'
import { HubChannel } from './hub-channel.ts'

/** Each costs a TLS handshake: after a restart all come back within half a minute. */
const ADMISSIONS = { burst: 400, perSecond: 200 }

interface HubDoorOptions {
  readonly clock: Clock
  readonly maxConnections: number
  /** A member broke the protocol; a clause about it. */
  readonly offended: (id: PeerId, address: string, reason: string) => void
}

interface Session {
  readonly member: HubMember
  readonly channel: HubChannel<ToHub, FromHub>
}

/** Takes the connections of the agents whose hub this one is: one per agent, the newest. */
export class HubDoorway extends EventEmitter<HubDoorEvents> implements HubDoor, HubEntrance {
  readonly #o: HubDoorOptions
  readonly #sessions = new Map<PeerId, Session>()
  readonly #admissions: TokenBucket
  readonly #unread = new Unread()
  #closed = false
  #shelf: DepositShelf | null = null

  constructor(options: HubDoorOptions) {
    super()
    this.#o = options
    this.#admissions = new TokenBucket(options.clock, ADMISSIONS)
  }

  admits(id: PeerId): boolean {
    if (this.#closed) return false
    return (this.#sessions.has(id) || this.#sessions.size < this.#o.maxConnections) && this.#admissions.take()
  }

  adopt({ ws, remote, address }: ProvenSocket): void {
    const { clock, offended } = this.#o
    const { id } = remote
    if (this.#closed) return ws.terminate()
    this.#sessions.get(id)?.channel.close('connected again')
    const channel = new HubChannel<ToHub, FromHub>(ws, clock, ToHub, this.#unread)
    const session: Session = { channel, member: { id, address, sinceMs: clock.wallMs() } }
    this.#sessions.set(id, session)
    channel.on('message', (message) => this.emit('message', id, message))
    channel.once('end', (reason, kind) => {
      if (this.#sessions.get(id) === session) {
        this.#sessions.delete(id)
        this.emit('lost', id)
      }
      if (kind === 'offence') offended(id, address, reason)
    })
    this.emit('joined', session.member)
  }

  shelve(shelf: DepositShelf): void {
    this.#shelf = shelf
  }

  /** Null: no pieces are kept here. */
  get shelf(): DepositShelf | null {
    return this.#shelf
  }

  /** It is connected, and has proved its membership. */
  has(id: PeerId): boolean {
    return this.#sessions.has(id)
  }

  members(): readonly HubMember[] {
    return [...this.#sessions.values()].map(({ member }) => member)
  }

  send(to: PeerId, message: FromHub): boolean {
    return this.#sessions.get(to)?.channel.send(message) ?? false
  }

  /** Those of whom `denied` says so are members no more. */
  expel(denied: (id: PeerId) => boolean): void {
    for (const [id, { channel }] of this.#sessions) if (denied(id)) channel.close('is no longer a member')
  }

  close(): void {
    this.#closed = true
    for (const { channel } of this.#sessions.values()) channel.close('stopped')
  }
}
