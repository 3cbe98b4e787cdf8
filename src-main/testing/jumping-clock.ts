import { systemClock, type Clock } from '../lib/clock.ts'

/** Real time, with a wall clock that can be set. */
export interface JumpingClock extends Clock {
  /** Somebody, or a time server, sets the clock of the PC by so much; nothing else notices. */
  jump(ms: number): void
  /** Both clocks go on by so much at once, as they seem to when the process did not run meanwhile. */
  standStill(ms: number): void
}

export function jumpingClock(): JumpingClock {
  let offsetMs = 0
  let stoodStillMs = 0
  return {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + offsetMs + stoodStillMs,
    monotonicMs: () => systemClock.monotonicMs() + stoodStillMs,
    jump: (ms) => void (offsetMs += ms),
    standStill: (ms) => void (stoodStillMs += ms)
  }
}
