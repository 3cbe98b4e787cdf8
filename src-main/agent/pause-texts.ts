import type { PauseReason } from '../contract/snapshot.ts'

export const untilText = (wallMs: number | null): string =>
  wallMs === null ? 'until resumed' : `until ${new Date(wallMs).toISOString()}`

const because: Record<PauseReason, (untilWallMs: number | null) => string> = {
  person: untilText,
  battery: () => 'while this PC runs on battery',
  asleep: () => 'because this PC goes to sleep'
}

/** What people are told when somebody takes a pause. */
export const describePause = (reason: PauseReason, untilWallMs: number | null): string =>
  `All transfers are paused ${because[reason](untilWallMs)}.`
