// Why it is like this: docs/decisions/0052-requests-and-transfers-are-pure-machines.md
import type { ReasonCode } from '../contract/request.ts'
import type { Step } from '../lib/machine-run.ts'
import { hasCode, type LarderError } from '../lib/errors.ts'
import { MOST_BROKEN_OFF } from '../claims/claims.ts'
import { decideFallback } from './fallback.ts'
import type {
  DecisionFacts,
  Sight,
  TickFacts,
  TransferEffect,
  TransferEvent,
  TransferState
} from './transfer-events.ts'
import { isOpen, isPaused, isWorking, mayAskOrigin, toldTransferState, transferWaits } from './transfer-state.ts'

/**
 * What the running job for one content does next. Nothing here touches the world: `step` takes what has happened and says what is
 * to be done about it; `transfer.ts` does it.
 *
 *     electing ──► active ──► finishing ──► holding ──► closed
 *                  ▲    │          │
 *                  └────┼──────────┘ pieces proved wrong, or rotted on the disk
 *                       └──► failed
 *
 * While active it takes pieces from peers; as elected master, or by itself after a fallback (`direct`), also from the origin:
 *
 *     idle ──► queued ──► running ◄──► held      (`queued` waits for a slot; `held`: is this PC still master?)
 *
 * Who waits for it are its interests. It is paused exactly when there are some and all of them are paused; then it asks nobody
 * for anything and has no place among the downloads from origins. When the last interest leaves before it is finished, it ends.
 */

/** A new master waits this long for the piece maps of its neighbours before it asks the origin for anything. */
export const MAPS_WAIT_MS = 300
/** A slot is kept for this long while it is asked who is master; an election takes a fraction of it. */
export const HELD_MS = 5000

type TransferStep = Step<TransferState, TransferEffect>

/** What it waits for follows from its state: whatever changes that is told. */
export function step(state: TransferState, event: TransferEvent): TransferStep {
  const next = decide(state, event)
  const isTold = next.effects.some((effect) => effect.do === 'tellChanged')
  return isTold || shown(next.state) === shown(state) ? next : then(next, { do: 'tellChanged' })
}

/** As far as the state alone says it. */
function shown(state: TransferState): string {
  const waits = transferWaits(state, { ahead: null, asking: 0, received: true })
  return `${toldTransferState(state, waits)}, ${waits?.what}`
}

