import type { Agent } from '../agent/agent.ts'
import {
  Command,
  commandNames,
  commandTable,
  MAX_COMMAND_CHARS,
  type Answer,
  type AppInfo,
  type CommandName,
  type CommandOf,
  type CommandResult,
  type SettingView,
  type SnapshotMessage
} from '../contract/commands.ts'
import type { ErrorView } from '../contract/errors.ts'
import type { RequestId } from '../contract/ids.ts'
import type { RequestSpec, RequestView } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { describeIntegration } from '../settings/integration-state.ts'
import { fitsInto } from './bounded-input.ts'

/** The agent as commands need it. */
export interface AgentSource {
  /** @throws the reason why there is none */
  agent(): Agent
  message(): SnapshotMessage
  setVerifying(progress: SnapshotMessage['verifying']): void
  restart?(): Promise<void>
}

export interface SettingsDesk {
  list(): SettingView[]
  /** `by` is shown to people. @throws SETTINGS_INVALID, NOT_FOUND, SETTING_MANAGED */
  set(name: string, value: unknown, by: string): Promise<SettingView>
}

type ShellCommand = Extract<CommandName, `shell.${string}` | 'app.quit'>
/** What only the tray application can do; a browser has none of it. */
export type ShellActions = {
  readonly [C in ShellCommand]: (
    command: CommandOf<C>,
    agent: () => Agent
  ) => CommandResult<C> | Promise<CommandResult<C>>
}

export interface DispatchContext {
  readonly source: AgentSource
  readonly settings: SettingsDesk
  readonly shell: Partial<ShellActions>
  readonly info: Omit<AppInfo, 'commands'>
  readonly clock: Clock
  /** Told about errors nobody expected. */
  onDefect(command: string, error: unknown): void
}

/** Carries out one command of a window. Never rejects. `by` is shown to people as who did it. */
export type Dispatch = (input: unknown, by: string) => Promise<Answer>

type Handlers = {
  readonly [C in CommandName]?: (command: CommandOf<C>, by: string) => CommandResult<C> | Promise<CommandResult<C>>
}

/** What is remembered of requests, so that they can be asked again. */
const MAX_SPECS = 500

/** Commands of windows, whatever carries them: checks what comes in, does it, checks what goes out. */
export function createDispatch(context: DispatchContext): Dispatch {
  const handlers: Handlers = { ...agentHandlers(context), ...shellHandlers(context) }
  const info: AppInfo = {
    ...context.info,
    commands: commandNames.filter((name) => handlers[name] !== undefined || name === 'app.info')
  }
  const all: Handlers = { ...handlers, 'app.info': () => info }

  return async (input, by) => {
    let name = 'unknown'
    try {
      const command = parseCommand(input)
      name = command.c
      const handler = all[command.c] as ((command: Command, by: string) => unknown) | undefined
      if (!handler) throw new LarderError('NOT_FOUND', `${command.c} is not possible here`, { command: command.c })
      const value = await handler(command, by)
      return { ok: true, value: commandTable[command.c].result.parse(value) }
    } catch (thrown) {
      return { ok: false, error: errorView(thrown, (defect) => context.onDefect(name, defect)) }
    }
  }
}

/** @throws BAD_REQUEST naming the field */
function parseCommand(input: unknown): Command {
  if (!fitsInto(input, MAX_COMMAND_CHARS)) throw new LarderError('BAD_REQUEST', 'The command is too long')
  const parsed = Command.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  const reason = issue?.code === 'invalid_union' ? 'there is no such command' : (issue?.message ?? 'invalid')
  throw new LarderError('BAD_REQUEST', field === '' ? `The command cannot be read: ${reason}` : `${field}: ${reason}`, {
    field
  })
}

function errorView(thrown: unknown, onDefect: (error: unknown) => void): ErrorView {
  if (thrown instanceof LarderError && thrown.code !== 'INTERNAL') return thrown.toView()
  onDefect(thrown)
  return new LarderError('INTERNAL', 'Something unexpected happened').toView()
}

