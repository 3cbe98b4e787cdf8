import type { EventEmitter } from 'node:events'
import type { Agent } from '../agent/agent.ts'
import type { AgentStatus, SnapshotMessage } from '../contract/commands.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { Dispatch } from '../window/dispatch.ts'
import type { SnapshotReader } from '../window/snapshot-feed.ts'

export interface EngineEvents {
  /** Something shown changed; at most ten times a second, and whenever somebody asked. `newest` has it. */
  changed: []
  event: [AgentEvent]
}

/** What a click in the tray does to the agent. */
export type EngineAction =
  | { readonly do: 'pause'; readonly forMs: number | null }
  | { readonly do: 'resume' | 'restart' }
  | { readonly do: 'integration'; readonly enabled: boolean }

/** What tray and window stand on: the agent inside the application, or the one that serves all users of the PC. */
export interface Engine extends EventEmitter<EngineEvents> {
  readonly status: AgentStatus
  /** The last that windows were told. */
  readonly newest: SnapshotMessage
  message(): SnapshotMessage
  /** What one window is sent. */
  reader(): SnapshotReader
  /** Commands of windows. */
  readonly dispatch: Dispatch
  /** @throws the agent's refusal */
  act(action: EngineAction): Promise<void>
  /** The agent whose pauses and network this application looks after; null: there is none, or it looks after itself. */
  readonly ownAgent: Agent | null
  /** Never rejects; what went wrong is in `status`. */
  start(): Promise<void>
  /** @returns false when it had not ended after `deadlineMs`; then the process may just leave */
  stop(deadlineMs: number): Promise<boolean>
}
