import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { SnapshotMessage } from '../contract/commands.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** Changes are told at most so often. */
const TELL_EVERY_MS = 100

interface FeedEvents {
  /** Something shown changed; at most ten times a second. Ask `message` for it. */
  changed: []
}

/** What windows are told of one agent: numbered, and not more often than a person can see. */
export class SnapshotFeed extends EventEmitter<FeedEvents> {
  readonly #clock: Clock
  readonly #read: () => Pick<SnapshotMessage, 'status' | 'snapshot'>
  readonly #run = randomUUID()
  #verifying: SnapshotMessage['verifying'] = null
  #n = 1
  #telling: Timer | null = null

  constructor(clock: Clock, read: () => Pick<SnapshotMessage, 'status' | 'snapshot'>) {
    super()
    this.#clock = clock
    this.#read = read
  }

  message(): SnapshotMessage {
    return { run: this.#run, n: this.#n, ...this.#read(), verifying: this.#verifying }
  }

  setVerifying(progress: SnapshotMessage['verifying']): void {
    this.#verifying = progress
    this.noteChange()
  }

  readonly noteChange = (): void => {
    this.#n++
    if (this.#telling !== null) return
    this.#telling = this.#clock.after(TELL_EVERY_MS, () => {
      this.#telling = null
      this.emit('changed')
    })
  }
}
