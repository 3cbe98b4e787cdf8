const FIRST_MS = 1000
const LONGEST_MS = 60_000

/** Pause before try number `attempt` (0 is the first repetition): 1 s doubling to 60 s, shortened by up to half at random. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)) * (1 - random() / 2)
}
