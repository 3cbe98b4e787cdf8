import type { SettingDetails, SettingView } from '../contract/setting-details.ts'
import type { Settings } from '../contract/settings.ts'
import type { EffectiveSettings } from './effective.ts'
import { factsAbout, valueOf, type SettingName } from './setting-facts.ts'

type Json = SettingView['value']

/**
 * One setting as people and programs see it; a secret's value nowhere in it.
 * @param inForce what the agent goes by now; null when none runs
 */
export function settingDetails(
  name: SettingName,
  effective: EffectiveSettings,
  inForce: Settings | null
): SettingDetails {
  const { description, secret, accepts, defaultValue, needsRestart } = factsAbout(name)
  const { value, source, strength, place, managed, author, candidates } = effective.of.get(name)!
  const shown = (any: unknown): Json => (secret ? null : (any as Json))
  return {
    name,
    value: shown(value),
    source,
    description,
    managed,
    secret,
    isSet: value !== null,
    pending: inForce !== null && !isSame(valueOf(inForce, name), value),
    strength,
    place,
    accepts,
    defaultValue: defaultValue as Json,
    needsRestart,
    author,
    candidates: candidates.map((candidate) => ({
      strength: candidate.strength,
      source: candidate.source,
      place: candidate.place,
      value: shown(candidate.value)
    }))
  }
}

export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
