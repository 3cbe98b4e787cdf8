import type { Check } from '../../contract/doctor.ts'
import { errorTable } from '../../contract/errors.ts'
import { UPDATES_CHECK } from '../../updates/judge-health.ts'
import type { Outcome } from '../../updates/update-machine.ts'

const verdicts = { installed: 'ok', refused: 'note', 'rolled-back': 'note', stuck: 'fail' } as const

/** What became of the last release that was handed to the installer; nothing, where there was none. */
export function judgeUpdate(last: Outcome | null): Check[] {
  if (last === null) return []
  const { result, version, from, why, at, code } = last
  const when = new Date(at).toISOString()
  const texts = {
    installed: `${version} was installed over ${from} at ${when}.`,
    refused: `${version} was not installed at ${when}: ${why ?? 'for an unknown reason'}.`,
    'rolled-back': `${version} was taken back at ${when}, ${from} is installed again: ${why ?? 'for an unknown reason'}.`,
    stuck: `${version} has to go, and ${from} could not be installed again up to ${when}: ${why ?? 'for an unknown reason'}.`
  }
  return [
    {
      id: UPDATES_CHECK,
      title: 'Last update',
      tried: 'Read what the installer has written down.',
      seen: texts[result],
      verdict: verdicts[result],
      next: result === 'installed' ? null : errorTable[code ?? 'UPDATE_FAILED'].next
    }
  ]
}
