import type { AskedBy } from '../contract/asked-by.ts'
import { finalRequestStates, type RequestSpec, type RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import type { Chooser } from '../origin/address-policy.ts'
import type { Agent } from './agent.ts'

/** An agent as its own parts ask it for contents. */
export type AskedAgent = Pick<Agent, 'request' | 'requestView' | 'cancel' | 'on' | 'off'>

/** Asks, and waits for the good end. @throws the request's error; the signal's reason */
export function requested(
  agent: AskedAgent,
  spec: RequestSpec,
  { by, chooser }: { readonly by: AskedBy['by']; readonly chooser: Chooser },
  signal: AbortSignal
): Promise<RequestView> {
  return new Promise((resolve, reject) => {
    const { id } = agent.request(spec, 'program', { chooser, askedBy: { by, program: null, user: null } })
    const settle = (view: RequestView) => {
      if (view.id !== id || !finalRequestStates.includes(view.state)) return
      agent.off('request', settle)
      signal.removeEventListener('abort', onAbort)
      if (view.state === 'done') resolve(view)
      else
        reject(
          signal.aborted
            ? (signal.reason as Error)
            : view.error
              ? LarderError.fromView(view.error)
              : new LarderError('CANCELLED', 'The request was cancelled')
        )
    }
    const onAbort = () => void agent.cancel(id)
    agent.on('request', settle)
    signal.addEventListener('abort', onAbort, { once: true })
    settle(agent.requestView(id))
    if (signal.aborted) onAbort()
  })
}
