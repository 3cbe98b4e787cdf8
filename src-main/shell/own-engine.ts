import { EventEmitter } from 'node:events'
import type { Agent } from '../agent/agent.ts'
import type { SnapshotMessage, AgentStatus } from '../contract/commands.ts'
import type { Clock } from '../lib/clock.ts'
import { createDispatch, type Dispatch, type DispatchContext } from '../window/dispatch.ts'
import type { SnapshotReader } from '../window/snapshot-feed.ts'
import type { AgentLife } from './agent-life.ts'
import { askAgain, noteRequests } from './ask-again.ts'
import type { Engine, EngineAction, EngineEvents } from './engine.ts'
import type { UnfinishedRequests } from './unfinished-requests.ts'

export interface OwnEngineOptions extends Omit<DispatchContext, 'source' | 'person'> {
  readonly life: AgentLife
  readonly unfinished: UnfinishedRequests
  readonly clock: Clock
  /** Name of the person at the desktop. */
  readonly person: string
  /** The agent runs (again). */
  started(agent: Agent): void
}

/** The agent inside the application: it lives and ends with it, and is asked again for what it left unfinished. */
export class OwnEngine extends EventEmitter<EngineEvents> implements Engine {
  readonly dispatch: Dispatch
  readonly #options: OwnEngineOptions

  constructor(options: OwnEngineOptions) {
    super()
    this.#options = options
    const { life, unfinished, person, ...rest } = options
    this.dispatch = noteRequests(createDispatch({ ...rest, source: life }), unfinished, (id) =>
      life.agent().requestView(id)
    )
    life.on('changed', () => this.emit('changed'))
    life.on('event', (event) => this.emit('event', event))
    life.on('started', (agent) => {
      agent.on('request', (view) => unfinished.changed(view))
      void askAgain(this.dispatch, unfinished, person).catch((error: unknown) => options.onDefect('ask again', error))
      options.started(agent)
    })
  }

  get status(): AgentStatus {
    return this.#options.life.status
  }

  get newest(): SnapshotMessage {
    return this.#options.life.newest
  }

  get ownAgent(): Agent | null {
    return this.status.state === 'running' ? this.#options.life.agent() : null
  }

  message(): SnapshotMessage {
    return this.#options.life.message()
  }

  reader(): SnapshotReader {
    return this.#options.life.reader()
  }

  async act(action: EngineAction): Promise<void> {
    const { life, clock, person } = this.#options
    switch (action.do) {
      case 'pause':
        return life.agent().pauseAll(action.forMs === null ? null : clock.wallMs() + action.forMs)
      case 'resume':
        return life.agent().resumeAll()
      case 'integration':
        return void (await life.agent().setIntegration(action.enabled, { by: `${person} in the tray` }))
      case 'restart':
        return life.restart()
    }
  }

  start(): Promise<void> {
    return this.#options.life.start()
  }

  async stop(deadlineMs: number): Promise<boolean> {
    const ended = await this.#options.life.stop(deadlineMs)
    await this.#options.unfinished.written()
    return ended
  }
}
