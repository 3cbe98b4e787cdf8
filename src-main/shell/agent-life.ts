import { EventEmitter } from 'node:events'
import type { Agent } from '../agent/agent.ts'
import type { RunningAgent } from '../api/local-agent.ts'
import type { AgentStatus, SnapshotMessage } from '../contract/commands.ts'
import type { AgentEvent } from '../contract/events.ts'
import { sleep, type Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { AgentSource } from '../window/dispatch.ts'
import { SnapshotFeed, type SnapshotReader } from '../window/snapshot-feed.ts'

export type StartAgent = () => Promise<RunningAgent>

interface LifeEvents {
  /** Something shown changed; at most ten times a second, and whenever somebody asked. `newest` has it. */
  changed: []
  /** The agent runs (again). */
  started: [Agent]
  event: [AgentEvent]
}

/**
 * The one agent inside the tray application, from start to end. A start that fails is a state to be shown, not an error to
 * be thrown: the tray stays.
 */
export class AgentLife extends EventEmitter<LifeEvents> implements AgentSource {
  readonly #startAgent: StartAgent
  readonly #clock: Clock
  readonly #feed: SnapshotFeed
  #status: AgentStatus = { state: 'starting' }
  #running: RunningAgent | null = null
  /** Starts and stops, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #ended = false

  constructor(startAgent: StartAgent, clock: Clock) {
    super()
    this.#startAgent = startAgent
    this.#clock = clock
    this.#feed = new SnapshotFeed(clock, () => ({
      status: this.#status,
      snapshot: this.#running?.agent.snapshot() ?? null
    }))
    this.#feed.on('changed', () => this.emit('changed'))
  }

  get status(): AgentStatus {
    return this.#status
  }

  agent(): Agent {
    if (this.#running) return this.#running.agent
    if (this.#status.state === 'failed') throw LarderError.fromView(this.#status.error)
    throw new LarderError(
      'SHUTTING_DOWN',
      this.#status.state === 'starting' ? 'The agent is still starting' : 'The agent is stopping'
    )
  }

  /** The last that windows were told. */
  get newest(): SnapshotMessage {
    return this.#feed.newest
  }

  message(): SnapshotMessage {
    return this.#feed.message()
  }

  /** What one window is sent. */
  reader(): SnapshotReader {
    return this.#feed.reader()
  }

  /** Never rejects; what went wrong is in `status`. */
  start(): Promise<void> {
    return this.#queue(() => this.#begin())
  }

  /** @throws the reason when the agent does not start again */
  async restart(): Promise<void> {
    await this.#queue(async () => {
      await this.#end()
      await this.#begin()
    })
    if (this.#status.state === 'failed') throw LarderError.fromView(this.#status.error)
  }

  /** Ends the agent for good. @returns false when it had not ended after `deadlineMs`; then the process may just leave */
  async stop(deadlineMs: number): Promise<boolean> {
    this.#ended = true
    const stopped = this.#queue(() => this.#end()).then(() => true)
    return Promise.race([stopped, sleep(this.#clock, deadlineMs).then(() => false)])
  }

  #queue(step: () => Promise<void>): Promise<void> {
    return (this.#work = this.#work.then(step))
  }

  async #begin(): Promise<void> {
    if (this.#ended || this.#running) return
    this.#become({ state: 'starting' })
    try {
      const running = await this.#startAgent()
      this.#running = running
      running.agent.on('snapshot', this.#feed.noteChange)
      running.agent.on('event', this.#tellEvent)
      running.agent.cache.on('verifying', this.#tellVerifying)
      this.#become({ state: 'running' })
      this.emit('started', running.agent)
    } catch (error) {
      this.#become({ state: 'failed', error: LarderError.from(error).toView() })
    }
  }

  async #end(): Promise<void> {
    const running = this.#running
    if (!running) return
    this.#running = null
    this.#become({ state: 'stopping' })
    running.agent.off('snapshot', this.#feed.noteChange)
    running.agent.off('event', this.#tellEvent)
    running.agent.cache.off('verifying', this.#tellVerifying)
    this.#feed.setVerifying(null)
    // Nothing can be done about a part that does not stop cleanly; it has been logged.
    await running.stop().catch(() => {})
  }

  #become(status: AgentStatus): void {
    this.#status = status
    this.#feed.noteChange()
  }

  readonly #tellVerifying = (progress: SnapshotMessage['verifying']): void => this.#feed.setVerifying(progress)

  readonly #tellEvent = (event: AgentEvent): void => void this.emit('event', event)
}