function decide(state: TransferState, event: TransferEvent): TransferStep {
  if (state.phase === 'closed') return same(state)
  switch (event.e) {
    case 'interestJoined':
      return withInterests(state, new Map(state.interests).set(event.id, event.interest), event.nowMs)
    case 'interestPaused': {
      const before = state.interests.get(event.id)
      if (before === undefined || before.paused === event.paused) return same(state)
      const interests = new Map(state.interests).set(event.id, { ...before, paused: event.paused })
      return withInterests(state, interests, event.nowMs)
    }
    case 'interestLeft': {
      const interests = new Map(state.interests)
      if (!interests.delete(event.id)) return same(state)
      return interests.size === 0 && isOpen(state.phase)
        ? same({ ...state, interests }, { do: 'abandon' })
        : withInterests(state, interests, event.nowMs)
    }
    case 'decided':
      return decided(state, event)
    case 'looked':
      return looked(state, event)
    case 'ticked':
      return ticked(state, event)
    case 'nextCoordinatorAsked':
      if (!isWorking(state)) return same(state)
      return event.accepted
        ? same({ ...waitAnew(state, event.nowMs), askedNextCoordinator: true }, { do: 'tellChanged' })
        : fallBack(state, state.originError !== null ? 'origin-error' : event.otherwise, event.nowMs)
    case 'slotGranted':
      return state.origin === 'queued'
        ? same({ ...state, origin: 'running' }, { do: 'startOrigin' }, { do: 'tellChanged' })
        : same(state)
    case 'gateTurned': {
      if (state.shut === !event.open) return same(state)
      const turned = { ...state, shut: !event.open }
      const note: TransferEffect[] =
        event.reason !== null && isWorking(state) ? [{ do: 'noteReason', code: event.reason }] : []
      const look: TransferEffect[] = [...note, { do: 'tellChanged' }, { do: 'look' }]
      return mayAskOrigin(turned) ? same(turned, ...look) : withoutOrigin(turned, ...look)
    }
    case 'originIdle':
      return withoutOrigin(state, { do: 'look' })
    case 'originFailed':
      return originFailed(state, event)
    case 'pieceArrived': {
      const wait = { ...state.wait, progressAtMs: event.nowMs, pieceAtMs: event.nowMs, hasMoved: true }
      return same({ ...state, wait }, { do: 'tellChanged' }, { do: 'look' })
    }
    case 'progressed':
      return same({ ...state, wait: { ...state.wait, progressAtMs: event.nowMs, hasMoved: true } })
    case 'memberLost':
      // The wait for this one is over; its successor gets as long.
      return event.wasMaster && state.phase !== 'holding'
        ? same(waitAnew(state, event.nowMs), { do: 'tellMasterLost' }, { do: 'look' })
        : same(state, { do: 'look' })
    case 'servingChanged': {
      const eligible: TransferEffect = {
        do: 'beEligible',
        eligible: event.serving && !isPaused(state) && event.mayLead
      }
      const changed = { ...state, serving: event.serving }
      return !event.serving && event.neighbours > 0 ? resigned(changed, 'paused', eligible) : same(changed, eligible)
    }
    case 'completed':
      if (state.phase !== 'finishing') return same(state)
      return same({ ...state, phase: 'holding' }, { do: 'hold' }, { do: 'tellChanged' })
    case 'completionFailed':
      if (state.phase !== 'finishing') return same(state)
      if (event.again === null) return fail(state, event.error)
      if (state.interests.size === 0) return same({ ...state, phase: 'active' }, { do: 'abandon' })
      return event.again !== 'damaged'
        ? fallBack({ ...state, phase: 'active' }, whyAlone[event.again], event.nowMs)
        : same({ ...state, phase: 'active' }, { do: 'tellChanged' }, { do: 'look' })
    case 'broke':
      return isOpen(state.phase) ? fail(state, event.error) : same(state)
    case 'closed': {
      const { state: quiet, effects } = withoutOrigin(state, { do: 'stopPeers' })
      return { state: { ...quiet, phase: 'closed' }, effects }
    }
  }
}

/** Paused and resumed follow from who waits. */
function withInterests(before: TransferState, interests: TransferState['interests'], nowMs: number): TransferStep {
  const state = { ...before, interests }
  const was = isPaused(before)
  if (isPaused(state) === was) return same(state, { do: 'tellChanged' }, { do: 'look' })
  if (was)
    return same(
      waitAnew(state, nowMs),
      { do: 'beEligible', eligible: state.serving },
      { do: 'tellChanged' },
      { do: 'look' }
    )
  const still = withoutOrigin(state, { do: 'stopPeers' }, { do: 'beEligible', eligible: false })
  return resigned(still.state, 'paused', ...still.effects)
}

function decided(before: TransferState, facts: DecisionFacts): TransferStep {
  if (before.phase === 'holding' || before.phase === 'failed') return same(before)
  const state = { ...before, role: facts.role, led: facts.led }
  // Whether this agent is still master is being asked; until then nothing more crosses the WAN.
  if (facts.role === 'none')
    return state.direct === null && state.origin === 'running'
      ? same({ ...state, origin: 'held', heldSinceMs: facts.nowMs }, { do: 'holdOrigin' })
      : same(state)
  const begun = state.phase === 'electing' ? waitAnew({ ...state, phase: 'active' as const }, facts.nowMs) : state
  if (facts.role === 'follower') return follow(begun, facts)
  const running = begun.origin === 'held' ? { ...begun, origin: 'running' as const } : begun
  const goOn: TransferEffect[] = begun.origin === 'held' ? [{ do: 'goOnOrigin' }] : []
  const elected: TransferEffect[] = facts.elected
    ? [
        { do: 'lookWhenMapsAreDue', inMs: MAPS_WAIT_MS },
        ...(state.shut ? [] : [{ do: 'noteReason', code: 'elected' } as const])
      ]
    : []
  const due = facts.elected ? { ...running, mapsDueMs: facts.nowMs + MAPS_WAIT_MS } : running
  return same(due, ...goOn, ...elected, { do: 'tellChanged' }, { do: 'look' })
}

