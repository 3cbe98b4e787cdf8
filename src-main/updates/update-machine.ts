// Why it is like this: docs/decisions/0081-larder-updates-itself-by-a-signature-and-a-way-back.md
import { z } from 'zod'
import { ErrorCode, errorTable, type ErrorView } from '../contract/errors.ts'
import type { Step } from '../lib/machine-run.ts'
import type { Offer } from './judge-manifest.ts'

/** What the installer has done; it writes this down where everybody may read it. */
export const Outcome = z.object({
  version: z.string().max(60),
  /** The release that was there before. */
  from: z.string().max(60),
  /** `stuck`: it has to go, and the package manager does not take the one before; the installer goes on trying. */
  result: z.enum(['installed', 'rolled-back', 'refused', 'stuck']),
  /** A clause for people; null for `installed`. */
  why: z.string().max(2000).nullable(),
  code: ErrorCode.nullable(),
  /** Wall clock, ms since 1970. */
  at: z.number(),
  /** Releases whose package the installer has kept. */
  kept: z.array(z.string().max(60)).max(10).default([])
})
export type Outcome = z.infer<typeof Outcome>

/** What outlives the agent. */
export const UpdateMemory = z.object({
  seen: z.object({ version: z.string(), issuedAt: z.string() }).nullable().default(null),
  /** Never tried again by itself. */
  failed: z.array(z.string()).max(50).default([]),
  /** When this PC's turn comes, wall clock; drawn once for each release. */
  turn: z.object({ version: z.string(), atWallMs: z.number() }).nullable().default(null),
  /** The outcome that was last told. */
  toldAt: z.number().default(0)
})
export type UpdateMemory = z.infer<typeof UpdateMemory>

/**
 *     idle ──look──► looking ──offer──► waiting ──turn──► fetching ──► installing ──outcome──► idle
 *                       ▲                  │
 *                       └──────look────────┘
 */
export type UpdatePhase =
  | { readonly name: 'idle' }
  /** `before`: what it waits for meanwhile. */
  | { readonly name: 'looking'; readonly before: Offer | null }
  | { readonly name: 'waiting'; readonly offer: Offer }
  | { readonly name: 'fetching'; readonly offer: Offer }
  /** The installer has it; the agent is restarted by it. */
  | { readonly name: 'installing'; readonly offer: Offer; readonly sinceMs: number }

export interface UpdateState {
  readonly phase: UpdatePhase
  readonly memory: UpdateMemory
  /** A refusal that was told; the same again is not. */
  readonly toldCode: string | null
}

/** `nowMs`: the clock that never goes back. */
export type UpdateEvent =
  | { readonly type: 'lookDue'; readonly nowMs: number }
  /** `delayMs`: drawn at random by this PC's ring, for a release it has not seen yet. */
  | {
      readonly type: 'looked'
      readonly offer: Offer | null
      readonly seen: NonNullable<UpdateMemory['seen']>
      readonly wallMs: number
      readonly delayMs: number
    }
  | { readonly type: 'turnCame' }
  | { readonly type: 'fetched'; readonly nowMs: number }
  | { readonly type: 'failed'; readonly error: ErrorView }
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'turnedOff' }

export type UpdateEffect =
  | { readonly do: 'look' }
  | { readonly do: 'waitUntil'; readonly wallMs: number }
  | { readonly do: 'fetch'; readonly offer: Offer }
  | { readonly do: 'handOver'; readonly offer: Offer }
  /** What was fetched or waited for is no longer wanted. */
  | { readonly do: 'dropAll' }
  | { readonly do: 'remember'; readonly memory: UpdateMemory }
  | { readonly do: 'tellFound'; readonly version: string; readonly atWallMs: number }
  | { readonly do: 'tellRefused'; readonly error: ErrorView }
  | { readonly do: 'tellOutcome'; readonly outcome: Outcome }

export const beginning = (memory: UpdateMemory): UpdateState => ({
  phase: { name: 'idle' },
  memory,
  toldCode: null
})

const MOST_FAILED = 50
/** An installer that has said nothing for this long has taken no notice. It goes forth and back: two installations, and 90 s of looking after each. */
const INSTALLER_SILENT_MS = 30 * 60_000
const noAnswer: ErrorView = {
  code: 'UPDATE_PUT_OFF',
  message: 'The installer of this PC has taken no notice of the update',
  next: errorTable.UPDATE_PUT_OFF.next
}

