import { GIVEN_UP_MS } from '../claims/claims.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { PartStack } from '../lib/part-stack.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { AgentParts } from './agent-parts.ts'
import type { Agent, AgentHost } from './agent.ts'
import { moveIn } from './cache-care.ts'
import { composeAgent } from './compose-agent.ts'
import { EventLog } from './event-log.ts'
import type { History } from './history.ts'
import { logTrouble } from './log-trouble.ts'

/** A snapshot is told at most this often. */
const SNAPSHOT_EVERY_MS = 100

/** Whose run it is. */
export interface RunOf {
  readonly dataDir: string
  readonly name: string
  readonly settings: LiveSettings
  readonly host: AgentHost
  /** Its listeners are told. */
  readonly agent: Agent
}

/** The one run of an agent: its parts from start to stop, and the news of what changes meanwhile. */
export class AgentRun {
  readonly events: EventLog
  readonly startedWallMs: number
  readonly #of: RunOf
  readonly #stack: PartStack
  #parts: AgentParts | null = null
  #history: History | null = null
  #state: AgentSnapshot['state'] = 'starting'
  #seq = 0
  #snapshotTimer: Timer | null = null
  #stopping: Promise<void> | null = null

  constructor(of: RunOf) {
    const { clock } = of.host
    this.#of = of
    this.startedWallMs = clock.wallMs()
    this.events = new EventLog(clock, (event) => this.#told(event))
    this.#stack = new PartStack(clock)
  }

  get state(): AgentSnapshot['state'] {
    return this.#state
  }

  /** Counts what has changed. */
  get seq(): number {
    return this.#seq
  }

  /** Null before it has started. */
  get startedParts(): AgentParts | null {
    return this.#parts
  }

  /** @throws SHUTTING_DOWN before it has started */
  get parts(): AgentParts {
    if (!this.#parts) throw new LarderError('SHUTTING_DOWN', 'The agent has not been started')
    return this.#parts
  }

  async start(): Promise<void> {
    this.#parts = await this.#compose()
    this.#begin(this.#parts)
  }

  /** Idempotent. */
  stop(limitMs: number): Promise<void> {
    return (this.#stopping ??= this.#takeDown(limitMs))
  }

  /** Something a snapshot shows has changed. */
  changed(): void {
    this.#seq++
    if (this.#snapshotTimer !== null || this.#state === 'stopped') return
    const { agent, host } = this.#of
    this.#snapshotTimer = host.clock.after(SNAPSHOT_EVERY_MS, () => {
      this.#snapshotTimer = null
      if (agent.listenerCount('snapshot') > 0) agent.emit('snapshot', agent.snapshot())
    })
  }

  /** Members are to know how much this PC can do. */
  tellWeight(): void {
    const { machine, serving, claims, hub, network } = this.parts
    const now = { weight: serving.weight.value, about: machine.weight.machine }
    claims.setMachine(now)
    hub.claims.setMachine(now)
    network.renewHello()
  }

  #compose(): Promise<AgentParts> {
    const { dataDir, name, settings, host, agent } = this.#of
    return composeAgent({
      dataDir,
      name,
      settings,
      host,
      agent,
      events: this.events,
      stack: this.#stack,
      changed: () => this.changed(),
      historyOpened: (history) => {
        this.events.restore(history.formerEvents)
        this.#history = history
      },
      requestChanged: (view) => {
        this.#history?.noteRequest(view)
        agent.emit('request', view)
      },
      woke: (ms) => this.#woke(ms),
      turnedPause: (paused) => this.#turnPause(paused),
      servingDue: () => agent.resumeServing(),
      weightChanged: () => this.tellWeight()
    })
  }

  /** Everything is there; what acts by itself begins. */
  #begin({ cache, place, pause, requests, precache, updates }: AgentParts): void {
    if (this.#stack.ended) throw new LarderError('SHUTTING_DOWN', 'The agent was stopped while it started')
    const { name, settings } = this.#of
    this.#state = 'running'
    if (pause.state !== null) requests.pauseAll()
    void moveIn(cache, place, this.events)
    precache.begin()
    updates?.configure(settings.current.updates)
    this.events.add('agentStarted', `Larder ${LARDER_VERSION} has started on ${name}.`)
  }

  async #takeDown(limitMs: number): Promise<void> {
    this.#state = 'stopping'
    if (this.#parts) this.events.add('agentStopping', 'Larder is stopping.')
    await this.#stack.end(limitMs, logTrouble(this.#of.host.log))
    this.#snapshotTimer?.cancel()
    this.#state = 'stopped'
  }

  /** It stood still for this long. */
  #woke(ms: number): void {
    if (this.#state !== 'running') return
    this.parts.claims.wokeUp()
    this.parts.hub.claims.wokeUp()
    if (ms >= GIVEN_UP_MS) this.#of.agent.refresh()
  }

  #turnPause(paused: boolean): void {
    if (!this.#parts) return
    const { requests } = this.#parts
    if (paused) return requests.pauseAll()
    requests.resumeAll()
    this.events.add('transfersResumed', 'Transfers continue.')
  }

  #told(event: AgentEvent): void {
    const { agent, host } = this.#of
    const { type, code, reason } = event
    host.log.info({ event: type, ...(code ? { code } : {}), ...(reason ? { reason } : {}) }, event.text)
    this.#history?.noteEvent(event)
    agent.emit('event', event)
    this.changed()
  }
}