function follow(state: TransferState, facts: DecisionFacts): TransferStep {
  const quiet = state.direct === null ? withoutOrigin(state) : same(state)
  const over = facts.over ?? null
  const why = over === null ? null : state.originError?.code === 'ORIGIN_BREAKS_OFF' ? state.originError : over.why
  if (why !== null && state.direct === null && isOpen(state.phase)) return after(quiet, fail(quiet.state, why))
  // Nobody may or can be master, so waiting is useless. A PC that may be one itself knows better, and soon the coordinator does.
  const hopeless =
    !facts.led && !facts.holderComplete && (over !== null || !(state.originError === null && facts.mayLead))
  if (!hopeless || !isWorking(state)) return then(quiet, { do: 'tellChanged' }, { do: 'look' })
  const reason = state.originError === null ? 'no-peers' : 'origin-error'
  return after(quiet, fallBack(quiet.state, reason, facts.nowMs))
}

function looked(state: TransferState, { complete, gap, unanswered, suspects, nowMs }: Sight): TransferStep {
  if (!isOpen(state.phase)) return same(state)
  if (complete) {
    const quiet = withoutOrigin(state, { do: 'stopPeers' })
    return then({ ...quiet, state: { ...quiet.state, phase: 'finishing' } }, { do: 'tellChanged' }, { do: 'complete' })
  }
  if (state.phase === 'electing' || isPaused(state)) return same(state)
  const peers: TransferEffect[] = suspects ? [] : [{ do: 'askPeers' }]
  // What it waited in line for has come from elsewhere.
  if (state.origin === 'queued' && !gap) return withoutOrigin(state, ...peers, { do: 'tellChanged' })
  const mapsDue = state.direct !== null || unanswered === 0 || nowMs >= state.mapsDueMs
  if (state.origin !== 'idle' || !mayAskOrigin(state) || !mapsDue || !gap) return same(state, ...peers)
  return same({ ...state, origin: 'queued' }, ...peers, { do: 'enterLine' }, { do: 'tellChanged' })
}

function ticked(state: TransferState, facts: TickFacts): TransferStep {
  if (!isWorking(state)) return same(state)
  if (state.origin === 'held' && facts.nowMs - state.heldSinceMs >= HELD_MS)
    return withoutOrigin(state, { do: 'tellChanged' }, { do: 'look' })
  const look: TransferEffect = { do: 'look' }
  if (mayAskOrigin(state)) return same(state, look)
  // Complete holders were named, but no usable one remains; repeat until the coordinator reacts.
  const useless = state.role === 'follower' && !state.led && facts.unanswered === 0
  const effects: TransferEffect[] = useless ? [look, { do: 'reportUseless' }] : [look]
  const reason = fallbackReason(state, facts)
  if (reason === null) return same(state, ...effects)
  // Before everybody goes to the origin by itself, the next coordinator is asked, once: the first may be what is wrong, and
  // then one download still does for all.
  const mayAskNext =
    !state.askedNextCoordinator && state.originError === null && !['timeout', 'busy', 'mute-peer'].includes(reason)
  if (mayAskNext) return same(state, ...effects, { do: 'askNextCoordinator', otherwise: reason })
  const fallen = fallBack(state, state.originError !== null ? 'origin-error' : reason, facts.nowMs)
  return after(same(state, ...effects), fallen)
}

function fallbackReason({ wait, interests }: TransferState, facts: TickFacts): ReasonCode | null {
  const awake = [...interests.values()].filter(({ paused }) => !paused)
  const { sources, allBusy, masterKnown, allMute = false, remainingMs, nowMs, limits } = facts
  const deadlineMs = Math.min(...awake.map((i) => i.deadlineMs), Number.MAX_SAFE_INTEGER)
  const reason = decideFallback(
    { ...wait, nowMs, deadlineMs, remainingMs, sources, allBusy, masterKnown, allMute },
    limits
  )
  return reason === 'no-first-byte' && wait.hasMoved ? 'no-progress' : reason
}

const whyAlone = { foreign: 'peer-corrupt', unchecked: 'not-verifiable' } as const

