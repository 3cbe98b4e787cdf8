import type { AgentEventType } from '../contract/events.ts'
import type { ErrorCode } from '../contract/errors.ts'
import type { SettingsProblem } from '../contract/setting-details.ts'
import { UNTIL_RESTART } from '../settings/effective.ts'
import { describeProblem } from '../settings/load-settings.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { SettingName } from '../settings/setting-facts.ts'

const MAX_VALUE_CHARACTERS = 200

type Tell = (type: AgentEventType, text: string, facts?: { readonly code: ErrorCode }) => void

/**
 * Tells people what has changed in the settings and what is wrong with their files.
 * @param changed told last, for whoever shows them @returns how to end it
 */
export function tellSettings(settings: LiveSettings, tell: Tell, changed: () => void): () => void {
  const onChanged = (names: readonly SettingName[]) => {
    for (const name of names) {
      if (name === 'integration.enabled') tell('integrationChanged', describeSwitch(settings))
      else tell('settingsChanged', describeChange(settings, name))
    }
    changed()
  }
  const onProblems = (problems: readonly SettingsProblem[]) => {
    for (const problem of problems) tell('settingsRefused', describeRefusal(problem), { code: 'SETTINGS_INVALID' })
  }
  settings.on('changed', onChanged).on('problems', onProblems)
  onProblems(settings.problems())
  return () => void settings.off('changed', onChanged).off('problems', onProblems)
}

function describeSwitch({ integration: { enabled, by, reason } }: LiveSettings): string {
  return `${by} turned the integration ${enabled ? 'on' : 'off'}${reason === null ? '.' : `: ${reason}`}`
}

function describeChange(settings: LiveSettings, name: SettingName): string {
  const { value, secret, isSet, place, author, pending, source } = settings.get(name)
  const shown = secret ? (isSet ? 'set' : 'not set') : JSON.stringify(value).slice(0, MAX_VALUE_CHARACTERS)
  return `${name} is now ${shown}, by ${author?.by ?? place}${pending ? '; it counts from the next start on' : source === 'this-run' ? `, ${UNTIL_RESTART}` : ''}.`
}

function describeRefusal(problem: SettingsProblem): string {
  const consequence = { 'last-good': ' What was in force before stays so.', nothing: ' It is left out.', partly: '' }[
    problem.inForce
  ]
  return `${describeProblem(problem)}.${consequence}`.slice(0, 1000)
}
