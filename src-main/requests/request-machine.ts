import type { Sha256Hex } from '../contract/ids.ts'
import type { VerifiedBy } from '../contract/provenance.ts'
import type { ReasonCode, RequestState as ToldState, WaitingFor } from '../contract/request.ts'
import type { Step } from '../lib/machine-run.ts'
import type { LarderError } from '../lib/errors.ts'

/**
 * What one request of a program does next. Nothing here touches the world: `step` takes what has happened and says what is to be
 * done about it; `request.ts` does it.
 *
 *     checking ──► ready ──► joining ──► joined ──────┐
 *        │  ▲        │ ▲                   │          ├──► delivering ──► ended
 *        │  │        ▼ │ paused            │          │       (done, failed or cancelled)
 *        │  │      inLine ──► direct ──────┼──────────┤
 *        │  │        ▲  paused │           │          │
 *        │  │        └── held ◄┘           │          │
 *        │  └──────── the content changed at the origin
 *        └──────────────────────────── it is in the cache
 *
 * From each of them cancel, the deadline and the agent's stop lead to `ended`: at once where nothing runs that could still put
 * the file in its place, else as soon as that has stopped, so that what is told is what is on disk.
 *
 * Paused is a property of the request: it waits in `ready`, `held` or, as one of the interests of a transfer, in `joined`. What it
 * cannot do without the network's bytes (asking for the version, delivery) it does while it is paused as well. Only `inLine` and
 * `direct` have a place among the downloads from origins, so nothing that is paused has one.
 */
export type Phase =
  | { readonly at: 'checking' }
  /** Paused before it began. */
  | { readonly at: 'ready'; readonly route: Begin }
  | { readonly at: 'joining' }
  | { readonly at: 'joined' }
  /** `begun`: its download is open and held, and goes on when it gets a slot. */
  | { readonly at: 'inLine'; readonly to: DirectTarget; readonly begun: boolean }
  | { readonly at: 'direct'; readonly to: DirectTarget }
  /** Its download is open, but nothing is read. */
  | { readonly at: 'held'; readonly to: DirectTarget }
  | { readonly at: 'delivering'; readonly outcome: Outcome }
  | { readonly at: 'ended'; readonly as: Ending; readonly error: LarderError | null }

export type Ending = 'done' | 'failed' | 'cancelled'

/** Where a download past any transfer goes: private ones to the destination alone, others into the cache. */
export type DirectTarget = 'file' | 'cache'

/** What came out, wherever it lies now. */
export interface Outcome {
  readonly sha256: Sha256Hex
  readonly lengthBytes: number
  readonly verifiedBy: VerifiedBy
}

/** How the bytes are to be had once the origin has named the version. */
export type Route = { readonly by: 'cache'; readonly outcome: Outcome } | Begin
type Begin = { readonly by: 'transfer' } | { readonly by: 'direct'; readonly to: DirectTarget }

export interface RequestState {
  readonly phase: Phase
  readonly paused: boolean
  /** It is to end so as soon as what runs has stopped. */
  readonly verdict: LarderError | null
  /** How often the origin was asked for the version. */
  readonly tries: number
  /** There is a destination to deliver to. */
  readonly delivers: boolean
}

export type RequestEvent =
  | { readonly e: 'started' }
  /** The destination may be written to; `outcome`: bytes with the digest asked for are in the cache. */
  | { readonly e: 'prepared'; readonly outcome: Outcome | null }
  | { readonly e: 'versionFound'; readonly route: Route }
  /** Also: the destination may not be written to. */
  | { readonly e: 'versionFailed'; readonly error: LarderError }
  | { readonly e: 'joined' }
  | { readonly e: 'transferDone'; readonly outcome: Outcome }
  | { readonly e: 'transferFailed'; readonly error: LarderError }
  | { readonly e: 'slotGranted' }
  | { readonly e: 'directDone'; readonly outcome: Outcome }
  | { readonly e: 'directFailed'; readonly error: LarderError }
  | { readonly e: 'delivered' }
  | { readonly e: 'deliveryFailed'; readonly error: LarderError }
  | { readonly e: 'paused' }
  | { readonly e: 'resumed' }
  /** By its user, its deadline, or the agent that stops; the error says which. */
  | { readonly e: 'stopped'; readonly error: LarderError }

export type RequestEffect =
  | { readonly do: 'prepare' }
  /** `because`: what came of the former try; null: it is the first. */
  | { readonly do: 'askVersion'; readonly because: Again | null }
  | { readonly do: 'abortVersion' }
  /** Becomes an interest of the transfer, which is made if there is none; paused ones say so. */
  | { readonly do: 'join'; readonly paused: boolean }
  | { readonly do: 'tellTransfer'; readonly paused: boolean }
  | { readonly do: 'leave' }
  | { readonly do: 'enterLine' }
  /** Gives the slot, or the place in the line, to others. */
  | { readonly do: 'leaveLine' }
  | { readonly do: 'startDirect'; readonly to: DirectTarget }
  | { readonly do: 'holdDirect' }
  | { readonly do: 'goOnDirect' }
  | { readonly do: 'abortDirect'; readonly error: LarderError }
  | { readonly do: 'obtained'; readonly outcome: Outcome; readonly fromCache: boolean }
  | { readonly do: 'deliver'; readonly outcome: Outcome }
  | { readonly do: 'abortDelivery'; readonly error: LarderError }
  | { readonly do: 'noteReason'; readonly code: ReasonCode }
  | { readonly do: 'tellChanged' }
  | { readonly do: 'end'; readonly as: Ending; readonly error: LarderError | null }

