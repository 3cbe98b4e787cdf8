import { systemClock, type Clock } from '../lib/clock.ts'

/** Real time, with a wall clock that can be set. */
export interface JumpingClock extends Clock {
  /** Somebody, or a time server, sets the clock of the PC by this much; nothing else notices. */
  jump(ms: number): void
}

export function jumpingClock(): JumpingClock {
  let offsetMs = 0
  return { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs, jump: (ms) => void (offsetMs += ms) }
}
