import type { PauseReason } from '../contract/snapshot.ts'

/**
 * Who holds a pause, and until when (wall clock, ms; null: until it is released). Everything is paused while anybody holds one:
 *
 *             pause ┌────────┐  release, or its time is over
 *     ─────────────►│  held  │─────────────────────────────► gone
 *                   └────────┘
 *                        │ a person resumes          ▲ release
 *                        ▼                           │
 *                   ┌────────────┐                   │
 *                   │ overridden │───────────────────┘
 *                   └────────────┘
 *
 * A person who resumes overrides what is held for a lasting reason (`battery`): it pauses nothing until it has been released and
 * comes again.
 */
export interface Pauses {
  readonly held: ReadonlyMap<PauseReason, number | null>
  readonly overridden: ReadonlySet<PauseReason>
}

export const noPauses: Pauses = { held: new Map(), overridden: new Set() }

/** Takes a pause, or changes until when. */
export function hold(pauses: Pauses, reason: PauseReason, until: number | null): Pauses {
  if (pauses.overridden.has(reason)) return pauses
  return { ...pauses, held: new Map([...pauses.held, [reason, until]]) }
}

/** The reason is gone. */
export function release(pauses: Pauses, reason: PauseReason): Pauses {
  return {
    held: new Map([...pauses.held].filter(([other]) => other !== reason)),
    overridden: new Set([...pauses.overridden].filter((other) => other !== reason))
  }
}

/** A person wants everything to go on. */
export function resume({ held, overridden }: Pauses): Pauses {
  const lasting = [...held].filter(([reason, until]) => reason !== 'person' && until === null)
  return { held: new Map(), overridden: new Set([...overridden, ...lasting.map(([reason]) => reason)]) }
}

/** The wall clock shows `wallMs`. */
export function expire({ held, overridden }: Pauses, wallMs: number): Pauses {
  return { held: new Map([...held].filter(([, until]) => until === null || until > wallMs)), overridden }
}

/** When the first of them ends by itself; null: none does. */
export function nextEnd({ held }: Pauses): number | null {
  const ends = [...held.values()].filter((until) => until !== null)
  return ends.length === 0 ? null : Math.min(...ends)
}

export interface Pause {
  /** When everything goes on; null: when the last reason is gone. */
  readonly until: number | null
  readonly by: PauseReason[]
}

/** Null: nothing is paused. */
export function pauseOf({ held }: Pauses): Pause | null {
  if (held.size === 0) return null
  const untils = [...held.values()]
  return {
    until: untils.some((until) => until === null) ? null : Math.max(...untils.filter((until) => until !== null)),
    by: [...held.keys()]
  }
}
