import type { Priority, WaitingFor } from '../contract/request.ts'
import type { TransferView } from '../contract/snapshot.ts'
import type { TransferState } from './transfer-events.ts'

/** @param shut whether its subnet may ask the origin is yet to be found out, should this PC become master */
export function newTransfer(nowMs: number, shut = false): TransferState {
  return {
    phase: 'electing',
    origin: 'idle',
    interests: new Map(),
    role: 'none',
    led: false,
    direct: null,
    originError: null,
    askedNextCoordinator: false,
    serving: true,
    shut,
    mapsDueMs: 0,
    heldSinceMs: 0,
    wait: { sinceMs: nowMs, progressAtMs: null, pieceAtMs: null, hasMoved: false }
  }
}

export function isPaused({ phase, interests }: TransferState): boolean {
  return isOpen(phase) && interests.size > 0 && [...interests.values()].every(({ paused }) => paused)
}

/** Of the most urgent one who waits. */
export function priorityOf({ interests }: TransferState): Priority {
  const all = [...interests.values()]
  const awake = all.filter(({ paused }) => !paused)
  return (awake.length > 0 ? awake : all).some(({ priority }) => priority === 'foreground')
    ? 'foreground'
    : 'background'
}

/** @param ahead downloads that get a slot before it @param asking runs of pieces that peers are being asked for @param received bytes have come in */
export function transferWaits(
  state: TransferState,
  { ahead, asking, received }: { ahead: number | null; asking: number; received: boolean }
): WaitingFor | null {
  if (!isOpen(state.phase)) return null
  if (isPaused(state)) return { what: 'resume', ahead: null }
  if (state.phase === 'electing') return { what: 'election', ahead: null }
  if (asking > 0 || state.origin === 'running') return received ? null : { what: 'pieces', ahead: null }
  if (state.origin === 'held') return { what: 'election', ahead: null }
  if (state.origin === 'queued') return { what: 'slot', ahead }
  return state.wait.pieceAtMs !== null ? null : { what: 'pieces', ahead: null }
}

/** @param waits what {@link transferWaits} says */
export function toldTransferState(state: TransferState, waits: WaitingFor | null): TransferView['state'] {
  if (state.phase === 'closed') return 'failed'
  if (isPaused(state)) return 'paused'
  return waits?.what === 'slot' ? 'queued' : state.phase
}

export function mayAskOrigin({ direct, role, shut }: TransferState): boolean {
  return direct !== null || (role === 'master' && !shut)
}

export function isOpen(phase: TransferState['phase']): boolean {
  return phase === 'electing' || phase === 'active'
}

export function isWorking(state: TransferState): boolean {
  return isOpen(state.phase) && !isPaused(state)
}
