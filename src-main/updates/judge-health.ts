import type { Check } from '../contract/doctor.ts'

/** The doctor's check that tells of the last update. It is about what is being done here, and counts for nothing. */
export const UPDATES_CHECK = 'updates'

/** What an installed release shows of itself. */
export interface Health {
  readonly version: string
  readonly checks: readonly Pick<Check, 'id' | 'title' | 'seen' | 'verdict'>[]
}

/**
 * Why a release is worse than the one before, as a clause; null when it is not. What failed before fails through no fault of the new one.
 * @param before null: the agent did not answer then either, or nobody looked
 */
export function whyWorse(version: string, after: Health | null, before: Health | null): string | null {
  if (after === null) return 'its agent does not answer'
  if (after.version !== version) return `the agent that answers is ${after.version}`
  const failedBefore = new Set(before?.checks.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id))
  const worse = after.checks.find(
    ({ id, verdict }) => verdict === 'fail' && id !== UPDATES_CHECK && !failedBefore.has(id)
  )
  return worse ? `its doctor says of ${worse.title}: ${worse.seen}` : null
}
