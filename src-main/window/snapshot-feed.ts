import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { changeBetween } from '../contract/snapshot-change.ts'
import type { SnapshotMessage, SnapshotNews } from '../contract/snapshot-message.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** Changes are told at most this often. */
const TELL_EVERY_MS = 100

interface FeedEvents {
  /** There is a newer `newest`: at most ten times a second, and whenever somebody asked for a message. */
  changed: []
}

/** The next message for one window: the whole at first, then what changed since the one before. */
export type SnapshotReader = () => SnapshotNews

/**
 * What windows are told of one agent: numbered, and not more often than a person can see. All windows are told the same
 * numbers, so that an answer to one of them and what is pushed to it fit together.
 */
export class SnapshotFeed extends EventEmitter<FeedEvents> {
  readonly #clock: Clock
  readonly #read: () => Pick<SnapshotMessage, 'status' | 'snapshot'>
  readonly #run = randomUUID()
  #verifying: SnapshotMessage['verifying'] = null
  #newest: SnapshotMessage | null = null
  /** The newest message as it is told to those who have the one before. */
  #told: { readonly sent: SnapshotMessage; readonly now: SnapshotMessage; readonly news: SnapshotNews } | null = null
  #n = 0
  #telling: Timer | null = null

  constructor(clock: Clock, read: () => Pick<SnapshotMessage, 'status' | 'snapshot'>) {
    super()
    this.#clock = clock
    this.#read = read
  }

  /** The last that was read of the agent. */
  get newest(): SnapshotMessage {
    return this.#newest ?? this.#readNow()
  }

  /** How the agent is at this moment. All windows are told at once: what is pushed next builds on it. */
  message(): SnapshotMessage {
    this.#telling?.cancel()
    this.#telling = null
    const message = this.#readNow()
    this.emit('changed')
    return message
  }

  /** For one window; it begins with the newest. */
  reader(): SnapshotReader {
    let sent: SnapshotMessage | null = null
    return () => {
      const news = sent === null ? this.newest : this.#newsSince(sent)
      sent = this.newest
      return news
    }
  }

  setVerifying(progress: SnapshotMessage['verifying']): void {
    this.#verifying = progress
    this.noteChange()
  }

  readonly noteChange = (): void => {
    this.#telling ??= this.#clock.after(TELL_EVERY_MS, () => void this.message())
  }

  #readNow(): SnapshotMessage {
    return (this.#newest = { run: this.#run, n: ++this.#n, ...this.#read(), verifying: this.#verifying })
  }

  /** One object for all windows that were sent the same. */
  #newsSince(sent: SnapshotMessage): SnapshotNews {
    const now = this.newest
    if (this.#told?.sent !== sent || this.#told.now !== now)
      this.#told = { sent, now, news: changeBetween(sent, now) ?? now }
    return this.#told.news
  }
}
