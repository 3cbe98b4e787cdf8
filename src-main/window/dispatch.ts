import {
  Command,
  commandResult,
  MAX_COMMAND_CHARS,
  type Answer,
  type AppInfo,
  type SnapshotMessage
} from '../contract/commands.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { Agent } from '../agent/agent.ts'
import { createOperations } from '../operations/carry-out.ts'
import type { SettingsDesk, ShellActions } from '../operations/operation-host.ts'
import { outwardError } from '../operations/outward-error.ts'
import type { Person } from '../operations/person.ts'
import type { UserAgents } from '../operations/user-agents.ts'
import { fitsInto } from './bounded-input.ts'

/** The agent as windows need it. */
export interface AgentSource {
  /** @throws the reason why there is none */
  agent(): Agent
  message(): SnapshotMessage
  restart?(): Promise<void>
}

export interface DispatchContext {
  readonly source: AgentSource
  /** Whose window it is, of several users of an agent, and what each may see. */
  readonly person?: Person | undefined
  readonly users?: UserAgents | undefined
  readonly settings: SettingsDesk
  readonly shell: Partial<ShellActions>
  readonly info: Omit<AppInfo, 'commands'>
  readonly clock: Clock
  /** Told about errors nobody expected. */
  onDefect(command: string, error: unknown): void
}

/** Carries out one command of a window. Never rejects. `by` is shown to people as who did it. */
export type Dispatch = (input: unknown, by: string) => Promise<Answer>

/** Nothing of a window's command is broken off when the window goes. */
const waitsFor = new AbortController().signal

/** Commands of windows, whatever carries them: checks what comes in, does it, checks what goes out. */
export function createDispatch(context: DispatchContext): Dispatch {
  const { source, settings, shell, info, clock, onDefect, person, users } = context
  const operations = createOperations({
    agent: () => source.agent(),
    users,
    settings,
    clock,
    windows: {
      message: () => source.message(),
      shell,
      info,
      ...(source.restart && { restart: () => source.restart!() })
    }
  })
  return async (input, by) => {
    let name = 'unknown'
    try {
      const { c, ...fields } = parseCommand(input)
      name = c
      const value = await operations.answer(c, fields, { as: 'window', by, person, signal: waitsFor })
      return { ok: true, value: commandResult(c).parse(value) }
    } catch (thrown) {
      const error = outwardError(thrown)
      if (error.code === 'INTERNAL') onDefect(name, thrown)
      return { ok: false, error: error.toView() }
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
