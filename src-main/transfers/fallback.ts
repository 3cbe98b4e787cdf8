import type { ReasonCode } from '../contract/request.ts'

/** How a transfer that is not downloading from the origin itself is doing; times in ms on the monotonic clock. */
export interface Wait {
  readonly nowMs: number
  /** Since when it may make progress (elected, not paused). */
  readonly sinceMs: number
  /** Last sign of progress: a verified piece here, or bytes the master received. Null: none yet. */
  readonly progressAtMs: number | null
  /** Last verified piece here. */
  readonly pieceAtMs: number | null
  /** Earliest deadline of its requests. */
  readonly deadlineMs: number
  /** Seconds it still takes at the present rate; null when unknown. */
  readonly remainingMs: number | null
  /** Somebody who could serve it. */
  readonly sources: number
  /** All of them answered "busy" the last time. */
  readonly allBusy: boolean
  readonly masterKnown: boolean
  /** Of everybody who could give something, large answers do not arrive. */
  readonly allMute?: boolean
}

export interface WaitLimits {
  readonly firstByteMs: number
  readonly stallMs: number
}

/**
 * An elected master and peers with pieces may have a queue before us; they are given this many times the limits. Those that
 * vanish or stall are noticed by themselves: a master is replaced, a peer that sends nothing is left.
 */
const QUEUE_FACTOR = 4

/** In this time the coordinator makes another one master where it can; ms. */
const ALL_MUTE_MS = 1500

/** A master's word that it is receiving bytes keeps a follower patient for at most this many times `stallMs`. */
const TRUST_FACTOR = 8

/**
 * Decides whether a transfer has waited long enough for others and goes to the origin by itself.
 * @returns the reason, or null to wait on
 */
export function decideFallback(wait: Wait, limits: WaitLimits): ReasonCode | null {
  const { nowMs } = wait
  if (wait.allMute === true && wait.sources === 0 && nowMs - wait.sinceMs >= ALL_MUTE_MS) return 'mute-peer'
  const ownAtMs = wait.pieceAtMs ?? wait.sinceMs
  const patience = wait.masterKnown || wait.sources > 0 ? QUEUE_FACTOR : 1
  if (wait.progressAtMs === null) {
    if (nowMs - wait.sinceMs >= limits.firstByteMs * patience) return culprit(wait, 'no-first-byte')
  } else if (nowMs - wait.progressAtMs >= limits.stallMs * patience) return culprit(wait, 'no-progress')
  else if (nowMs - ownAtMs >= limits.stallMs * TRUST_FACTOR) return culprit(wait, 'no-progress')
  // Half of the time is gone and the rest will not do: the origin may still make it.
  const total = wait.deadlineMs - wait.sinceMs
  if (nowMs - wait.sinceMs >= total / 2 && wait.remainingMs !== null && nowMs + wait.remainingMs > wait.deadlineMs)
    return 'timeout'
  return null
}

function culprit(wait: Wait, otherwise: ReasonCode): ReasonCode {
  if (wait.sources === 0) return wait.masterKnown ? 'master-lost' : 'no-peers'
  return wait.allBusy ? 'busy' : otherwise
}