export function step(state: UpdateState, event: UpdateEvent): Step<UpdateState, UpdateEffect> {
  const { phase } = state
  switch (event.type) {
    case 'lookDue': {
      if (phase.name === 'installing')
        return event.nowMs - phase.sinceMs < INSTALLER_SILENT_MS ? stay(state) : failed(state, noAnswer)
      // What is being fetched comes to its end first.
      if (phase.name !== 'idle' && phase.name !== 'waiting') return stay(state)
      const before = phase.name === 'waiting' ? phase.offer : null
      return { state: { ...state, phase: { name: 'looking', before } }, effects: [{ do: 'look' }] }
    }
    case 'looked':
      return phase.name === 'looking' ? looked(state, event) : stay(state)
    case 'turnCame':
      if (phase.name !== 'waiting') return stay(state)
      return {
        state: { ...state, phase: { name: 'fetching', offer: phase.offer } },
        effects: [{ do: 'fetch', offer: phase.offer }]
      }
    case 'fetched':
      if (phase.name !== 'fetching') return stay(state)
      return {
        state: { ...state, phase: { name: 'installing', offer: phase.offer, sinceMs: event.nowMs } },
        effects: [{ do: 'handOver', offer: phase.offer }]
      }
    case 'failed':
      return failed(state, event.error)
    case 'outcome':
      return ended(state, event.outcome)
    case 'turnedOff':
      return { state: { ...state, phase: { name: 'idle' }, toldCode: null }, effects: [{ do: 'dropAll' }] }
  }
}

const stay = (state: UpdateState): Step<UpdateState, UpdateEffect> => ({ state, effects: [] })

function looked(
  state: UpdateState,
  { offer, seen, wallMs, delayMs }: Extract<UpdateEvent, { type: 'looked' }>
): Step<UpdateState, UpdateEffect> {
  if (offer === null) {
    const memory = { ...state.memory, seen, turn: null }
    return {
      state: { phase: { name: 'idle' }, memory, toldCode: null },
      effects: [{ do: 'dropAll' }, { do: 'remember', memory }]
    }
  }
  const known = state.memory.turn?.version === offer.version ? state.memory.turn : null
  const turn = known ?? { version: offer.version, atWallMs: wallMs + delayMs }
  const memory = { ...state.memory, seen, turn }
  return {
    state: { phase: { name: 'waiting', offer }, memory, toldCode: null },
    effects: [
      { do: 'remember', memory },
      ...(known ? [] : [{ do: 'tellFound', version: offer.version, atWallMs: turn.atWallMs } as const]),
      { do: 'waitUntil', wallMs: turn.atWallMs }
    ]
  }
}

/** A look, a download or the handing over went wrong; the next look tries again. */
function failed(state: UpdateState, error: ErrorView): Step<UpdateState, UpdateEffect> {
  const { phase, memory } = state
  if (phase.name === 'idle' || phase.name === 'waiting') return stay(state)
  const told: UpdateEffect[] = state.toldCode === error.code ? [] : [{ do: 'tellRefused', error }]
  if (phase.name === 'looking' && phase.before !== null && memory.turn)
    return {
      state: { ...state, phase: { name: 'waiting', offer: phase.before }, toldCode: error.code },
      effects: [...told, { do: 'waitUntil', wallMs: memory.turn.atWallMs }]
    }
  return { state: { ...state, phase: { name: 'idle' }, toldCode: error.code }, effects: [...told, { do: 'dropAll' }] }
}

function ended(state: UpdateState, outcome: Outcome): Step<UpdateState, UpdateEffect> {
  if (outcome.at <= state.memory.toldAt) return stay(state)
  const failedNow =
    outcome.result === 'rolled-back' || outcome.result === 'stuck'
      ? [...state.memory.failed, outcome.version].slice(-MOST_FAILED)
      : state.memory.failed
  // What was refused is tried again after the next look, and its turn has come already.
  const turn = outcome.result === 'refused' ? state.memory.turn : null
  const memory = { ...state.memory, failed: [...new Set(failedNow)], turn, toldAt: outcome.at }
  return {
    state: { ...state, phase: { name: 'idle' }, memory },
    effects: [{ do: 'dropAll' }, { do: 'remember', memory }, { do: 'tellOutcome', outcome }]
  }
}