/**
 * What is worth another try: the file changed at the origin, what others gave of it was a lie, or it has become larger than the cache
 * may keep, past which there is a way to a destination.
 */
const again = ['ORIGIN_CHANGED', 'PIECE_DIGEST_MISMATCH', 'CACHE_TOO_SMALL'] as const
export type Again = (typeof again)[number]

type RequestStep = Step<RequestState, RequestEffect>

/** A file that changes at the origin during the download is asked for again this many times. */
export const VERSION_TRIES = 4

export function newRequest(delivers: boolean, paused: boolean): RequestState {
  return { phase: { at: 'checking' }, paused, verdict: null, tries: 0, delivers }
}

export function step(state: RequestState, event: RequestEvent): RequestStep {
  const { phase } = state
  switch (event.e) {
    case 'started':
      return same(state, { do: 'prepare' })
    case 'prepared':
      if (phase.at !== 'checking') return same(state)
      return event.outcome === null ? askVersion(state, null) : obtained(state, event.outcome, true)
    case 'versionFound':
      if (phase.at !== 'checking') return same(state)
      if (event.route.by === 'cache') return obtained(state, event.route.outcome, true)
      return state.paused ? to(state, { at: 'ready', route: event.route }) : begin(state, event.route)
    case 'versionFailed':
      return phase.at === 'checking' ? end(state, event.error) : same(state)
    case 'joined':
      return phase.at === 'joining' ? to(state, { at: 'joined' }) : same(state)
    case 'transferDone':
      return isIn(phase, 'joining', 'joined') ? obtained(state, event.outcome, false, { do: 'leave' }) : same(state)
    case 'transferFailed':
      return isIn(phase, 'joining', 'joined') ? failedOrAnew(state, event.error, { do: 'leave' }) : same(state)
    case 'slotGranted':
      if (phase.at !== 'inLine') return same(state)
      return to(
        state,
        { at: 'direct', to: phase.to },
        phase.begun ? { do: 'goOnDirect' } : { do: 'startDirect', to: phase.to }
      )
    case 'directDone':
      return isRunning(phase) ? directDone(state, phase.to, event.outcome) : same(state)
    case 'directFailed':
      if (!isRunning(phase)) return same(state)
      return state.verdict !== null
        ? end(state, state.verdict, ...lineOf(phase))
        : failedOrAnew(state, event.error, ...lineOf(phase))
    case 'delivered':
      return phase.at === 'delivering' ? end(state, null) : same(state)
    case 'deliveryFailed':
      return phase.at === 'delivering' ? end(state, state.verdict ?? event.error) : same(state)
    case 'paused':
      return pause(state)
    case 'resumed':
      return resume(state)
    case 'stopped':
      return stop(state, event.error)
  }
}

/** What a request is said to be doing. @param transferWaits what its transfer waits for */
export function toldState({ phase, paused }: RequestState, transferWaits: WaitingFor | null): ToldState {
  if (phase.at === 'ended') return phase.as
  if (phase.at === 'delivering') return 'delivering'
  if (paused) return 'paused'
  switch (phase.at) {
    case 'checking':
      return 'checking'
    case 'joined':
      return transferWaits === null ? 'active' : 'waiting'
    case 'direct':
      return 'active'
    default:
      return 'waiting'
  }
}

/** @param ahead how many are before it in the line for a slot */
export function waitsFor(
  { phase, paused }: RequestState,
  transferWaits: WaitingFor | null,
  ahead: number | null
): WaitingFor | null {
  if (isIn(phase, 'ended', 'delivering')) return null
  if (paused) return { what: 'resume', ahead: null }
  switch (phase.at) {
    case 'checking':
      return { what: 'version', ahead: null }
    case 'joined':
      return transferWaits
    case 'inLine':
      return { what: 'slot', ahead }
    case 'direct':
      return null
    default:
      return { what: 'election', ahead: null }
  }
}

function begin(state: RequestState, route: Begin): RequestStep {
  if (route.by === 'transfer') return to(state, { at: 'joining' }, { do: 'join', paused: false })
  return to(state, { at: 'inLine', to: route.to, begun: false }, { do: 'enterLine' })
}

function askVersion(state: RequestState, because: Again | null, ...before: RequestEffect[]): RequestStep {
  return to({ ...state, tries: state.tries + 1 }, { at: 'checking' }, ...before, { do: 'askVersion', because })
}

