import type { AnswerTo, CommandInput, CommandResult, LarderBridge } from '../../src-main/contract/commands.ts'
import { errorTable, type ErrorCode, type ErrorView } from '../../src-main/contract/errors.ts'

declare global {
  interface Window {
    /** Put there by the preload of the tray application; absent in a browser. */
    readonly larder?: LarderBridge
  }
}

/** An answer of the agent that is an error, for code that reads better with exceptions. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly view: ErrorView

  constructor(view: ErrorView) {
    super(view.message)
    this.view = view
  }
}

/** Sends a command. @throws CommandFailed, also when the bridge itself breaks */
export async function ask<I extends CommandInput>(bridge: LarderBridge, command: I): Promise<CommandResult<I['c']>> {
  let answer: AnswerTo<I['c']>
  try {
    answer = await bridge.invoke(command)
  } catch (error) {
    throw new CommandFailed(errorView('INTERNAL', error instanceof Error ? error.message : String(error)))
  }
  if (!answer.ok) throw new CommandFailed(answer.error)
  return answer.value
}

export function errorView(code: ErrorCode, message: string): ErrorView {
  return { code, message: message.slice(0, 2000), next: errorTable[code].next }
}

/** What went wrong, for a person. */
export function failureOf(error: unknown): ErrorView {
  return error instanceof CommandFailed
    ? error.view
    : errorView('INTERNAL', error instanceof Error ? error.message : String(error))
}
