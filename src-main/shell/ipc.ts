import { ipcMain } from 'electron'
import { COMMAND_CHANNEL, type Answer } from '../contract/commands.ts'
import { LarderError } from '../lib/errors.ts'
import { personName } from '../lib/person-name.ts'
import type { Dispatch } from '../window/dispatch.ts'
import { isOwnFrame } from './senders.ts'

/** Takes commands of our own page, and of nobody else. */
export function acceptCommands(dispatch: Dispatch, origin: string): void {
  const by = `${personName()} in the window`
  ipcMain.handle(COMMAND_CHANNEL, (event, input: unknown): Answer | Promise<Answer> => {
    if (!isOwnFrame(event.senderFrame, origin)) {
      return { ok: false, error: new LarderError('FORBIDDEN', 'This page is read-only').toView() }
    }
    return dispatch(input, by)
  })
}
