import type { Agent, Log } from '../agent/agent.ts'
import type { AgentStatus } from '../contract/commands.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import type { SettingsDesk } from '../operations/operation-host.ts'
import type { Person } from '../operations/person.ts'
import type { UserAgents } from '../operations/user-agents.ts'
import { createDispatch, type Dispatch } from '../window/dispatch.ts'
import { SnapshotFeed, type SnapshotReader } from '../window/snapshot-feed.ts'

/** What one window is told, and what it may give commands to. */
export interface WindowView {
  /** What one page is sent, beginning with how the agent is now. */
  reader(): SnapshotReader
  /** Calls back at each change, at most ten times a second. @returns how to end it */
  follow(listener: () => void): () => void
  /** Carries out a command of it. */
  command(input: unknown): ReturnType<Dispatch>
}

export interface WindowsContext {
  readonly agent: Agent
  readonly settings: SettingsDesk
  readonly paths: DataPaths
  readonly clock: Clock
  readonly log: Log
  /** Absent: the agent is of one user. */
  readonly users?: UserAgents | undefined
}

/** The window of one person, or of the user whose agent it is. @param by shown to people as who did it */
export function openWindowView(context: WindowsContext, by: string, person?: Person): WindowView {
  const { settings, paths, clock, log, users } = context
  const seen = (): Agent => (person && users ? users.of(person) : context.agent)
  const status = (): AgentStatus => ({ state: context.agent.snapshot().state === 'running' ? 'running' : 'stopping' })
  const feed = new SnapshotFeed(clock, () => ({ status: status(), snapshot: seen().snapshot() }))
  if (seen() === context.agent) context.agent.cache.on('verifying', (progress) => feed.setVerifying(progress))
  const dispatch = createDispatch({
    source: { agent: () => context.agent, message: () => feed.message() },
    users,
    person,
    settings,
    // A browser may be on another desktop than the agent, or on none: nothing of it is touched from here.
    shell: {},
    info: {
      version: LARDER_VERSION,
      runtime: 'browser',
      platform: process.platform,
      versions: { node: process.versions.node },
      dataDir: paths.root,
      logDir: paths.log
    },
    clock,
    onDefect: (command, err) => log.error({ err, command }, 'a command of the window failed')
  })
  return {
    reader: () => {
      feed.message()
      return feed.reader()
    },
    // The agent makes snapshots for whoever listens; with no window open that is nobody.
    follow(listener) {
      const agent = seen()
      if (feed.listenerCount('changed') === 0) agent.on('snapshot', feed.noteChange)
      feed.on('changed', listener)
      return () => {
        feed.off('changed', listener)
        if (feed.listenerCount('changed') === 0) agent.off('snapshot', feed.noteChange)
      }
    },
    command: (input) => dispatch(input, by)
  }
}

/** Windows of all users of the PC, one view each. */
export class UserWindows {
  readonly #context: WindowsContext
  readonly #views = new Map<string, WindowView>()

  constructor(context: WindowsContext) {
    this.#context = context
  }

  of(person: Person): WindowView {
    // Rights may change while the agent runs.
    const id = `${person.id}${person.admin ? ' admin' : ''}`
    let view = this.#views.get(id)
    if (!view) this.#views.set(id, (view = openWindowView(this.#context, `${person.name} in the window`, person)))
    return view
  }
}
