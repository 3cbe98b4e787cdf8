import type { AgentEventType } from '../contract/events.ts'
import type { SettingsProblem } from '../contract/setting-details.ts'
import { describeProblem } from '../settings/load-settings.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { SettingName } from '../settings/setting-facts.ts'

const MAX_VALUE_CHARACTERS = 200

/** What to tell people about settings that have changed. */
export function describeChanges(names: readonly SettingName[], settings: LiveSettings): { readonly type: AgentEventType; readonly text: string }[] {
  return names.map((name) => {
    if (name === 'integration.enabled') {
      const { enabled, by, reason } = settings.integration
      return { type: 'integrationChanged', text: `${by} turned the integration ${enabled ? 'on' : 'off'}${reason === null ? '.' : `: ${reason}`}` }
    }
    const { value, secret, isSet, place, author, pending } = settings.get(name)
    const shown = secret ? (isSet ? 'set' : 'not set') : JSON.stringify(value).slice(0, MAX_VALUE_CHARACTERS)
    return { type: 'settingsChanged', text: `${name} is now ${shown}, by ${author?.by ?? place}${pending ? '; it counts from the next start on' : ''}.` }
  })
}

/** What to tell people about a file that cannot be used as it is. */
export function refusal(problem: SettingsProblem): string {
  const consequence = { 'last-good': ' What was in force before stays so.', nothing: ' It is left out.', partly: '' }[problem.inForce]
  return `${describeProblem(problem)}.${consequence}`.slice(0, 1000)
}
