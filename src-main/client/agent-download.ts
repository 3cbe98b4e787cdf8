import type { ReasonCode, RequestSpecInput, RequestView } from '../contract/request.ts'
import { finalRequestStates } from '../contract/request.ts'
import { sleep, type Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { afterAgentFailure } from './agent-failure.ts'
import type { AgentConnection } from './connection.ts'

export interface AgentJob {
  readonly agent: AgentConnection
  readonly spec: RequestSpecInput
  /** The agent is given up when nothing has moved for this long, ms. */
  readonly fallbackMs: number
  readonly clock: Clock
  /** Its reason is a LarderError and is thrown. */
  readonly signal: AbortSignal
  onProgress(view: RequestView): void
}

/** Download directly. `error` is what the agent said, if it said something. */
interface Fallback {
  readonly result: 'fallback'
  readonly reason: ReasonCode
  readonly error: LarderError
}

export type AgentOutcome = { readonly result: 'done'; readonly view: RequestView } | Fallback

/** Copying a finished content to a slow destination may take longer than a download may stand still. */
const DELIVERY_PATIENCE = 10
/** A broken watch of a living agent is taken up again this often without anything having moved. */
const MAX_REWATCHES = 3
/** The agent is told to stop, but not waited for longer. */
const CANCEL_TIMEOUT_MS = 1000

/**
 * Asks the agent and watches until it has delivered, has failed, has gone, or stands still.
 * @throws the signal's reason, and agent errors that a direct download could not better
 */
export async function downloadByAgent(job: AgentJob): Promise<AgentOutcome> {
  const { agent, signal, clock } = job
  const stalled = new AbortController()
  const watching = AbortSignal.any([signal, stalled.signal])
  let view: RequestView | undefined
  let timer = clock.after(job.fallbackMs, () => stalled.abort())
  const moved = (next: RequestView) => {
    const first = view === undefined
    if (first || next.haveBytes > view!.haveBytes || next.state !== view!.state) {
      timer.cancel()
      const patience = next.state === 'delivering' ? job.fallbackMs * DELIVERY_PATIENCE : job.fallbackMs
      // A paused download is meant to stand still; only the caller's own limit counts then.
      if (next.state !== 'paused') timer = clock.after(patience, () => stalled.abort())
    }
    view = next
    job.onProgress(next)
  }

  // Not broken off by the signal: a request that the agent has taken must be known to be cancelled.
  const asked = agent.request(job.spec)
  try {
    moved(await unlessAborted(asked, watching))
    await follow(agent, view!, moved, watching)
    if (view!.state === 'done') return { result: 'done', view: view! }
    throw view!.error
      ? LarderError.fromView(view!.error)
      : new LarderError('CANCELLED', 'The request was cancelled at the agent')
  } catch (thrown) {
    const taken = view ?? (await Promise.race([asked.catch(() => undefined), sleep(clock, CANCEL_TIMEOUT_MS)]))
    if (signal.aborted) {
      await giveUp(agent, taken)
      throw signal.reason
    }
    const outcome = stalled.signal.aborted
      ? standstill(job, view)
      : afterFailure(thrown, view !== undefined && (view.haveBytes > 0 || view.split.originBytes > 0))
    await giveUp(agent, taken, outcome instanceof LarderError ? undefined : outcome.reason)
    if (outcome instanceof LarderError) throw outcome
    return outcome
  } finally {
    timer.cancel()
  }
}

/** Watches to the final state. A stream that breaks while the agent lives is opened again. */
async function follow(
  agent: AgentConnection,
  first: RequestView,
  moved: (view: RequestView) => void,
  signal: AbortSignal
): Promise<void> {
  let last = first
  let idle = 0
  while (!finalRequestStates.includes(last.state)) {
    const before = last
    try {
      for await (const view of agent.watch(first.id, { signal })) moved((last = view))
    } catch (error) {
      if (signal.aborted || idle >= MAX_REWATCHES) throw error
    }
    if (finalRequestStates.includes(last.state)) return
    moved((last = await agent.requestView(first.id, { signal })))
    idle = last.haveBytes > before.haveBytes || last.state !== before.state ? 0 : idle + 1
    if (idle > MAX_REWATCHES)
      throw new LarderError('AGENT_NOT_RUNNING', 'The agent keeps breaking off the progress of this request')
  }
}

function standstill({ fallbackMs }: AgentJob, view: RequestView | undefined): Fallback {
  const reason = view === undefined || view.haveBytes === 0 ? 'no-first-byte' : 'no-progress'
  const message = `The agent has delivered nothing for ${fallbackMs} ms`
  return { result: 'fallback', reason, error: new LarderError('TIMEOUT', message, { fallbackMs }) }
}

/** @returns an error that a direct download could not better */
function afterFailure(thrown: unknown, cameBytes: boolean): Fallback | LarderError {
  const error = LarderError.from(thrown)
  const answer = afterAgentFailure(error.code, cameBytes)
  return answer.next === 'throw' ? error : { result: 'fallback', reason: answer.reason, error }
}

/** Tells the agent that nobody waits any more; with a reason also about what it has failed itself, so that it is counted. */
async function giveUp(agent: AgentConnection, view: RequestView | void, reason?: ReasonCode): Promise<void> {
  if (!view || (finalRequestStates.includes(view.state) && (view.state !== 'failed' || reason === undefined))) return
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS)
  await agent.cancel(view.id, { signal, ...(reason !== undefined && { reason }) }).catch(() => {})
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
