import { z } from 'zod'
import { ErrorView } from './errors.ts'
import { AppInfo } from './operations/window.ts'
import {
  commandNames,
  operationOf,
  operations,
  type CheckedInput,
  type CommandName,
  type InputOf,
  type WindowAnswerOf
} from './operations/operations.ts'
import { SettingView } from './setting-details.ts'
import { AgentStatus, SnapshotMessage, type SnapshotNews } from './snapshot-message.ts'

export { AgentStatus, AppInfo, commandNames, SettingView, SnapshotMessage, type CommandName }

/** Most characters of text in one command, all its strings together. Checked before anything else is looked at. */
export const MAX_COMMAND_CHARS = 2_000_000

/** A command as it is received: defaults filled in. */
export type CommandOf<C extends CommandName> = { readonly c: C } & CheckedInput<C>
/** What a command answers. */
export type CommandResult<C extends CommandName> = WindowAnswerOf<C>
export type Command = { [C in CommandName]: CommandOf<C> }[CommandName]
/** A command as a caller writes it. */
export type CommandInput = { [C in CommandName]: { readonly c: C } & InputOf<C> }[CommandName]

/** An operation of a window: its name as `c`, beside its input. Unknown fields are refused. IPC and HTTP carry the same ones. */
export const Command: z.ZodType<Command> = z.discriminatedUnion(
  'c',
  commandNames.map((c) => z.strictObject({ c: z.literal(c), ...operations[c].input.shape })) as unknown as [
    z.ZodObject<{ c: z.ZodLiteral<CommandName> }>
  ]
) as unknown as z.ZodType<Command>

/** What a window gets of the answer to a command. */
export function commandResult(c: CommandName): z.ZodType {
  const { windowAnswer, answer } = operationOf(c)
  return windowAnswer ?? answer!
}

/** The answer to a command: a value, or an error with a stable code. Never a rejected promise. */
export type Answer<V = unknown> =
  | { readonly ok: true; readonly value: V }
  | { readonly ok: false; readonly error: ErrorView }
export type AnswerTo<C extends CommandName> = Answer<CommandResult<C>>

/** The answer to the command `c`, checked. @throws ZodError when it is none */
export function parseAnswer<C extends CommandName>(c: C, answer: unknown): AnswerTo<C> {
  return z
    .discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), value: commandResult(c) }),
      z.object({ ok: z.literal(false), error: ErrorView })
    ])
    .parse(answer) as AnswerTo<C>
}

/**
 * All that a window's page sees of the world, as `window.larder`. The HTTP transport gives an object of the same shape.
 */
export interface LarderBridge {
  invoke<I extends CommandInput>(command: I): Promise<AnswerTo<I['c']>>
  /**
   * Calls back soon with the state as it is, then with what changed, at most ten times a second. `afterNews` puts it together;
   * a change that does not fit calls for `snapshot.get`. @returns how to end it
   */
  onSnapshot(listener: (news: SnapshotNews) => void): () => void
}

/** IPC channels. */
export const COMMAND_CHANNEL = 'larder:command' as const
export const SNAPSHOT_CHANNEL = 'larder:snapshot' as const
