import type { Answer, CommandInput } from '../contract/commands.ts'
import { RequestId } from '../contract/ids.ts'
import { RequestSpec, type RequestView } from '../contract/request.ts'
import type { Dispatch } from '../window/dispatch.ts'
import type { UnfinishedRequests } from './unfinished-requests.ts'

/** What is remembered of ended requests, so that one that is retried is known again. */
const MAX_REMEMBERED = 500

/** A refusal for one of these is not an answer to the request itself; it stays for the next start. */
const laterCodes: readonly string[] = ['INTEGRATION_OFF', 'SHUTTING_DOWN', 'BUSY']

/** A window's dispatch that notes in `unfinished` what it starts. `viewOf` tells how a request is doing. */
export function noteRequests(
  dispatch: Dispatch,
  unfinished: UnfinishedRequests,
  viewOf: (id: RequestId) => RequestView
): Dispatch {
  const specs = new Map<string, RequestSpec>()
  return async (input, by) => {
    const answer = await dispatch(input, by)
    const started = startedBy(input as CommandInput, answer, specs)
    if (started) {
      const [id, spec] = started
      specs.set(id, spec)
      for (const [oldest] of specs) if (specs.size > MAX_REMEMBERED) specs.delete(oldest)
      unfinished.add(id, spec)
      // It may have ended before it was noted.
      unfinished.changed(viewOf(id))
    }
    return answer
  }
}

/** Which request an accepted command has started. */
function startedBy(
  command: CommandInput,
  answer: Answer,
  specs: ReadonlyMap<string, RequestSpec>
): [RequestId, RequestSpec] | null {
  if (!answer.ok || (command.c !== 'request.start' && command.c !== 'request.retry')) return null
  const { id } = answer.value as RequestView
  const spec = command.c === 'request.start' ? RequestSpec.parse(command.spec) : specs.get(command.id)
  return spec ? [id, spec] : null
}

/** Asks for everything unfinished once more. `dispatch` notes what it starts. */
export async function askAgain(dispatch: Dispatch, unfinished: UnfinishedRequests, by: string): Promise<void> {
  for (const [id, spec] of unfinished.all()) {
    const answer = await dispatch({ c: 'request.start', spec }, by)
    if (answer.ok || !laterCodes.includes(answer.error.code)) unfinished.forget(id)
  }
}