function fallBack(state: TransferState, reason: ReasonCode, nowMs: number): TransferStep {
  if (state.direct !== null) return same(state, { do: 'look' })
  const begun = state.phase === 'electing' ? waitAnew({ ...state, phase: 'active' as const }, nowMs) : state
  const goOn: TransferEffect[] = begun.origin === 'held' ? [{ do: 'goOnOrigin' }] : []
  return same(
    { ...begun, direct: reason, origin: begun.origin === 'held' ? 'running' : begun.origin },
    ...goOn,
    { do: 'noteReason', code: reason },
    { do: 'tellFallback', code: reason },
    { do: 'tellChanged' },
    { do: 'look' }
  )
}

function originFailed(
  state: TransferState,
  { error, neighbours, brokenOff = 0 }: Extract<TransferEvent, { e: 'originFailed' }>
): TransferStep {
  const failed = withoutOrigin({ ...state, originError: error })
  if (!isOpen(state.phase)) return failed
  const disk = hasCode(error, 'DISK_FULL', 'CACHE_UNUSABLE')
  const brokeOff = error.code === 'ORIGIN_BREAKS_OFF'
  // A second time at this PC is enough, too: a coordinator that does not know this rule elects it again and again.
  const again = state.originError?.code === 'ORIGIN_BREAKS_OFF'
  const isOver = brokeOff && (again || brokenOff + 1 >= MOST_BROKEN_OFF)
  const left =
    state.direct === null && state.role === 'master'
      ? after(
          failed,
          brokeOff ? nextTries(failed.state) : cannotLead(failed.state, disk ? 'disk-full' : 'origin-error')
        )
      : failed
  // Another one may still reach the origin or hold the rest; alone there is nobody to wait for.
  const hopeless = disk || isOver || error.code === 'ORIGIN_CHANGED' || state.direct !== null || neighbours === 0
  return hopeless ? after(left, fail(left.state, error)) : then(left, { do: 'noteReason', code: 'origin-error' })
}

function fail(state: TransferState, error: LarderError): TransferStep {
  const quiet = withoutOrigin(state, { do: 'stopPeers' })
  return then({ ...quiet, state: { ...quiet.state, phase: 'failed' } }, { do: 'tellChanged' }, { do: 'fail', error })
}

const cannotLead = (state: TransferState, why: 'origin-error' | 'disk-full'): TransferStep =>
  resigned(state, why, { do: 'beEligible', eligible: false })

/** A content that has to be started again is started by another PC, one at a time; the next has what came so far. */
const nextTries = (state: TransferState): TransferStep =>
  same(
    { ...state, role: 'none', led: false },
    { do: 'resign', why: 'origin-error', brokeOff: true },
    { do: 'tellChanged' }
  )

/** Gives up its mastership, when it has it; the coordinator's word on who is next is yet to come. */
function resigned(
  state: TransferState,
  why: 'paused' | 'origin-error' | 'disk-full',
  ...before: TransferEffect[]
): TransferStep {
  return state.role === 'master'
    ? same({ ...state, role: 'none', led: false }, ...before, { do: 'resign', why }, { do: 'tellChanged' })
    : same(state, ...before, { do: 'tellChanged' })
}

/** Nothing more is asked of the origin, and its slot is free. */
function withoutOrigin(state: TransferState, ...effects: TransferEffect[]): TransferStep {
  if (state.origin === 'idle') return same(state, ...effects)
  const stop: TransferEffect[] = state.origin === 'queued' ? [] : [{ do: 'stopOrigin' }]
  return same({ ...state, origin: 'idle' }, ...stop, { do: 'leaveLine' }, ...effects)
}

function waitAnew<S extends TransferState>(state: S, nowMs: number): S {
  return { ...state, wait: { ...state.wait, sinceMs: nowMs, progressAtMs: null, pieceAtMs: null } }
}

function same(state: TransferState, ...effects: TransferEffect[]): TransferStep {
  return { state, effects }
}

function then({ state, effects }: TransferStep, ...more: TransferEffect[]): TransferStep {
  return { state, effects: [...effects, ...more] }
}

function after(first: TransferStep, second: TransferStep): TransferStep {
  return { state: second.state, effects: [...first.effects, ...second.effects] }
}
