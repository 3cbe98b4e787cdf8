import { LarderError } from '../lib/errors.ts'
import type { HearTrouble } from '../lib/part-stack.ts'
import type { Log } from './agent.ts'

/** Names in the log what did not stop as it should. */
export const logTrouble =
  (log: Log): HearTrouble =>
  (part, trouble) => {
    if (trouble === 'late') log.warn({ part }, `${part} did not stop in time and was left behind`)
    else log.warn({ part, error: LarderError.from(trouble.error).message }, `${part} did not stop cleanly`)
  }