function failedOrAnew(state: RequestState, error: LarderError, ...before: RequestEffect[]): RequestStep {
  const because = state.tries < VERSION_TRIES ? again.find((code) => code === error.code) : undefined
  if (because === undefined || (because === 'CACHE_TOO_SMALL' && !state.delivers)) return end(state, error, ...before)
  return askVersion(state, because, ...before)
}

function obtained(state: RequestState, outcome: Outcome, fromCache: boolean, ...before: RequestEffect[]): RequestStep {
  const got: RequestEffect[] = [...before, { do: 'obtained', outcome, fromCache }]
  if (!state.delivers) return end(state, null, ...got)
  return to({ ...state, paused: false }, { at: 'delivering', outcome }, ...got, { do: 'deliver', outcome })
}

function directDone(state: RequestState, target: DirectTarget, outcome: Outcome): RequestStep {
  const left = lineOf(state.phase)
  // The file is in its place; whoever wanted it stopped was too late.
  if (target === 'file') return end(state, null, ...left, { do: 'obtained', outcome, fromCache: false })
  if (state.verdict !== null) return end(state, state.verdict, ...left)
  return obtained(state, outcome, false, ...left)
}

function pause(state: RequestState): RequestStep {
  const { phase } = state
  if (state.paused || state.verdict !== null || isIn(phase, 'delivering', 'ended')) return same(state)
  const paused = { ...state, paused: true }
  const noted: RequestEffect = { do: 'noteReason', code: 'paused' }
  switch (phase.at) {
    case 'joining':
    case 'joined':
      return same(paused, noted, { do: 'tellTransfer', paused: true }, { do: 'tellChanged' })
    case 'inLine':
      return phase.begun
        ? to(paused, { at: 'held', to: phase.to }, noted, { do: 'leaveLine' })
        : to(paused, { at: 'ready', route: { by: 'direct', to: phase.to } }, noted, { do: 'leaveLine' })
    case 'direct':
      return to(paused, { at: 'held', to: phase.to }, noted, { do: 'holdDirect' }, { do: 'leaveLine' })
    default:
      return same(paused, noted, { do: 'tellChanged' })
  }
}

function resume(state: RequestState): RequestStep {
  const { phase } = state
  if (!state.paused || state.verdict !== null || phase.at === 'ended') return same(state)
  const resumed = { ...state, paused: false }
  switch (phase.at) {
    case 'ready':
      return begin(resumed, phase.route)
    case 'held':
      return to(resumed, { at: 'inLine', to: phase.to, begun: true }, { do: 'enterLine' })
    case 'joining':
    case 'joined':
      return same(resumed, { do: 'tellTransfer', paused: false }, { do: 'tellChanged' })
    default:
      return same(resumed, { do: 'tellChanged' })
  }
}

function stop(state: RequestState, error: LarderError): RequestStep {
  const { phase } = state
  if (state.verdict !== null) return same(state)
  switch (phase.at) {
    case 'ended':
      return same(state)
    case 'checking':
      return end(state, error, { do: 'abortVersion' })
    case 'joining':
    case 'joined':
      return end(state, error, { do: 'leave' })
    case 'ready':
      return end(state, error)
    case 'inLine':
      if (!phase.begun) return end(state, error, { do: 'leaveLine' })
      return to(
        { ...state, verdict: error },
        { at: 'held', to: phase.to },
        { do: 'leaveLine' },
        { do: 'abortDirect', error }
      )
    case 'direct':
    case 'held':
      return same({ ...state, verdict: error }, { do: 'abortDirect', error })
    case 'delivering':
      // It may have been made by now: what is told is what comes of it.
      return same({ ...state, verdict: error }, { do: 'abortDelivery', error })
  }
}

function end(state: RequestState, error: LarderError | null, ...before: RequestEffect[]): RequestStep {
  const as: Ending = error === null ? 'done' : error.code === 'CANCELLED' ? 'cancelled' : 'failed'
  const ended = { ...state, paused: false, verdict: null }
  return { state: { ...ended, phase: { at: 'ended', as, error } }, effects: [...before, { do: 'end', as, error }] }
}

function to(state: RequestState, phase: Phase, ...effects: RequestEffect[]): RequestStep {
  return { state: { ...state, phase }, effects: [...effects, { do: 'tellChanged' }] }
}

function same(state: RequestState, ...effects: RequestEffect[]): RequestStep {
  return { state, effects }
}

/** What gives back the place that a download has in the line or among those that run. */
function lineOf({ at }: Phase): RequestEffect[] {
  return at === 'inLine' || at === 'direct' ? [{ do: 'leaveLine' }] : []
}

function isIn<At extends Phase['at']>(phase: Phase, ...ats: At[]): phase is Extract<Phase, { at: At }> {
  return (ats as string[]).includes(phase.at)
}

/** Its download is open. */
function isRunning(phase: Phase): phase is Extract<Phase, { at: 'inLine' | 'direct' | 'held' }> {
  return (phase.at === 'inLine' && phase.begun) || phase.at === 'direct' || phase.at === 'held'
}
