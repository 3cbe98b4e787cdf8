// Why it is like this: docs/decisions/0070-a-hub-may-introduce-pcs-of-one-site.md
import type { AloneWhy } from '../contract/hub-messages.ts'

/**
 * Whether the master of a subnet may ask the origin, where subnets of one site share a hub. Pure.
 *
 *     closed ──led──► asking ──master──────────────────► leased ──stood back──► asking
 *        ▲               │  └──follower──► relaying ──master──► leased
 *        │               │ hub gone,          │ nobody connected in time · no byte in time
 *        │               │ or silent          │ no progress · all holders failed · nobody may lead
 *        │               ▼                    ▼
 *        └──not led──── alone ◄───────────────┘      alone, leased ──another subnet offers pieces──► relaying
 *
 * Open are `leased` and `alone`. Every way that depends on others ends in `alone`, which is what a subnet does without a hub.
 */
export interface GateState {
  readonly phase: 'closed' | 'asking' | 'leased' | 'relaying' | 'alone'
  /** Monotonic ms; when it came into this phase. */
  readonly sinceMs: number
  /** A holder in another subnet was connected. */
  readonly connected: boolean
  /** The last sign that the download moves there, or a piece from there. */
  readonly movedMs: number | null
  readonly pieceMs: number
  /** The hub says that another subnet has it, or downloads it. */
  readonly invited: boolean
  /** Relaying has failed for this content: it is not tried again. */
  readonly spent: boolean
}

/** `apart`: it decides, but no other subnet can be reached from here. */
export type HubUse = 'up' | 'down' | 'apart'

export type GateEvent =
  /** This PC is, or is no more, master of its subnet. */
  | { readonly e: 'led'; readonly hub: HubUse; readonly nowMs: number }
  | { readonly e: 'notLed' }
  /** What the hub has decided. `useful`: it names somebody to get it from. */
  | {
      readonly e: 'decided'
      readonly role: 'none' | 'master' | 'follower'
      readonly useful: boolean
      readonly nowMs: number
    }
  | { readonly e: 'hubDown'; readonly nowMs: number }
  | { readonly e: 'hubBusy'; readonly nowMs: number }
  | { readonly e: 'connected' }
  /** A holder in another subnet has pieces. */
  | { readonly e: 'offered'; readonly nowMs: number }
  | { readonly e: 'progressed'; readonly nowMs: number }
  | { readonly e: 'pieceCame'; readonly nowMs: number }
  /** None of the holders that were named is left. */
  | { readonly e: 'allFailed'; readonly nowMs: number }
  | { readonly e: 'ticked'; readonly nowMs: number; readonly limits: GateLimits }

export interface GateLimits {
  readonly answerMs: number
  readonly connectMs: number
  readonly firstByteMs: number
  readonly stallMs: number
}

export type GateEffect =
  | { readonly do: 'openClaim' }
  | { readonly do: 'closeClaim' }
  | { readonly do: 'goAlone'; readonly why: AloneWhy }

/** The word of a far master that its download moves is believed for this many times `stallMs` without a piece. */
const TRUST_FACTOR = 8

export const closedGate: GateState = {
  phase: 'closed',
  sinceMs: 0,
  connected: false,
  movedMs: null,
  pieceMs: 0,
  invited: false,
  spent: false
}

export function isGateOpen({ phase }: GateState): boolean {
  return phase === 'leased' || phase === 'alone'
}

export function stepGate(state: GateState, event: GateEvent): { state: GateState; effects: readonly GateEffect[] } {
  switch (event.e) {
    case 'led': {
      if (state.phase !== 'closed') return same(state)
      const asking = enter(closedGate, 'asking', event.nowMs)
      if (event.hub === 'up') return same(asking, { do: 'openClaim' })
      const alone = goAlone(asking, event.hub === 'apart' ? 'site-unreachable' : 'hub-silent', event.nowMs)
      return { state: alone.state, effects: [{ do: 'openClaim' }, ...alone.effects] }
    }
    case 'notLed':
      return state.phase === 'closed' ? same(state) : same(closedGate, { do: 'closeClaim' })
    case 'decided':
      return decided(state, event)
    case 'hubDown':
      return state.phase === 'asking' ? goAlone(state, 'hub-silent', event.nowMs) : same(state)
    case 'hubBusy':
      return state.phase === 'asking' ? goAlone(state, 'nobody', event.nowMs) : same(state)
    case 'connected':
      return same({ ...state, connected: true })
    case 'offered': {
      const mayRelay = isGateOpen(state) && state.invited && !state.spent
      return same(mayRelay ? { ...enter(state, 'relaying', event.nowMs), connected: true } : state)
    }
    case 'progressed':
      return same({ ...state, movedMs: event.nowMs })
    case 'pieceCame':
      return same({ ...state, movedMs: event.nowMs, pieceMs: event.nowMs })
    case 'allFailed':
      return state.phase === 'relaying' ? giveUp(state, 'site-unreachable', event.nowMs) : same(state)
    case 'ticked':
      return ticked(state, event.limits, event.nowMs)
  }
}

/** When a look is due at the latest; Infinity: nothing is waited for. */
export function gateDueMs(state: GateState, limits: GateLimits): number {
  if (state.phase === 'asking') return state.sinceMs + limits.answerMs
  if (state.phase !== 'relaying') return Infinity
  if (!state.connected) return state.sinceMs + limits.connectMs
  if (state.movedMs === null) return state.sinceMs + limits.firstByteMs
  return Math.min(state.movedMs + limits.stallMs, state.pieceMs + limits.stallMs * TRUST_FACTOR)
}

type GateStep = ReturnType<typeof stepGate>

function decided(before: GateState, { role, useful, nowMs }: Extract<GateEvent, { e: 'decided' }>): GateStep {
  const { phase } = before
  if (phase === 'closed') return same(before)
  const state = { ...before, invited: role === 'follower' && useful }
  if (role === 'master') return same(phase === 'leased' ? state : enter(state, 'leased', nowMs))
  // After a standstill: another subnet may have gone on meanwhile.
  if (role === 'none') return same(phase === 'leased' ? enter(state, 'asking', nowMs) : state)
  // What it downloads already it gives up only for pieces that are really offered.
  if (isGateOpen(state)) return same(state)
  if (!useful) return goAlone(state, 'nobody', nowMs)
  if (state.spent) return goAlone(state, 'site-unreachable', nowMs)
  return same(phase === 'relaying' ? state : enter(state, 'relaying', nowMs))
}

function ticked(state: GateState, limits: GateLimits, nowMs: number): GateStep {
  if (nowMs < gateDueMs(state, limits)) return same(state)
  if (state.phase === 'asking') return goAlone(state, 'hub-silent', nowMs)
  return giveUp(state, state.connected ? 'site-stalled' : 'site-unreachable', nowMs)
}

function giveUp(state: GateState, why: AloneWhy, nowMs: number): GateStep {
  return goAlone({ ...state, spent: true }, why, nowMs)
}

function goAlone(state: GateState, why: AloneWhy, nowMs: number): GateStep {
  return same(enter(state, 'alone', nowMs), { do: 'goAlone', why })
}

function enter(state: GateState, phase: GateState['phase'], nowMs: number): GateState {
  return { ...state, phase, sinceMs: nowMs, connected: false, movedMs: null, pieceMs: nowMs }
}

function same(state: GateState, ...effects: GateEffect[]): GateStep {
  return { state, effects }
}
