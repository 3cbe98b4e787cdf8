import { reasonTexts, type ReasonCode } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import type { LocalRequest } from '../requests/request.ts'
import type { EventLog } from './event-log.ts'

/** Programs that went on without the agent: told like a fallback of its own, once for each request. */
export class ProgramFallbacks {
  readonly #events: Pick<EventLog, 'add'>
  readonly #told = new WeakSet<object>()

  constructor(events: Pick<EventLog, 'add'>) {
    this.#events = events
  }

  /** Before the request is cancelled, so that the reason is part of how it ended. */
  tell(request: Pick<LocalRequest, 'final' | 'noteReason' | 'view'>, reason: ReasonCode): void {
    const { id, url, key, state } = request.view()
    // What was delivered, or taken back by a person, is not a fallback.
    if (this.#told.has(request) || state === 'done' || state === 'cancelled') return
    this.#told.add(request)
    if (!request.final) request.noteReason(reason)
    this.#events.add('fallback', `The program downloads it by itself from the origin: ${reasonTexts[reason]}`, {
      requestId: id,
      url,
      reason,
      ...(key !== null && { key })
    })
  }
}

/** Why its request ends; `details.reason` tells it from one that a person has cancelled. */
export function leftByProgram(reason: ReasonCode): LarderError {
  return new LarderError('CANCELLED', `The program that asked downloads it by itself: ${reasonTexts[reason]}`, {
    reason
  })
}