function agentHandlers({ source, settings, clock }: DispatchContext): Handlers {
  const specs = new Map<RequestId, RequestSpec>()
  let verifying = false

  const start = (spec: RequestSpec): RequestView => {
    const agent = source.agent()
    const { integration } = agent.settings
    if (!integration.enabled)
      throw new LarderError('INTEGRATION_OFF', `The integration is ${describeIntegration(integration)}`)
    const view = agent.request(spec)
    specs.set(view.id, spec)
    for (const [oldest] of specs) if (specs.size > MAX_SPECS) specs.delete(oldest)
    return view
  }

  return {
    'snapshot.get': () => source.message(),

    'request.start': ({ spec }) => start(spec),
    'request.cancel': ({ id }) => source.agent().cancel(id),
    'request.pause': ({ id }) => source.agent().pause(id),
    'request.resume': ({ id }) => source.agent().resume(id),
    'request.retry': ({ id }) => {
      const { state } = source.agent().requestView(id)
      if (state !== 'failed' && state !== 'cancelled')
        throw new LarderError('BAD_REQUEST', `This request has not failed, it is ${state}`, { field: 'id' })
      const spec = specs.get(id)
      if (!spec) throw new LarderError('FORBIDDEN', 'Another program asked for this; ask again there')
      return start(spec)
    },

    'all.pause': ({ forMs }) => {
      source.agent().pauseAll(forMs === null ? null : clock.wallMs() + forMs)
      return {}
    },
    'all.resume': () => {
      source.agent().resumeAll()
      return {}
    },
    'precache.run': async () => {
      await source.agent().precache.start()
      return {}
    },
    'precache.stop': () => {
      source.agent().precache.stop()
      return {}
    },
    'rates.get': () => source.agent().rates(),
    'rates.set': ({ rates }) => {
      source.agent().setRates(Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined)))
      return source.agent().rates()
    },
    'serving.stop': ({ forMs }) => {
      source.agent().stopServing(forMs === null ? null : clock.wallMs() + forMs)
      return {}
    },
    'serving.resume': () => {
      source.agent().resumeServing()
      return {}
    },
    'transfer.pieces': ({ key }) => ({ pieces: source.agent().pieces(key) }),
    'integration.set': ({ enabled }, by) => source.agent().setIntegration(enabled, { by }),

    'cache.list': ({ query }) => {
      const { cache } = source.agent()
      return { stats: cache.stats(), ...cache.list(query) }
    },
    'cache.remove': async ({ sha256 }) => ({ sha256, bytes: await source.agent().cache.remove(sha256) }),
    'cache.pin': ({ sha256, pinned, forMs }) => {
      const { cache } = source.agent()
      if (!cache.find(sha256)) throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256 })
      cache.pin(sha256, pinned, pinned && forMs !== null ? clock.wallMs() + forMs : null)
      return { sha256, pinned }
    },
    'cache.content': ({ sha256 }) => source.agent().content(sha256),
    'cache.priority': ({ sha256, priority }) => {
      source.agent().cache.setPriority(sha256, priority)
      return { sha256, priority }
    },
    'cache.relocate': async ({ dir }) => {
      await source.agent().relocateCache(dir)
      return {}
    },
    'cache.clear': async ({ pinnedToo, dryRun }) => ({
      ...(await source.agent().cache.clear({ pinnedToo, dryRun })),
      dryRun
    }),
    'cache.verify': async () => {
      if (verifying) throw new LarderError('BUSY', 'The cache is being verified already')
      const { cache } = source.agent()
      verifying = true
      try {
        source.setVerifying({ done: 0, total: cache.stats().entries })
        return await cache.verify({ onProgress: (done, total) => source.setVerifying({ done, total }) })
      } finally {
        verifying = false
        source.setVerifying(null)
      }
    },

    'events.list': ({ since }) => {
      const agent = source.agent()
      return { bootId: agent.snapshot().bootId, events: agent.events(since) }
    },

    'settings.list': () => ({ settings: settings.list() }),
    'settings.set': ({ name, value }, by) => settings.set(name, value, by),

    ...(source.restart && {
      'agent.restart': async () => {
        await source.restart?.()
        return {}
      }
    })
  }
}

function shellHandlers({ shell, source }: DispatchContext): Handlers {
  const agent = () => source.agent()
  return Object.fromEntries(
    Object.entries(shell).map(([name, action]) => [
      name,
      (command: Command) => (action as (command: Command, agent: () => Agent) => unknown)(command, agent)
    ])
  ) as Handlers
}
