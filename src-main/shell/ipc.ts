import { ipcMain } from 'electron'
import { userInfo } from 'node:os'
import { COMMAND_CHANNEL, type Answer } from '../contract/commands.ts'
import { LarderError } from '../lib/errors.ts'
import type { Dispatch } from '../window/dispatch.ts'
import { isOwnFrame } from './senders.ts'

/** Takes commands of our own page, and of nobody else. */
export function acceptCommands(dispatch: Dispatch, origin: string): void {
  const by = `${personName()} in the window`
  ipcMain.handle(COMMAND_CHANNEL, (event, input: unknown): Answer | Promise<Answer> => {
    if (!isOwnFrame(event.senderFrame, origin)) {
      return { ok: false, error: new LarderError('FORBIDDEN', 'This page may not give commands').toView() }
    }
    return dispatch(input, by)
  })
}

/** Who is logged in, for "turned off by". */
export function personName(): string {
  try {
    return userInfo().username
  } catch {
    return 'somebody'
  }
}
